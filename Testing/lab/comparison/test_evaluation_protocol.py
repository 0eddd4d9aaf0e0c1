"""Scoring a volume: what the networks read, what is compared, and that the figures are those of the metrics."""

import numpy as np
import pytest
import torch
from torch import nn

from CHARMSSRLab.comparison.protocol import BASELINE, FIGURES, Candidate, score_prepared
from CHARMSSRLab.comparison.volumes import prepared_volumes
from CHARMSSRLab.methods.registry import build_method
from CHARMSSRLab.training.degradations import degrade
from CHARMSSRLab.training.prepared import PreparedVolume, save_prepared
from CHARMSSRLib.errors import InputError, SettingsError
from CHARMSSRLib.grids.resize import bicubic_upsample
from CHARMSSRLib.measures import fidelity


def make_volume(subject="phantom", contrast="T1w", shape=(20, 50, 46), offset=0.0, seed=0):
    """A ball of three shells of tissue, in a box whose sides no scale divides."""
    z, y, x = np.indices(shape)
    distance = np.sqrt(((z - 9.5) * 2.0) ** 2 + (y - 25) ** 2 + (x - 23) ** 2)
    shells = np.select([distance < 9, distance < 13, distance < 21], [900.0, 600.0, 200.0])
    noise = np.random.default_rng(seed).normal(0, 15, shape)
    mask = distance < 21
    slices = np.where(mask, np.clip(shells + noise, 5, None) + offset, 0).astype(np.float32)
    inside = slices[mask]
    return PreparedVolume(
        slices, mask, float(inside.min()), float(inside.max()), float(np.percentile(inside, 99.9)),
        (2.0, 1.0, 1.0), subject, contrast, "val", "axial",
    )  # fmt: skip


@pytest.fixture(scope="module")
def volume():
    return make_volume()


class Oracle(nn.Module):
    """Knows the answer: gives back the slices that it was built with, whatever it reads."""

    def __init__(self, slices):
        super().__init__()
        self.slices, self.next = slices, 0

    def forward(self, lr):
        part = self.slices[self.next : self.next + len(lr)]
        self.next += len(lr)
        return torch.from_numpy(part)[:, None]


def by_method(rows):
    return {row["method"]: row for row in rows}


@pytest.mark.parametrize("scale", [2, 4])
def test_the_bicubic_row_holds_the_metrics_of_the_interpolated_slices(volume, scale):
    height, width = (n - n % scale for n in volume.mask.shape[1:])
    reference, mask = volume.slices[:, :height, :width], volume.mask[:, :height, :width]
    hr = torch.from_numpy(reference)[:, None] / volume.percentile
    output = bicubic_upsample(degrade(hr, scale, "bicubic"), scale)[:, 0].numpy() * volume.percentile
    row = by_method(score_prepared(volume, [BASELINE], "bicubic", scale))["bicubic"]
    assert row["brain_psnr"] == pytest.approx(fidelity.brain_psnr(output, reference, mask), abs=1e-3)
    assert row["brain_ssim"] == pytest.approx(fidelity.brain_ssim(output, reference, mask), abs=1e-5)
    span = volume.maximum - volume.minimum
    pair = [np.where(mask, (one - volume.minimum) / span, 0) for one in (output, reference)]
    assert row["slice_psnr"] == pytest.approx(fidelity.slice_psnr(*pair).mean(), abs=1e-3)
    assert row["slice_ssim"] == pytest.approx(fidelity.slice_ssim(*pair).mean(), abs=1e-5)


@pytest.mark.parametrize("degradation", ["bicubic", "kspace", "blur", "clinical"])
def test_an_untrained_network_with_the_skip_scores_as_bicubic_under_every_degradation(volume, degradation):
    torch.manual_seed(0)
    candidate = Candidate("edsr", build_method("edsr", 2).eval(), "percentile")
    rows = by_method(score_prepared(volume, [BASELINE, candidate], degradation, 2))
    for figure in FIGURES:
        assert rows["edsr"][figure] == pytest.approx(rows["bicubic"][figure], rel=1e-6)


@pytest.mark.parametrize("intensity", ["minmax", "percentile"])
def test_a_network_that_returns_the_truth_on_its_own_scale_scores_perfectly(volume, intensity):
    truth = volume.normalised(intensity)[:, :50, :46]
    rows = by_method(score_prepared(volume, [Candidate("oracle", Oracle(truth), intensity)], "bicubic", 2))
    assert rows["oracle"]["brain_psnr"] > 110
    assert rows["oracle"]["brain_ssim"] == pytest.approx(1, abs=1e-6)
    assert rows["oracle"]["slice_psnr"] > 110
    for figure in ("snr", "cnr", "sharpness"):
        assert rows["oracle"][figure] == pytest.approx(rows["reference"][figure], rel=1e-5)


def test_networks_of_different_intensity_scales_read_the_same_noise(volume):
    class Recorder(nn.Module):
        def forward(self, lr):
            self.seen = lr
            return bicubic_upsample(lr, 2)

    networks = {kind: Recorder() for kind in ("minmax", "percentile")}
    flat = PreparedVolume(**{**vars(volume), "minimum": 0.0})
    score_prepared(flat, [Candidate(kind, one, kind) for kind, one in networks.items()], "kspace", 2, batch=99)
    in_units = networks["minmax"].seen * flat.maximum, networks["percentile"].seen * flat.percentile
    assert torch.allclose(*in_units, rtol=1e-5, atol=1e-3)


def test_noise_is_the_same_at_every_run_and_differs_between_subjects(volume):
    first, again = (score_prepared(volume, [BASELINE], "clinical", 2) for _ in range(2))
    assert first == again
    renamed = PreparedVolume(**{**vars(volume), "subject": "another"})
    other = score_prepared(renamed, [BASELINE], "clinical", 2)
    assert other[0]["brain_psnr"] != first[0]["brain_psnr"]


def test_the_batch_size_does_not_change_the_scores(volume):
    torch.manual_seed(1)
    candidate = Candidate("edsr", build_method("edsr", 2, image_skip=False).eval())
    one, many = (score_prepared(volume, [candidate], "bicubic", 2, batch=batch) for batch in (1, 7))
    assert one[0]["brain_psnr"] == pytest.approx(many[0]["brain_psnr"], abs=1e-4)


def test_a_quick_look_scores_the_central_slices_only(volume):
    quick = by_method(score_prepared(volume, [BASELINE], "bicubic", 2, central=6))["bicubic"]
    middle = PreparedVolume(**{**vars(volume), "slices": volume.slices[7:13], "mask": volume.mask[7:13]})
    assert quick == by_method(score_prepared(middle, [BASELINE], "bicubic", 2))["bicubic"]


def test_an_unknown_contrast_gets_no_tissue_figures():
    rows = score_prepared(make_volume(contrast="ASL"), [BASELINE], "bicubic", 2)
    assert "brain_psnr" in rows[0] and "snr" not in rows[0]


def test_a_brain_too_thin_for_tissues_keeps_its_other_figures(volume, caplog):
    thin = PreparedVolume(**{**vars(volume), "mask": volume.mask & (np.arange(50) % 5 > 0)[:, None]})
    rows = score_prepared(thin, [BASELINE], "bicubic", 2)
    assert rows[0]["brain_psnr"] > 0 and "snr" not in rows[0]
    assert "no tissue figures" in caplog.text


def test_unknown_degradations_and_intensity_scales_are_refused(volume):
    with pytest.raises(SettingsError, match="kspace"):
        score_prepared(volume, [BASELINE], "nearest", 2)
    with pytest.raises(SettingsError, match="percentile"):
        score_prepared(volume, [Candidate("x", None, "zscore")], "bicubic", 2)


def test_prepared_folders_are_read_by_split_and_contrast(tmp_path):
    for subject, contrast in (("a", "T1w"), ("b", "T2w"), ("c", "T1w")):
        save_prepared(make_volume(subject, contrast), tmp_path / f"{subject}.npz")
    assert [one.subject for one in prepared_volumes(tmp_path, "val", "T1w")] == ["a", "c"]
    assert len(list(prepared_volumes(tmp_path, "val"))) == 3


def test_a_folder_without_such_a_volume_is_refused(tmp_path):
    save_prepared(make_volume(), tmp_path / "a.npz")
    with pytest.raises(InputError, match="FLAIR"):
        list(prepared_volumes(tmp_path, "val", "FLAIR"))
