"""The honest protocol: the whole head is made coarse before any mask, and brain, interior and rim are scored apart."""

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from CHARMSSRLab.whole_volume import whole_heads_study
from CHARMSSRLab.whole_volume.samples import Sample
from CHARMSSRLab.whole_volume.study_of_volumes import Setup
from CHARMSSRLab.whole_volume.whole_heads import RIM, coarse_head, cubic_of, regions, scores, slab
from CHARMSSRLib.checkpoints.loading import load_checkpoint
from CHARMSSRLib.measures.native import native_figures
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


def test_interpolation_gains_nothing_along_the_product_s_whole_path(head, tmp_path):
    path = small_checkpoint(tmp_path, "interpolation", seed=1, spread=0, card={"data_consistency_operator": "kspace"})
    sample = Sample("made", "made", "T1w", "val", *head)
    rows = whole_heads_study.measure(sample, load_checkpoint(path), Setup(path, "cpu", slices=18))
    assert [row["degradation"] for row in rows] == ["kspace", "clinical", "bicubic", "as it came"]
    for row in rows[:3]:
        # The bias correction of the coarse scan is undone, so that what is left of it is little.
        assert all(abs(row[f"{region}_gain"]) < 0.05 for region in ("brain", "interior", "rim"))
        assert row["kept"] > 0.97
    assert [rows[3][key] for key in ("snr", "noise", "edges")] == pytest.approx([1, 1, 1], abs=0.01)
    assert any("rim" in sentence for sentence in whole_heads_study.verdict(rows))
    assert cubic_of(head[0], (1, 2, 2)).shape == (64, 176, 160)
