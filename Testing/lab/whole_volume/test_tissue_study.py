"""Volumes and surfaces of an independent segmentation, compared with the fine scan's."""

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLab.whole_volume import tissue_study
from CHARMSSRLab.whole_volume.samples import Sample
from CHARMSSRLab.whole_volume.study_of_volumes import Setup
from CHARMSSRLib.checkpoints.loading import load_checkpoint
from CHARMSSRLib.errors import InputError
from Testing.small_checkpoint import small_checkpoint


def disc(radius, centre=40):
    y, x = np.mgrid[:80, :80]
    return (np.hypot(y - 40, x - centre) < radius)[None]


def test_outlines_of_discs_lie_as_far_apart_as_their_radii():
    assert tissue_study.outline_distance(disc(20), disc(24)) == pytest.approx(4, abs=0.25)  # the edges of pixels
    assert tissue_study.outline_distance(disc(20), disc(20)) == 0
    shifted = tissue_study.outline_distance(disc(20), disc(20, centre=43))
    assert shifted == pytest.approx(3 * 2 / np.pi, abs=0.2), "the mean of |3 cos| around the circle"
    assert np.isnan(tissue_study.outline_distance(disc(20), np.zeros((1, 80, 80), bool)))


def test_three_tissues_are_told_apart_by_brightness_in_the_brain_alone():
    rng = np.random.default_rng(3)
    made = np.repeat(disc(34).astype(int) + disc(26) + disc(16), 2, 0)
    image = np.array([0, 30, 70, 100.0])[made]
    noisy = image + rng.normal(0, 6, made.shape)
    noisy[:, :5] = 400  # fat outside the mask
    labels = tissue_study.tissue_labels(noisy, made > 0)
    assert (labels[made == 0] == 0).all() and (labels == made).mean() > 0.98
    with pytest.raises(InputError, match="found no tissues"):
        tissue_study.tissue_labels(image + rng.normal(0, 2, made.shape), made > 0)


@pytest.fixture(scope="module")
def head():
    """(image, brain mask) of 2 mm: three tissues with much noise, and skin around them."""
    tissues = np.repeat(disc(30).astype(int) + disc(23) + disc(14), 20, 0)
    skin = np.repeat(disc(38) & ~disc(35), 20, 0)
    noise = np.random.default_rng(5).normal(0, 8, tissues.shape)
    image = sitk.GetImageFromArray((np.array([5, 40, 80, 120.0])[tissues] + 90 * skin + noise).astype(np.float32))
    mask = sitk.GetImageFromArray((tissues > 0).astype(np.uint8))
    for one in (image, mask):
        one.SetSpacing((2, 2, 2))
    return image, mask


def test_a_network_that_interpolates_is_as_far_off_as_interpolation(head, tmp_path):
    path = small_checkpoint(tmp_path, "interpolation", seed=1, spread=0, card={"data_consistency_operator": "kspace"})
    sample = Sample("made", "made", "T1w", "val", *head)
    (row,) = tissue_study.measure(sample, load_checkpoint(path), Setup(path, "cpu", slices=16))
    for name in (*tissue_study.VOLUMES, *tissue_study.SURFACES):
        assert row[f"{name}_own"] == pytest.approx(row[f"{name}_cubic"], abs=0.01)
    assert 0.05 < row["white_surface_cubic"] < 4, "millimetres of a grid of 2"
    assert any("pial surface" in sentence for sentence in tissue_study.verdict([row]))


def test_another_contrast_is_refused(head, tmp_path):
    sample = Sample("made", "made", "T2w", "val", *head)
    with pytest.raises(InputError, match="--contrast T1w"):
        tissue_study.measure(sample, None, Setup("none", "cpu"))
