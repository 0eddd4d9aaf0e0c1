"""Lesions: found, pasted, measured."""

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLab.whole_volume.lesions import (
    Lesion,
    asymmetric_lesions,
    bright_lesions,
    paste_lesions,
    ring_around,
    with_rings,
)
from CHARMSSRLab.whole_volume.marked_lesions import PLACES, marked_lesions
from CHARMSSRLab.whole_volume.samples import Sample
from Testing.phantom import phantom_head_and_brain

SPACING = (2.0, 2.0, 2.0)


@pytest.fixture(scope="module")
def head():
    """T1w phantom of 2 mm: volume and brain, arrays (z, y, x)."""
    image, brain = phantom_head_and_brain(size=(84, 104, 88), spacing=SPACING, bias=0.0, noise=2.0)
    return sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(brain) > 0


def ball(shape, centre, radius):
    grid = np.ogrid[tuple(slice(0, size) for size in shape)]
    return sum((axis - c) ** 2 for axis, c in zip(grid, centre)) <= radius**2


def test_a_halved_contrast_is_reported_as_half():
    region = ball((30, 30, 30), (15, 15, 15), 4)
    truth = np.where(region, 150.0, 100.0)
    inside = np.ones(region.shape, bool)
    lesion = Lesion("made", region, ring_around(region, inside, (1, 1, 1)))
    assert lesion.contrast(truth) == pytest.approx(50)
    assert lesion.kept(truth, truth) == pytest.approx(1)
    assert lesion.kept(np.where(region, 125.0, 100.0), truth) == pytest.approx(0.5)
    assert lesion.kept(3 * truth + 7, truth) == pytest.approx(3)


def test_the_ring_lies_two_to_five_millimetres_away_inside_the_brain():
    region = np.zeros((1, 1, 41), bool)
    region[..., 20] = True
    inside = np.ones(region.shape, bool)
    inside[..., 30:] = False
    assert np.flatnonzero(ring_around(region, inside, (1, 1, 0.5))).tolist() == [*range(10, 17), *range(24, 30)]


def test_another_lesion_is_not_in_the_ring():
    first, second = ball((30, 30, 30), (15, 15, 10), 3), ball((30, 30, 30), (15, 15, 18), 3)
    lesions = with_rings([("a", first), ("b", second)], np.ones(first.shape, bool), (1, 1, 1))
    assert len(lesions) == 2
    assert not (lesions[0].ring & second).any() and not (lesions[1].ring & first).any()


def test_spheres_are_pasted_into_white_matter_with_the_asked_for_contrast(head):
    volume, inside = head
    changed, found = paste_lesions(volume, inside, SPACING, "T1w", radii=(3.0, 5.0), per_radius=2, strength=0.3)
    assert [kind for kind, _ in found] == [
        "dark sphere, 10 mm",
        "bright sphere, 10 mm",
        "dark sphere, 6 mm",
        "bright sphere, 6 mm",
    ]
    for kind, region in found:
        radius = float(kind.split()[2]) / 2
        assert region.sum() * 8 == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.35)
        change = (changed - volume)[region].mean()
        assert np.sign(change) == (1 if "bright" in kind else -1)
        assert 0.15 * 640 < abs(change) < 0.31 * 640
    assert np.array_equal(changed == volume, changed - volume == 0)
    assert not sum(region.astype(int) for _, region in found).max() > 1


def test_a_dark_cavity_in_one_half_is_found_and_ventricles_are_not(head):
    volume, inside = head
    assert asymmetric_lesions(volume, inside, SPACING, "T1w") == []
    cavity = ball(volume.shape, (50, 45, 58), 8)
    damaged = np.where(cavity, 130, volume)
    (found,) = asymmetric_lesions(damaged, inside, SPACING, "T1w")
    assert (found & cavity).sum() > 0.6 * cavity.sum()
    assert (found & ~cavity).sum() < 0.2 * cavity.sum()


def test_bright_spots_deep_in_the_brain_are_found_and_shallow_ones_are_not():
    rng = np.random.default_rng(0)
    shape, middle = (60, 60, 60), (30, 30, 30)
    depths = np.sqrt(sum((a - c) ** 2 for a, c in zip(np.ogrid[0:60, 0:60, 0:60], middle)))
    inside = depths < 29
    volume = np.where(depths < 23, 300, np.where(depths < 27, 400, 80)) + 10 * rng.standard_normal(shape)
    volume[depths < 4] = 80
    deep, shallow, at_the_fluid = (
        ball(shape, (30, 44, 30), 2),
        ball(shape, (30, 30, 56), 2),
        ball(shape, (36, 30, 30), 2),
    )
    volume[deep | shallow | at_the_fluid] = 550
    found = bright_lesions(volume, inside, (1, 1, 1), smallest_ml=0.01)
    assert any((one & deep).sum() > 0.9 * deep.sum() for one in found)
    assert not any((one & (shallow | at_the_fluid)).any() for one in found)


def marked_sample(name, spot, fluid):
    """100 everywhere, 200 in the lesion, 500 in the fluid; voxels of 0.7 x 0.7 x 3 mm around the first place."""
    volume = np.full((8, 60, 60), 100, np.float32)
    volume[spot], volume[fluid] = 200, 500
    image = sitk.GetImageFromArray(volume)
    image.SetSpacing((0.7, 0.7, 3.0))
    image.SetOrigin([place - at * step for place, at, step in zip(PLACES[name][0], (30, 30, 4), (0.7, 0.7, 3.0))])
    return Sample(name, "somebody", "T2w", "train", image, sitk.Cast(image > 0, sitk.sitkUInt8))


def test_a_marked_lesion_is_what_hangs_together_around_its_place_in_its_slice():
    spot = np.zeros((8, 60, 60), bool)
    spot[3:6, 27:33, 28:34] = True
    fluid = np.zeros_like(spot)
    fluid[:, 37:40, 28:34] = True
    (region,), bright = marked_lesions(marked_sample("openMS_long_01_FLAIR", spot, fluid))
    assert np.array_equal(region[4], spot[4]) and not region[[*range(4), *range(5, 8)]].any()
    (lesion,) = with_rings([("a", region)], np.ones_like(spot), (3.0, 0.7, 0.7), bright)
    # Neither the lesion's next slices nor the fluid are in the ring.
    assert not (lesion.ring & (spot | fluid)[:]).any() and lesion.ring.any()


def test_an_unmarked_volume_has_no_marked_lesion():
    nothing = np.zeros((8, 60, 60), bool)
    sample = marked_sample("openMS_long_01_FLAIR", nothing, nothing)
    assert marked_lesions(sample)[0] == []
    assert marked_lesions(Sample("other", *list(vars(sample).values())[1:]))[0] == []
