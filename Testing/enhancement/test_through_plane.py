"""Planes "three" on thick slices: the grid, what the network may see, and what the new slices must agree with."""

import dataclasses

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib import Cancelled, EnhancementSettings, enhance
from CHARMSSRLib.enhancement import inference
from CHARMSSRLib.grids.slices import enlargement
from CHARMSSRLib.grids.stacks import interpolated
from Testing.phantom import phantom_head_and_brain

SIZE, SPACING = (34, 32, 16), (2.6, 2.6, 5.2)


@pytest.fixture(scope="module")
def stack():
    """A piece of the phantom of 34 x 32 voxels of 2.6 mm and 16 slices of 5.2 mm, and its brain."""
    pieces = phantom_head_and_brain(size=(72, 80, 34), spacing=SPACING, noise=4.0)
    return [sitk.RegionOfInterest(whole, SIZE, (6, 10, 11)) for whole in pieces]


@pytest.fixture(scope="module")
def settings(checkpoint):
    return EnhancementSettings(
        checkpoint=checkpoint, device="cpu", bias_correction=False, resolution="stated", planes="three"
    )


@pytest.fixture(scope="module")
def result(stack, settings):
    return enhance(stack[0], settings, stack[1])


def array(image):
    return sitk.GetArrayFromImage(image)


@pytest.mark.parametrize(
    "spacing, planes, factors",
    [
        ((1.0, 1.0, 1.0), "three", (2, 2, 2)),
        ((1.3, 1.0, 1.0), "three", (2, 2, 2)),
        ((3.0, 0.7, 0.7), "three", (8, 2, 2)),
        ((5.5, 0.75, 0.75), "three", (8, 2, 2)),
        ((1.5, 1.0, 1.0), "three", (2, 2, 2)),
        ((3.0, 1.0, 1.0), "three", (4, 2, 2)),
        ((4.0, 1.0, 1.0), "three", (8, 2, 2)),
        ((0.4, 1.0, 1.0), "three", (1, 2, 2)),
        ((5.0, 1.0, 1.0), "acquisition", (1, 2, 2)),
    ],
)
def test_the_slice_axis_comes_near_the_new_pixels_but_never_below(spacing, planes, factors):
    assert enlargement(spacing, 2, planes) == factors


def test_the_grid_keeps_the_physical_bounds(stack, result):
    assert result.image.GetSize() == result.mask.GetSize() == (68, 64, 64)
    assert result.image.GetSpacing() == pytest.approx((1.3, 1.3, 1.3))
    for image in (result.image, result.mask):
        for corner, sign in ((np.zeros(3), -1), (np.array(image.GetSize()) - 1, 1)):
            edge = image.TransformContinuousIndexToPhysicalPoint((corner + sign * 0.5).tolist())
            ends = np.where(sign < 0, 0, np.array(SIZE) - 1) + sign * 0.5
            assert edge == pytest.approx(stack[0].TransformContinuousIndexToPhysicalPoint(ends.tolist()))
    assert result.report["factors"] == [2, 2, 4] and "fusion" not in result.report
    assert result.report["slices"]["plane"] == "three"


@pytest.mark.parametrize("order, flips", [((2, 0, 1), (True, False, False)), ((1, 2, 0), (False, True, True))])
def test_any_axis_order_gives_the_same_result_up_to_the_reordering(stack, settings, result, order, flips):
    def turn(one):
        return sitk.Flip(sitk.PermuteAxes(one, order), flips)

    turned, expected = enhance(turn(stack[0]), settings, turn(stack[1])), turn(result.image)
    assert turned.image.GetSize() == expected.GetSize()
    assert np.allclose(turned.image.GetOrigin(), expected.GetOrigin(), atol=1e-6)
    assert np.allclose(array(turned.image), array(expected), atol=1e-4 * array(expected).max())


def test_the_network_never_sees_the_slice_axis_finer_than_acquired(stack, settings, result, monkeypatch):
    seen, run = [], inference.SliceEnhancer.run

    def spy(self, pixels, indices, *rest):
        seen.append((pixels.shape, len(indices)))
        run(self, pixels, indices, *rest)

    monkeypatch.setattr(inference.SliceEnhancer, "run", spy)
    messages = []
    report = enhance(stack[0], settings, stack[1], progress=lambda _, message: messages.append(message)).report
    assert len({shape for shape, _ in seen}) == 3 and all(16 in shape for shape, _ in seen)
    assert all(max(shape) <= 34 for shape, _ in seen)
    total = sum(count for _, count in seen)
    assert report["slices"]["enhanced"] == total
    assert f"Enhancing slice {total} of {total}" in messages


def test_the_new_slices_of_a_thick_one_have_its_mean(stack, settings, result):
    sharp = array(enhance(stack[0], dataclasses.replace(settings, planes="acquisition"), stack[1]).image)
    means = array(result.image).reshape(16, 4, 64, 68).mean(1)
    inner = array(sitk.BinaryErode(stack[1], [2, 2, 2])).repeat(2, 1).repeat(2, 2) > 0
    apart = np.sqrt(np.square(means - sharp)[inner].mean()) / sharp[inner].std()
    cubic = interpolated(array(stack[0]).astype(np.float32), (4, 2, 2)).reshape(16, 4, 64, 68).mean(1)
    plain = interpolated(array(stack[0]).astype(np.float32), (1, 2, 2))
    assert apart < 0.08
    assert apart < 0.7 * np.sqrt(np.square(cubic - plain)[inner].mean()) / plain[inner].std()


def test_an_untrained_network_gives_about_the_interpolation(stack, settings, tmp_path):
    from CHARMSSRLib import CHARMS
    from CHARMSSRLib.checkpoints.loading import load_checkpoint, save_checkpoint

    card = {**load_checkpoint(settings.checkpoint).card, "name": "untrained"}
    untrained = str(save_checkpoint(CHARMS(2, blocks=1, units=1), card, tmp_path))
    output = array(enhance(stack[0], dataclasses.replace(settings, checkpoint=untrained), stack[1]).image)
    expected = interpolated(array(stack[0]).astype(np.float32), (4, 2, 2))
    inner = array(sitk.BinaryErode(stack[1], [3, 3, 2])).repeat(4, 0).repeat(2, 1).repeat(2, 2) > 0
    assert np.sqrt(np.square(output - expected)[inner].mean()) < 0.25 * expected[inner].std()


@pytest.mark.parametrize("operator", ["bicubic", "kspace"])
def test_projecting_makes_the_thick_slices_means_the_input(stack, settings, operator, tmp_path):
    from CHARMSSRLib.checkpoints.loading import load_checkpoint, save_checkpoint

    checkpoint = load_checkpoint(settings.checkpoint)
    card = {**checkpoint.card, "name": operator, "data_consistency_operator": operator}
    path = str(save_checkpoint(checkpoint.network, card, tmp_path))
    # The skull is kept, so that the erosion by D's radius leaves something of the few voxels.
    projected = dataclasses.replace(settings, data_consistency="project", checkpoint=path, keep_skull=True)
    figures = enhance(stack[0], projected, stack[1]).report["data_consistency"]
    assert figures["before"] > 1e-3 >= figures["after"]


def test_a_cancelled_run_raises_cancelled(stack, settings):
    asked = []
    with pytest.raises(Cancelled):
        enhance(stack[0], settings, stack[1], is_cancelled=lambda: bool(asked.append(1)) or len(asked) > 40)


def test_the_maps_are_of_what_was_added_and_removed(stack, settings, result):
    maps = enhance(stack[0], dataclasses.replace(settings, maps=True), stack[1]).maps
    assert set(maps) == {"detail", "removed"} and maps["detail"].GetSize() == result.image.GetSize()
