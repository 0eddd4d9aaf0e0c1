"""Planes "three" on isotropic scans: geometry, orders of axes, fusion in the whole job, figures, refusals."""

import dataclasses
import itertools
import tracemalloc

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib import Cancelled, EnhancementSettings, enhance
from CHARMSSRLib.errors import SettingsError
from CHARMSSRLib.grids.stacks import band_limited
from CHARMSSRLib.machine import memory
from CHARMSSRLib.preprocessing.bias_field import BiasCorrection
from CHARMSSRLib.settings import DEFAULT_CHECKPOINT
from Testing.phantom import phantom_head_and_brain

ORDERS = ((0, 1, 2), (2, 0, 1), (1, 0, 2))
FLIPS = tuple(itertools.product((False, True), repeat=3))
EIGHT = [(ORDERS[i % 3], FLIPS[i]) for i in range(8)]


@pytest.fixture(scope="module")
def cube():
    """A piece of the phantom on isotropic voxels and an oblique grid: 34 x 32 x 20 of 2.8 mm, and its brain."""
    rotation = sitk.Euler3DTransform((0, 0, 0), 0.1, -0.2, 0.15)
    pieces = []
    for whole in phantom_head_and_brain(size=(68, 76, 64), spacing=(2.8, 2.8, 2.8)):
        piece = sitk.RegionOfInterest(whole, [34, 32, 20], [5, 10, 24])
        piece.SetDirection(rotation.GetMatrix())
        piece.SetOrigin((-31.5, 12.25, 7.0))
        pieces.append(piece)
    return pieces


@pytest.fixture(scope="module")
def settings(checkpoint):
    return EnhancementSettings(
        checkpoint=checkpoint, device="cpu", bias_correction=False, resolution="stated", planes="three"
    )


@pytest.fixture(scope="module")
def result(cube, settings):
    return enhance(cube[0], dataclasses.replace(settings, resolution="auto"), cube[1])


def array(image):
    return sitk.GetArrayFromImage(image)


def corners(image):
    matrix = np.array(image.GetDirection()).reshape(3, 3) @ np.diag(image.GetSpacing())
    ends = np.array([[(-0.5, n - 0.5)[b] for b, n in zip(bits, image.GetSize())] for bits in np.ndindex(2, 2, 2)])
    return np.array(image.GetOrigin()) + ends @ matrix.T


def test_all_axes_are_refined_within_the_same_physical_bounds(cube, result):
    assert result.image.GetSize() == result.mask.GetSize() == (68, 64, 40)
    assert result.image.GetSpacing() == pytest.approx((1.4, 1.4, 1.4))
    assert np.allclose(corners(result.image), corners(cube[0]), atol=1e-9)
    assert np.allclose(corners(result.mask), corners(cube[0]), atol=1e-9)
    assert result.report["factors"] == [2, 2, 2]
    assert result.report["fusion"] == "shrunk"


@pytest.mark.parametrize("order, flips", EIGHT)
def test_eight_axis_orders_give_the_same_result_up_to_the_reordering(cube, settings, result, order, flips):
    def turn(one):
        return sitk.Flip(sitk.PermuteAxes(one, order), flips)

    turned, expected = enhance(turn(cube[0]), settings, turn(cube[1])), turn(result.image)
    assert turned.image.GetSize() == expected.GetSize()
    assert np.allclose(turned.image.GetOrigin(), expected.GetOrigin(), atol=1e-6)
    assert np.allclose(turned.image.GetDirection(), expected.GetDirection(), atol=1e-9)
    assert np.allclose(array(turned.image), array(expected), atol=1e-4 * array(expected).max())


def test_slices_of_all_planes_count_and_progress_rises_over_all_of_them(cube, settings):
    seen = []
    report = enhance(cube[0], settings, cube[1], progress=lambda *said: seen.append(said)).report
    inside = array(cube[1]) > 0
    occupied = [inside.any(axis=tuple({0, 1, 2} - {p})) for p in range(3)]
    count = sum(int(np.convolve(one, np.ones(5), "same").astype(bool).sum()) for one in occupied)
    assert report["slices"]["plane"] == "three" and report["slices"]["enhanced"] == count
    assert report["slices"]["skipped"] == sum(inside.shape) - count
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    assert any(f"slice {count} of {count}" in message for _, message in seen)


@pytest.mark.parametrize("after", [1, 20, 60])
def test_a_cancelled_run_raises_cancelled(cube, settings, after):
    asked = []
    with pytest.raises(Cancelled):
        enhance(cube[0], settings, cube[1], is_cancelled=lambda: bool(asked.append(1)) or len(asked) > after)


def test_an_untrained_network_gives_about_the_interpolation(cube, settings, tmp_path):
    from CHARMSSRLib import CHARMS
    from CHARMSSRLib.checkpoints.loading import load_checkpoint, save_checkpoint

    card = {**load_checkpoint(settings.checkpoint).card, "name": "untrained"}
    untrained = str(save_checkpoint(CHARMS(2, blocks=1, units=1), card, tmp_path))
    output = array(enhance(cube[0], dataclasses.replace(settings, checkpoint=untrained), cube[1]).image)
    expected = array(cube[0]).astype(np.float32)
    for axis in range(3):
        expected = band_limited(expected, 2 * expected.shape[axis], axis)
    inner = array(sitk.BinaryErode(cube[1], [3, 3, 3])).repeat(2, 0).repeat(2, 1).repeat(2, 2) > 0
    error = np.sqrt(np.square(output - expected)[inner].mean())
    assert error < 0.15 * expected[inner].std()


def test_the_three_planes_bring_no_bands(cube, settings):
    trained = dataclasses.replace(settings, checkpoint=DEFAULT_CHECKPOINT)
    figures = enhance(cube[0], trained, cube[1]).report["banding"]
    assert figures["output"] <= 1.05 * figures["input"] + 1e-4
    assert set(figures["output_grid"]) == {"axial", "coronal", "sagittal"}
    for one in figures["output_grid"].values():
        # The phantom's borders get sharper, which counts too; bands give many times this.
        assert one["output"] <= 1.5 * one["interpolation"]


def test_the_gradient_ratio_of_isotropic_anatomy_stays_near_one(result):
    ratio = result.report["through_plane_gradient_ratio"]
    assert 0.7 < ratio["input"] < 1.4 and 0.7 < ratio["output"] < 1.4


@pytest.mark.parametrize("operator", ["bicubic", "kspace"])
def test_projecting_makes_the_result_degraded_in_three_axes_the_input(cube, settings, operator, tmp_path):
    from CHARMSSRLib.checkpoints.loading import load_checkpoint, save_checkpoint

    checkpoint = load_checkpoint(settings.checkpoint)
    card = {**checkpoint.card, "name": operator, "data_consistency_operator": operator}
    path = str(save_checkpoint(checkpoint.network, card, tmp_path))
    projected = dataclasses.replace(settings, data_consistency="project", checkpoint=path)
    figures = enhance(cube[0], projected, cube[1]).report["data_consistency"]
    assert figures["operator"] == operator
    assert figures["before"] > 1e-3 >= figures["after"]


def test_masks_and_the_skull(cube, settings, result):
    outside = array(result.mask) == 0
    assert outside.any() and not array(result.image)[outside].any()
    kept = enhance(cube[0], dataclasses.replace(settings, keep_skull=True), cube[1])
    assert kept.image.GetSize() == result.image.GetSize()
    # In air the network goes below the scan's 0 here and there, and is raised to it.
    scan = array(cube[0]).repeat(2, 0).repeat(2, 1).repeat(2, 2)
    tissue = outside & (scan > 0.2 * scan.max())
    assert tissue.sum() > 1000 and (array(kept.image)[tissue] > 0).mean() > 0.999


def test_the_restored_bias_is_the_one_that_was_removed(cube, settings, monkeypatch):
    image, mask = cube
    ramp = np.linspace(0.6, 1.4, image.GetSize()[2], dtype=np.float32)[:, None, None]
    shaded = sitk.GetImageFromArray(array(image).astype(np.float32) * ramp)
    shaded.CopyInformation(image)
    field = sitk.GetImageFromArray(np.broadcast_to(ramp, array(image).shape).copy())
    field.CopyInformation(image)
    found = BiasCorrection(shaded / field, field)  # as if N4 had found it, which it does in tests of its own
    monkeypatch.setattr("CHARMSSRLib.preprocessing.pipeline.correct_bias_field", lambda *_, **__: found)
    restoring = dataclasses.replace(settings, bias_correction=True, restore_bias=True)
    restored = array(enhance(shaded, restoring, mask).image)
    enlarged = array(shaded).repeat(2, 0).repeat(2, 1).repeat(2, 2)
    low, high = ((restored > 0) & part[:, None, None] for part in (np.arange(40) < 14, np.arange(40) > 26))
    expected = enlarged[high].mean() / enlarged[low].mean()
    assert expected > 1.2 and restored[high].mean() / restored[low].mean() == pytest.approx(expected, rel=0.03)


def test_maps_of_detail_and_disagreement(cube, settings, result):
    maps = enhance(cube[0], dataclasses.replace(settings, maps=True), cube[1]).maps
    assert set(maps) == {"detail", "removed", "disagreement"}
    for one in maps.values():
        assert one.GetSize() == result.image.GetSize()
        assert not array(one)[array(result.mask) == 0].any()
        assert 0 < np.abs(array(one)).mean() < np.abs(array(result.image)).mean() / 4
    assert array(maps["disagreement"]).min() >= 0 > array(maps["detail"]).min()


def test_a_job_beyond_the_memory_is_refused_before_any_work(cube, settings, monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 2**20)
    said = []
    with pytest.raises(SettingsError, match=r"take about .* GB .*(acquisition|crop)"):
        enhance(cube[0], settings, cube[1], progress=lambda *one: said.append(one))
    assert not any("bias" in message or "slice" in message for _, message in said)


@pytest.mark.parametrize("maps", [False, True])
def test_the_memory_that_a_run_takes_is_what_was_estimated(cube, settings, result, maps):
    # What is loaded once counts as the program's: ``result`` has loaded it.
    tracemalloc.start()
    report = enhance(cube[0], dataclasses.replace(settings, maps=maps), cube[1]).report
    taken = tracemalloc.get_traced_memory()[1]  # numpy's arrays; the network's own memory is part of PROGRAM
    tracemalloc.stop()
    assert 0.4 < taken / (report["memory_estimate_bytes"] - memory.PROGRAM) < 1


def test_the_memory_is_sized_with_the_frame_the_box_and_the_scale(result):
    assert result.report["memory_estimate_bytes"] < memory.estimate_bytes((20, 32, 34), (20, 32, 34), (2, 2, 2)) + 1
    small = memory.estimate_bytes((176, 256, 256), (150, 190, 160), (2, 2, 2))
    assert small < 6 * 2**30 < memory.estimate_bytes((176, 256, 256), (150, 190, 160), (4, 4, 4))
