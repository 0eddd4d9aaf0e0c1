"""Choice of a backend, plausibility gates, fallback, and volumes that are stripped already."""

import sys
import types

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib.errors import BackendError, Cancelled, SettingsError
from CHARMSSRLib.preprocessing import skull_strip
from CHARMSSRLib.preprocessing.head_mask import head_mask
from CHARMSSRLib.preprocessing.plausibility import mask_warnings, volume_ml
from CHARMSSRLib.preprocessing.skull_strip import available_backends, backend_names, strip_skull
from CHARMSSRLib.preprocessing.skull_strip.already_stripped import ALREADY_STRIPPED, foreground_if_stripped
from CHARMSSRLib.task import Task
from Testing.preprocessing.grids import rearranged, same_geometry


@pytest.fixture
def backends(monkeypatch):
    """Function: replaces all backends by {name: function of the image that returns a mask}."""

    def replace(**strips):
        registered = {}
        for name, strip in strips.items():
            module = types.ModuleType(f"backend_of_a_test_{name}")
            module.is_available = lambda strip=strip: strip is not None
            module.HOW_TO_GET_IT = f"Install {name} first."
            module.strip = lambda image, head, device, task, strip=strip: strip(image)
            monkeypatch.setitem(sys.modules, module.__name__, module)
            registered[name] = module.__name__
        monkeypatch.setattr(skull_strip, "_BACKENDS", registered)

    return replace


def box_of(image, millilitres):
    """A cube of about this volume in the middle of the image, as a mask."""
    half = (millilitres * 1000.0) ** (1 / 3) / 2
    mask = sitk.Image(image.GetSize(), sitk.sitkUInt8)
    mask.CopyInformation(image)
    ranges = [
        (max(0, int(size / 2 - half / step)), min(size, int(size / 2 + half / step)))
        for size, step in zip(image.GetSize(), image.GetSpacing())
    ]
    mask[tuple(slice(low, high) for low, high in ranges)] = 1
    return mask


def fails(image):
    raise BackendError("its weights are damaged.")


def test_the_builtin_backend_is_always_there_and_comes_last():
    assert available_backends()[-1] == "builtin"
    assert set(available_backends()) <= set(backend_names())
    assert {"synthstrip", "hd-bet", "deepbet"} < set(backend_names()) and backend_names()[-1] == "builtin"


def test_an_unknown_backend_is_refused_and_the_known_ones_are_named(phantom_head):
    with pytest.raises(SettingsError, match="deepbet"):
        strip_skull(phantom_head, "bet")


def test_a_named_backend_that_is_missing_says_how_to_get_it(phantom_head, backends):
    backends(absent=None)
    with pytest.raises(BackendError, match="Install absent first"):
        strip_skull(phantom_head, "absent")


def test_auto_takes_the_best_present(phantom_head, backends):
    backends(absent=None, good=lambda image: box_of(image, 1300), spare=fails)
    result = strip_skull(phantom_head)
    assert result.backend == "good" and result.warnings == []
    assert result.volume_ml == pytest.approx(volume_ml(result.mask))


def test_auto_goes_on_when_a_backend_fails_or_its_mask_is_implausible(phantom_head, backends):
    backends(broken=fails, small=lambda image: box_of(image, 100), good=lambda image: box_of(image, 1300))
    result = strip_skull(phantom_head)
    assert result.backend == "good"
    assert len(result.warnings) == 2 and "broken" in result.warnings[0] and "small" in result.warnings[1]


def test_when_no_mask_is_plausible_the_first_comes_with_its_warnings(phantom_head, backends):
    backends(small=lambda image: box_of(image, 100), smaller=lambda image: box_of(image, 50))
    result = strip_skull(phantom_head)
    assert result.backend == "small" and len(result.warnings) == 2


def test_when_every_backend_fails_there_is_an_error_not_a_mask(phantom_head, backends):
    backends(broken=fails)
    with pytest.raises(BackendError, match="damaged"):
        strip_skull(phantom_head)


def test_a_named_backend_is_not_replaced_but_warned_about(phantom_head, backends):
    backends(good=lambda image: box_of(image, 1300), small=lambda image: box_of(image, 100))
    result = strip_skull(phantom_head, "small")
    assert result.backend == "small" and " ml" in result.warnings[0]


def test_stripping_can_be_cancelled(phantom_head, backends):
    backends(good=lambda image: box_of(image, 1300))
    with pytest.raises(Cancelled):
        strip_skull(phantom_head, task=Task(is_cancelled=lambda: True))


def test_gates_name_volume_parts_and_places_outside_the_head(phantom_head, phantom_brain):
    head = head_mask(phantom_head)
    assert mask_warnings(phantom_brain, head) == []
    assert "empty" in mask_warnings(phantom_brain * 0)[0]
    assert "ml" in mask_warnings(box_of(phantom_head, 100))[0]
    parts = sitk.Image(phantom_brain)
    parts[:, 45:50, :] = 0
    assert any("parts" in warning for warning in mask_warnings(parts))
    beside = sitk.Image(phantom_brain)
    beside[:, :, 40:] = 1
    assert any("outside the head" in warning for warning in mask_warnings(beside, head))


def test_the_mask_of_a_slab_is_judged_by_what_a_slab_can_hold(volume_path):
    brain = foreground_if_stripped(sitk.ReadImage(str(volume_path("ds002748_sub-04_T1w")), sitk.sitkFloat32))
    for axis in range(3):
        size = brain.GetSize()[axis]
        for start, stop in ((0.45, 0.6), (0.3, 0.7), (0.6, 1.0), (0.0, 0.35)):
            slab = sitk.PermuteAxes(part_of(brain, axis, int(start * size), int(stop * size)), [1, 2, 0])
            assert mask_warnings(slab) == [], (axis, start, stop)
    slab = part_of(brain, 2, 60, 80)
    assert 300 < volume_ml(slab) < 400  # millilitres: too few for a brain, not for a slab of 20 mm
    few = sitk.Image(slab)
    few[: few.GetSize()[0] // 2 - 5, :, :] = 0
    few[few.GetSize()[0] // 2 + 5 :, :, :] = 0
    few[:, : few.GetSize()[1] // 2, :] = 0
    few[:, few.GetSize()[1] // 2 + 8 :, :] = 0
    assert "ml for the part of the head that the scan shows: check it" in mask_warnings(few)[0]


@pytest.mark.parametrize(("axis", "start", "stop"), [(2, 80, 101), (0, 70, 98)])
def test_the_built_in_mask_of_a_real_slab_has_no_warning(volume_path, axis, start, stop):
    head = sitk.DICOMOrient(sitk.ReadImage(str(volume_path("ds000011_sub-01_T1w")), sitk.sitkFloat32), "LPS")
    result = strip_skull(part_of(head, axis, start, stop), "builtin")
    assert 300 < result.volume_ml < 500 and result.warnings == []


def part_of(image, axis, start, stop):
    """The slices from ``start`` to ``stop`` along an image axis."""
    return image[tuple(slice(start, stop) if one == axis else slice(None) for one in range(3))]


def test_a_stripped_volume_keeps_its_foreground_in_any_axis_order(phantom_head, phantom_brain):
    stripped = sitk.Mask(phantom_head + 1.0, phantom_brain)
    for order, flips in (((0, 1, 2), (False,) * 3), ((2, 0, 1), (True, False, True))):
        turned = rearranged(stripped, order, flips)
        result = strip_skull(turned)
        assert result.backend == ALREADY_STRIPPED and result.warnings == []
        assert same_geometry(result.mask, turned)
        expected = sitk.GetArrayFromImage(rearranged(phantom_brain, order, flips))
        assert np.mean(sitk.GetArrayFromImage(result.mask) != expected) < 0.002


def test_a_whole_head_is_not_taken_for_a_stripped_brain(phantom_head):
    assert foreground_if_stripped(phantom_head) is None
    assert foreground_if_stripped(sitk.Mask(phantom_head, head_mask(phantom_head))) is None


@pytest.mark.parametrize("name", ["ds002748_sub-04_T1w", "ds002748_sub-01_T1w", "VRD_stroke_T2w", "rorden_chris_T1w"])
def test_real_stripped_volumes_are_recognised(volume_path, name):
    image = sitk.ReadImage(str(volume_path(name)), sitk.sitkFloat32)
    mask = foreground_if_stripped(image)
    assert mask is not None and mask_warnings(mask) == []


@pytest.mark.parametrize("name", ["ARC_M2304_T1w", "openMS_long_04_T2w", "Seg3D_electrodes_T1w"])
def test_real_whole_heads_are_not(volume_path, name):
    assert foreground_if_stripped(sitk.ReadImage(str(volume_path(name)), sitk.sitkFloat32)) is None
