"""The honest protocol: the whole head is made coarse before any mask, and brain, interior and rim are scored apart."""

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from CHARMSSRLab.whole_volume import natively_study, whole_heads_study
from CHARMSSRLab.whole_volume.samples import Sample
from CHARMSSRLab.whole_volume.study_of_volumes import Setup
from CHARMSSRLab.whole_volume.user_path import Enhanced, UserPath
from CHARMSSRLab.whole_volume.whole_heads import (
    RIM,
    coarse_head,
    cubic_of,
    regions,
    rounded,
    scores,
    slab,
    thinned,
)
from CHARMSSRLib.checkpoints.loading import load_checkpoint
from CHARMSSRLib.enhancement.enhance import enhance
from CHARMSSRLib.measures.native import native_figures
from CHARMSSRLib.settings import EnhancementSettings
from Testing.phantom import phantom_head_and_brain
from Testing.small_checkpoint import small_checkpoint


@pytest.fixture(scope="module")
def head():
    """(whole head, its brain), a phantom of 80 x 88 x 64 voxels of 2.2 mm."""
    return phantom_head_and_brain(size=(80, 88, 64), spacing=(2.2, 2.2, 2.2), bias=0.0, noise=2.0)


def array(image):
    return sitk.GetArrayFromImage(image)


@pytest.mark.parametrize("degradation", ["kspace", "clinical", "bicubic"])
def test_the_whole_head_is_made_coarse_with_what_surrounds_the_brain(head, degradation):
    image, mask = head
    coarse = coarse_head(image, mask, 2, degradation, slices=18)
    assert coarse.image.GetSize() == (40, 44, 18) and coarse.truth.shape == (18, 88, 80)
    around = ndimage.binary_dilation(array(coarse.mask) > 0, iterations=6) & (array(coarse.mask) == 0)
    assert (array(coarse.image)[around] > 20).mean() > 0.4, "skull and scalp are there"
    mean = coarse.truth.reshape(18, 44, 2, 40, 2).mean((2, 4))
    assert np.corrcoef(mean.ravel(), array(coarse.image).ravel())[0, 1] > 0.97
    # The same place in space: the edges of the first voxel of both grids.
    edge = coarse.image.TransformContinuousIndexToPhysicalPoint((-0.5, -0.5, -0.5))
    cut = slab(image, mask, 18)[0]
    assert edge == pytest.approx(cut.TransformContinuousIndexToPhysicalPoint((-0.5, -0.5, -0.5)))
    assert np.array_equal(array(cut), coarse.truth)


def test_rim_and_interior_make_up_the_brain(head):
    brain = array(head[1])[20:40] > 0
    parts = regions(brain)
    assert np.array_equal(parts["rim"] | parts["interior"], brain) and not (parts["rim"] & parts["interior"]).any()
    depth = np.stack([ndimage.distance_transform_cdt(one, "taxicab") for one in brain])
    assert np.array_equal(parts["rim"], brain & (depth <= RIM))


def test_each_region_is_scored_by_its_own_voxels():
    brain = np.zeros((2, 30, 30), bool)
    brain[:, 5:25, 5:25] = True
    truth = np.where(brain, np.float32(100), np.float32(0))
    wrong = truth + np.where(regions(brain)["rim"], np.float32(10), np.float32(1))
    figures = scores(wrong, truth, brain)
    assert figures["rim"] == pytest.approx(20, abs=1e-3) and figures["interior"] == pytest.approx(40, abs=1e-3)
    assert figures["rim"] < figures["brain"] < figures["interior"]


def test_the_native_figures_tell_noise_from_edges():
    rng = np.random.default_rng(4)
    _, y, x = np.mgrid[:4, :96, :96]
    brain = np.hypot(y - 48, x - 48) < 44
    anatomy = np.where((x // 24 + y // 24) % 2, 70.0, 100.0)
    blurred = ndimage.gaussian_filter(anatomy, (0, 1.2, 1.2))
    noise, probe = (rng.normal(0, sd, anatomy.shape) for sd in (2, 1))
    cubic = blurred + noise
    same = native_figures(cubic, cubic, brain, probed=(cubic + probe, cubic + probe))
    assert (same.snr, same.noise, same.edges) == pytest.approx((1, 1, 1))
    better = anatomy + noise / 2
    figures = native_figures(better, cubic, brain, probed=(better + probe / 2, cubic + probe))
    assert figures.snr == pytest.approx(2, rel=0.05) and figures.noise == pytest.approx(0.5, rel=0.02)
    assert figures.edges > 1.3
    louder = native_figures(blurred + 3 * noise, cubic, brain)
    assert louder.edges == pytest.approx(1, abs=0.1) and louder.noise is None and louder.snr < 0.5


@pytest.fixture(scope="module")
def interpolation(tmp_path_factory):
    """Path of a checkpoint that interpolates."""
    folder = tmp_path_factory.mktemp("weights")
    return small_checkpoint(folder, "interpolation", seed=1, spread=0, card={"data_consistency_operator": "kspace"})


def test_interpolation_gains_nothing_along_the_product_s_whole_path(head, interpolation):
    sample, setup = Sample("made", "made", "T1w", "val", *head), Setup(interpolation, "cpu", slices=18)
    rows = whole_heads_study.measure(sample, load_checkpoint(interpolation), setup)
    ways = [("kspace", "cubic"), ("kspace", "default"), ("clinical", "cubic"), ("clinical", "default")]
    assert [(row["degradation"], row["way"]) for row in rows] == ways
    assert all(row["kept"] > 0.97 for row in rows)
    rows = [{"volume": "made", **row} for row in rows]
    for degradation in ("kspace", "clinical"):
        # The bias correction of the coarse scan is undone, so that what is left of it is little.
        for region in ("brain", "interior", "rim"):
            assert abs(whole_heads_study.gains(rows, degradation, "default", region)["made"]) < 0.05
    assert any("rim" in sentence for sentence in whole_heads_study.verdict(rows))
    assert cubic_of(head[0], (1, 2, 2)).shape == (64, 176, 160)


def test_the_degradations_are_those_that_were_named(head, interpolation):
    setup = Setup(interpolation, "cpu", slices=4, degradations=("bicubic",))
    rows = whole_heads_study.measure(Sample("made", "made", "T1w", "val", *head), load_checkpoint(interpolation), setup)
    assert [row["degradation"] for row in rows] == ["bicubic", "bicubic"]


def test_the_users_path_ends_where_enhance_does(head, tmp_path):
    path = small_checkpoint(tmp_path, "guesser", seed=1, spread=0.02)
    image, mask = slab(*head, 16)
    settings = EnhancementSettings(checkpoint=path, planes="axial", restore_bias=True, resolution="stated")
    walked, result = UserPath(image, mask, path), enhance(image, settings, mask)
    assert np.array_equal(walked.at("auto").values, array(result.image)) and walked.at("0").share == 0
    assert np.array_equal(walked.mask, array(result.mask) > 0)
    some = walked.at("0", slice(4, 7)).values
    assert not some[:4].any() and not some[7:].any() and walked.mask.any(axis=(1, 2)).all(), "the path's own mask stays"
    # The same slices, but for the box of brain that goes through the network at a time.
    assert np.abs(some - array(result.image))[4:7].max() < 0.01 * array(result.image).max()


def test_a_noise_control_is_shown_at_its_ends_too_and_scored_against_the_quiet_scan(head, monkeypatch):
    shares = {"auto": 65, "0": 0, "100": 100}

    class Path:
        def __init__(self, image, mask, *others):
            self.cubic = cubic_of(image, (1, 2, 2))
            self.mask = np.ones(self.cubic.shape, bool)

        def at(self, denoise, slices=None):
            assert (slices is not None) == (denoise == "100")
            return Enhanced(shares[denoise], self.cubic)

    class Controlled:
        card = {"scale": 2, "noise_control": {"default": 65}}

    monkeypatch.setattr(whole_heads_study, "UserPath", Path)
    setup = Setup("controlled", "cpu", slices=20, degradations=("bicubic",))
    noisy = sitk.AdditiveGaussianNoise(head[0], standardDeviation=8.0, mean=0.0, seed=2)
    rows = whole_heads_study.measure(Sample("made", "made", "T1w", "val", noisy, head[1]), Controlled(), setup)
    assert [(row["way"], row.get("denoise")) for row in rows] == [
        ("cubic", None), ("default", 65), ("0 %", 0), ("100 %", 100),
    ]  # fmt: skip
    assert all(abs(row["slab_brain"] - row["brain"]) < 1 for row in rows[:3]), "16 slices of 20"
    assert "brain" not in rows[3], "100 % on the slab alone"
    assert all(row["quiet_interior"] > row["slab_interior"] + 0.05 for row in rows), "noise of the truth counts no more"


def test_natively_interpolation_is_its_own_unit(head, interpolation):
    sample, setup = Sample("made", "made", "T1w", "val", *head), Setup(interpolation, "cpu", slices=18)
    (row,) = natively_study.measure(sample, load_checkpoint(interpolation), setup)
    assert [row[key] for key in ("snr", "noise", "edges")] == pytest.approx([1, 1, 1], abs=0.01)
    assert row["slices"] == 18 and row["foci"] == 0 and row["way"] == "default"
    assert "SNR in even tissue 1.00" in natively_study.verdict([{"volume": "made", **row}])[0]


def test_few_slices_are_spread_over_the_brain_alone(head):
    image, mask = thinned(*head, 5)
    values, brain = array(image), array(mask) > 0
    assert len(values) == 5 and brain.any(axis=(1, 2)).all() and image.GetSpacing() == head[0].GetSpacing()
    whole = array(head[0])
    places = [next(i for i, one in enumerate(whole) if np.array_equal(one, few)) for few in values]
    assert len(set(np.diff(places))) <= 2 and places[-1] - places[0] > 30


def test_floats_of_a_row_are_short():
    assert rounded({"a": 27.123456789, "b": 0.000123456789, "c": "x", "d": 3, "e": None}) == {
        "a": 27.123, "b": 0.00012346, "c": "x", "d": 3, "e": None,
    }  # fmt: skip
