"""The parts of the loop against independent calculations: loss, frozen front, intensity map, plan, files."""

import io
import json
import struct
import sys

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from PIL import Image
from skimage.metrics import structural_similarity

from CHARMSSRLib import CHARMS, fine_tune
from CHARMSSRLib.errors import BackendError, SettingsError
from CHARMSSRLib.files.png import png_bytes
from CHARMSSRLib.fine_tuning.automatic_values import Plan
from CHARMSSRLib.fine_tuning.fine_tuning_loss import AR_WEIGHT, masked_loss
from CHARMSSRLib.fine_tuning.frozen import freeze_front, frozen_features
from CHARMSSRLib.fine_tuning.pairs.pair import Pair
from CHARMSSRLib.fine_tuning.report.intensity_match import MapFit, isotonic
from CHARMSSRLib.fine_tuning.report.report_contents import verdict_on
from CHARMSSRLib.fine_tuning.work_folder import discard_work, identity_of, work_folder_of
from CHARMSSRLib.learning.losses import attention_regularisation, ssim_map
from CHARMSSRLib.network.attention_maps import collect_attention, record_attention
from CHARMSSRLib.settings import FineTuningSettings
from Testing.fine_tuning import fine_tuning_helpers as helpers


def pictures(seed=0, noise=0.1):
    generator = torch.Generator().manual_seed(seed)
    y, x = torch.meshgrid(torch.arange(40.0), torch.arange(36.0), indexing="ij")
    one = 0.5 + 0.3 * torch.sin(x / 3) * torch.cos(y / 4)
    return one[None, None], (one + noise * torch.randn(one.shape, generator=generator))[None, None]


def test_ssim_is_that_of_scikit_image():
    one, other = pictures()
    _, expected = structural_similarity(
        one[0, 0].double().numpy(), other[0, 0].double().numpy(), data_range=1.0, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False, K1=0.01, K2=0.03, full=True,
    )  # fmt: skip
    assert np.allclose(ssim_map(one, other)[0, 0], expected[5:-5, 5:-5], atol=1e-4)
    assert torch.allclose(ssim_map(one, one), torch.ones(1))


def test_the_loss_counts_inside_the_mask_alone():
    one, other = pictures()
    mask = torch.zeros_like(one)
    mask[..., 8:30, 8:28] = 1
    loss = masked_loss(one, other, mask)
    assert float(loss.l1) == pytest.approx(float((one - other).abs()[..., 8:30, 8:28].mean()), rel=1e-5)
    assert float(loss.total) == pytest.approx(float(loss.l1 + 0.1 * loss.dissimilarity))
    spoilt = other + 5 * (1 - mask)
    assert float(masked_loss(one, spoilt, mask).total) == pytest.approx(float(loss.total), rel=1e-5)
    assert float(masked_loss(one, other, 0 * mask).total) == 0.0


@pytest.mark.parametrize(("scale", "count"), [(2, 197_072), (4, 344_784)])
def test_the_papers_parameters_are_trained(scale, count):
    network = CHARMS(scale)
    trained = freeze_front(network)
    assert sum(parameter.numel() for parameter in trained.values()) == count
    assert {name.partition(".")[0] for name in trained} == {"transformer", "upsampler", "refinement", "tail"}


def test_a_front_without_graph_gives_the_gradients_of_the_whole_network():
    torch.manual_seed(3)
    network = CHARMS(2, blocks=2, units=2)
    torch.nn.init.normal_(network.tail.weight, std=0.01)
    one, target = pictures(noise=0.05)
    slices = torch.nn.functional.avg_pool2d(one, 2)
    mask = torch.ones_like(one)

    def gradients(output_of, parameters):
        network.zero_grad()
        with record_attention(network):
            output = output_of()
            loss = masked_loss(output, target, mask).total + AR_WEIGHT * attention_regularisation(
                collect_attention(network)
            )
        loss.backward()
        return float(loss.detach()), {name: parameters[name].grad.clone() for name in parameters}

    everything = dict(network.named_parameters())
    loss, whole = gradients(lambda: network(slices), everything)
    trained = freeze_front(network)
    own_loss, own = gradients(lambda: network.reconstruct(slices, *frozen_features(network, slices)), trained)
    assert own_loss == pytest.approx(loss, rel=1e-6)
    assert all(torch.allclose(own[name], whole[name], rtol=1e-4, atol=1e-8) for name in own)
    assert all(everything[name].grad is None for name in everything if name not in trained)


def test_isotonic_regression_pools_what_falls():
    values, weights = np.array([1.0, 3.0, 2.0, 2.0, 5.0, 4.0]), np.array([1.0, 1.0, 1.0, 2.0, 1.0, 3.0])
    assert isotonic(values, weights) == pytest.approx([1, 2.25, 2.25, 2.25, 4.25, 4.25])
    assert isotonic(np.arange(4.0), np.ones(4)) == pytest.approx([0, 1, 2, 3])


@pytest.mark.parametrize("law", [lambda x: x**0.5, lambda x: 1.2 - x])
def test_the_intensity_map_finds_a_monotone_law_rising_or_falling(law):
    rng = np.random.default_rng(0)
    x = rng.uniform(0.05, 1, 40_000)
    fit = MapFit()
    for part in np.split(x, 4):
        fit.add(part, law(part) + 0.05 * rng.standard_normal(part.shape))
    probe = np.linspace(0.1, 0.95, 50)
    assert np.abs(fit.map()(probe) - law(probe)).max() < 0.03


def test_the_plan_follows_the_device_and_the_users_word():
    cpu = Plan.of(FineTuningSettings(device="cpu"))
    assert (cpu.preset, cpu.learning_rate, cpu.precision) == ("cpu", 1e-3, "float32")
    own = Plan.of(FineTuningSettings(device="cpu", learning_rate=1e-5, steps=7, patch=20))
    assert (own.learning_rate, own.steps, own.patch, own.batch) == (1e-5, 7, 20, cpu.batch)
    rates = [cpu.rate(step) for step in range(cpu.steps)]
    peak = int(np.argmax(rates))
    assert peak == cpu.steps // 10 and rates[peak] == pytest.approx(1e-3)
    assert rates[:peak] == sorted(rates[:peak]) and rates[peak:] == sorted(rates[peak:], reverse=True)
    assert rates[-1] == pytest.approx(1e-4, rel=0.02)
    with pytest.raises((BackendError, SettingsError)):
        Plan.of(FineTuningSettings(device="cuda:99"))


def test_pictures_are_valid_png():
    picture = np.linspace(-0.2, 1.2, 12).reshape(3, 4)
    data = png_bytes(picture)
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", data[16:24]) == (4, 3)
    with Image.open(io.BytesIO(data)) as read:
        assert (np.asarray(read) == np.round(np.clip(picture, 0, 1) * 255)).all()


def row(method, psnr, ssim=0.9):
    return {"subject": "a", "contrast": "T1w", "method": method, "psnr": psnr, "ssim": ssim}


def test_the_verdict_is_plain():
    base = [row("3T interpolated", 20), row("3T intensity-matched", 25), row("checkpoint before", 21)]
    beaten, text = verdict_on([*base, row("checkpoint after", 26.5)])
    assert beaten and "+1.50 dB" in text and "beats" in text
    beaten, text = verdict_on([*base, row("checkpoint after", 24.9)])
    assert beaten is False and "was not beaten" in text
    beaten, text = verdict_on([*base, row("checkpoint after", 26.5, ssim=0.8)])
    assert beaten and "SSIM is lower" in text
    assert verdict_on([])[0] is None


@pytest.mark.parametrize(
    "gains, beaten", [([0.01], False), ([0.3], True), ([0.5, -0.3, 0.2], False), ([0.4, 0.5], True)]
)
def test_a_gain_within_the_noise_beats_nothing(gains, beaten):
    rows = []
    for number, gain in enumerate(gains):
        levels = {
            "3T interpolated": 20,
            "3T intensity-matched": 25,
            "checkpoint before": 21,
            "checkpoint after": 25 + gain,
        }
        rows += [{**row(method, psnr), "subject": str(number)} for method, psnr in levels.items()]
    judged, text = verdict_on(rows)
    assert judged is beaten
    assert ("beats" in text) is beaten and ("No better than chance" in text) is not beaten
    assert ("One held-out pair says little" in text) is (beaten and len(gains) == 1)


CARD = {"scale": 2, "intensity": {"kind": "minmax"}, "margin": 16}


def test_a_pairs_identity_is_its_voxels_geometry_and_preparation(tmp_path):
    three, seven = (sitk.Image(one) for one in helpers.formula_volumes(0)[::2])
    settings = FineTuningSettings()
    first = identity_of(Pair("s/1", "T1w", three, seven), settings, CARD)
    assert first == identity_of(Pair("s/1", "T1w", sitk.Image(three), sitk.Image(seven)), settings, CARD)
    assert "/" not in first
    moved = sitk.Image(three)
    moved.SetOrigin((1, 2, 3))
    brighter = three + 1
    others = [
        identity_of(Pair("s/1", "T1w", moved, seven), settings, CARD),
        identity_of(Pair("s/1", "T1w", brighter, seven), settings, CARD),
        identity_of(Pair("s/1", "T1w", three, seven, seven), settings, CARD),
        identity_of(Pair("s/1", "T1w", three, seven), FineTuningSettings(bias_correction=False), CARD),
        identity_of(Pair("s/1", "T1w", three, seven), settings, {**CARD, "margin": 8}),
        identity_of(Pair("s/2", "T1w", three, seven), settings, CARD),
    ]
    assert len({first, *others}) == 7
    paths = []
    for name, image in (("three", three), ("seven", seven)):
        paths.append(tmp_path / f"{name}.nii.gz")
        sitk.WriteImage(image, str(paths[-1]))
    before = identity_of(Pair("s", "T1w", *paths), settings, CARD)
    assert before == identity_of(Pair("s", "T1w", *map(str, paths)), settings, CARD)
    sitk.WriteImage(three[:-1], str(paths[0]))
    assert before != identity_of(Pair("s", "T1w", *paths), settings, CARD)


def test_what_a_killed_run_left_can_be_discarded(tmp_path):
    work = work_folder_of("mine", str(tmp_path))
    (work / "run-001").mkdir(parents=True)
    (tmp_path / "mine.json").write_text(json.dumps({}))
    discard_work("mine", str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.json"]


def test_without_jinja2_fine_tuning_is_refused_before_the_work(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(BackendError, match="pip install jinja2"):
        fine_tune([Pair("a", "T1w", "missing.nii.gz", "missing.nii.gz")], FineTuningSettings(folder=str(tmp_path)))
