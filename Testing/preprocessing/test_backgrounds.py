"""Scans whose air is noise or a constant other than 0 are masked by what works, and come back to their own values."""

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from CHARMSSRLib.enhancement.result_levels import to_scan_levels
from CHARMSSRLib.preprocessing import pipeline
from CHARMSSRLib.preprocessing.air import air_of
from CHARMSSRLib.preprocessing.air_noise import has_noisy_air, quiet_scan
from CHARMSSRLib.preprocessing.background import levels_of
from CHARMSSRLib.preprocessing.head_mask import head_mask
from CHARMSSRLib.preprocessing.pipeline import preprocess
from CHARMSSRLib.preprocessing.skull_strip import SkullStrip, strip_skull
from CHARMSSRLib.preprocessing.skull_strip.already_stripped import ALREADY_STRIPPED, foreground_if_stripped


def like(array, reference):
    image = sitk.GetImageFromArray(np.asarray(array, np.float32))
    image.CopyInformation(reference)
    return image


def dice(first, second):
    first, second = (sitk.GetArrayFromImage(one) > 0 for one in (first, second))
    return 2 * (first & second).sum() / (first.sum() + second.sum())


def uni_of(head, brain, variant="signed", seed=0):
    """A UNI image as MP2RAGE makes it: the quotient of two noisy complex images, brightest in white matter.

    Variants: "signed" (-0.5 to 0.5), "scaled" (0 to 4095), "resampled" (scaled and smoothed).
    """
    values = sitk.GetArrayFromImage(head).astype(float)
    tissue = np.clip(values / np.percentile(values[sitk.GetArrayViewFromImage(brain) > 0], 90), 0, 1.3)
    angle = 0.5 * np.arcsin(2 * np.clip(0.85 * tissue - 0.5, -0.5, 0.5))
    magnitude = np.where(tissue > 0.12, 0.25 + 0.75 * tissue, tissue)
    random = np.random.default_rng(seed)
    first, second = (
        magnitude * part + random.normal(0, 0.03, values.shape) + 1j * random.normal(0, 0.03, values.shape)
        for part in (np.cos(angle), np.sin(angle))
    )
    uni = (np.conj(first) * second).real / (np.abs(first) ** 2 + np.abs(second) ** 2)
    if variant != "signed":
        uni = 4095 * (uni + 0.5)
    return like(ndimage.gaussian_filter(uni, 0.6) if variant == "resampled" else uni, head)


VARIANTS = ["signed", "scaled", "resampled"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_uni_image_is_recognised_and_its_head_is_where_it_is_quiet(phantom_head, phantom_brain, variant):
    uni = uni_of(phantom_head, phantom_brain, variant)
    assert has_noisy_air(uni)
    quiet = quiet_scan(uni)
    assert dice(quiet.head, head_mask(phantom_head)) > 0.9
    assert dice(head_mask(uni), head_mask(phantom_head)) < 0.8  # brightness does not tell it
    dark, head = sitk.GetArrayFromImage(quiet.image), sitk.GetArrayFromImage(quiet.head)
    assert dark.min() >= 0 and dark[head == 0].mean() < 0.02 * np.percentile(dark, 99)


def filled(uni, case):
    """A UNI image of which a part was filled up with 0, as distortion correction, turning and defacing do."""
    values = sitk.GetArrayFromImage(uni)
    z, y, x = np.meshgrid(*[np.linspace(-1, 1, size) for size in values.shape], indexing="ij")
    if case == "corners":
        values[np.abs(z) ** 4 + np.abs(y) ** 4 + np.abs(x) ** 4 > 1.6] = 0
    elif case == "frame":
        values[np.max([np.abs(z), np.abs(y), np.abs(x)], axis=0) > 0.93] = 0
    elif case == "deface":
        values[: values.shape[0] // 2, : values.shape[1] // 5] = 0
    elif case == "turned":
        turn = sitk.Euler3DTransform()
        turn.SetCenter(uni.TransformContinuousIndexToPhysicalPoint([size / 2 for size in uni.GetSize()]))
        turn.SetRotation(0, 0, 0.15)
        return sitk.Resample(uni, uni, turn, sitk.sitkLinear, 0.0)
    return like(values, uni)


@pytest.mark.parametrize("variant", ["signed", "scaled"])
@pytest.mark.parametrize("case", ["corners", "frame", "deface", "turned"])
def test_a_uni_image_is_recognised_in_spite_of_what_was_filled_up(phantom_head, phantom_brain, variant, case):
    uni = filled(uni_of(phantom_head, phantom_brain, variant), case)
    assert has_noisy_air(uni)
    assert dice(quiet_scan(uni).head, head_mask(phantom_head)) > 0.8


def test_a_name_lets_weaker_noise_be_enough(phantom_head, phantom_brain):
    uni = uni_of(phantom_head, phantom_brain, "scaled")
    smooth = like(ndimage.gaussian_filter(sitk.GetArrayFromImage(uni), 1.1), uni)
    assert not has_noisy_air(smooth) and has_noisy_air(smooth, named=True)
    assert not has_noisy_air(phantom_head, named=True)
    assert "MP2RAGE" in " ".join(air_of(smooth, named_uni=True).warnings)


def test_a_whole_head_as_narrow_as_an_infants_says_so(phantom_head, phantom_brain, monkeypatch):
    strip = SkullStrip(phantom_brain, "of the test", 1000.0, [])
    monkeypatch.setattr(pipeline, "strip_skull", lambda image, *rest, **options: strip)
    assert "infant" not in " ".join(preprocess(phantom_head, bias_correction=False).warnings)
    small = sitk.Image(phantom_head)
    small.SetSpacing([step * 0.6 for step in phantom_head.GetSpacing()])
    assert "as that of an infant" in " ".join(preprocess(small, bias_correction=False).warnings)


def test_other_scans_are_not_taken_for_uni_images(phantom_head, phantom_brain):
    assert not has_noisy_air(phantom_head)
    assert not has_noisy_air(phantom_head * sitk.Cast(phantom_brain, sitk.sitkFloat32))
    noisy = sitk.GetArrayFromImage(phantom_head)
    noisy = np.abs(noisy + np.random.default_rng(0).normal(0, 0.05 * np.percentile(noisy, 99), noisy.shape))
    assert not has_noisy_air(like(noisy, phantom_head))


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_uni_image_is_prepared_with_its_air_dark_and_said(phantom_head, phantom_brain, variant, monkeypatch):
    seen = {}

    def strip(image, backend, device, task, head):
        seen.update(image=image, head=head)
        return SkullStrip(phantom_brain, "of the test", 1000.0, [])

    monkeypatch.setattr(pipeline, "strip_skull", strip)
    uni = uni_of(phantom_head, phantom_brain, variant)
    prepared = preprocess(uni)
    assert "MP2RAGE" in " ".join(prepared.warnings) and prepared.field is None
    assert dice(prepared.head, head_mask(phantom_head)) > 0.9
    assert foreground_if_stripped(seen["image"]) is None
    values = sitk.GetArrayFromImage(prepared.image)
    assert values.min() >= 0
    assert np.allclose(values + prepared.offset, sitk.GetArrayFromImage(uni), atol=1e-3 * np.ptp(values))
    assert prepared.background == prepared.offset == (pytest.approx(-0.5, abs=0.01) if variant == "signed" else 0)


@pytest.fixture(scope="module")
def real_scan(volume_path):
    """(a real head of 2 mm, its brain by the built-in skull-strip)"""
    scan = sitk.DICOMOrient(sitk.ReadImage(str(volume_path("ARC_M2304_T1w")), sitk.sitkFloat32), "LPS")
    scan = sitk.BinShrink(scan, [2, 2, 2])
    return scan, strip_skull(scan, "builtin", head=head_mask(scan)).mask


@pytest.mark.parametrize("stripped", [False, True])
@pytest.mark.parametrize("start", [0.4, 0.55])
def test_a_slab_without_air_is_not_taken_for_a_uni_image(volume_path, stripped, start):
    scan = sitk.ReadImage(str(volume_path("ds002748_sub-01_T1w" if stripped else "ARC_M2304_T1w")), sitk.sitkFloat32)
    slab = sitk.DICOMOrient(scan, "LPS")
    slab = slab[:, :, int(start * slab.GetSize()[2]) :][:, :, :18]
    assert (sitk.GetArrayViewFromImage(slab) == 0).mean() > 0.3
    assert not has_noisy_air(slab)


@pytest.mark.parametrize("variant, agreement", [("signed", 0.95), ("resampled", 0.9)])
def test_the_builtin_strip_finds_the_brain_of_a_uni_image(real_scan, variant, agreement):
    scan, brain = real_scan
    quiet = quiet_scan(uni_of(scan, brain, variant))
    assert dice(strip_skull(quiet.image, "builtin", head=quiet.head).mask, brain) > agreement


def turned(image, interpolator, outside=0.0):
    transform = sitk.Euler3DTransform()
    transform.SetCenter(image.TransformContinuousIndexToPhysicalPoint([size / 2 for size in image.GetSize()]))
    transform.SetRotation(0.1, 0.05, 0.2)
    return sitk.Resample(image, transform, interpolator, outside)


@pytest.fixture
def stripped(phantom_head, phantom_brain):
    return phantom_head * sitk.Cast(phantom_brain, sitk.sitkFloat32)


def z_scored(image, mask, everywhere=True):
    values, inside = sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(mask) > 0
    scored = (values - values[inside].mean()) / values[inside].std()
    return like(scored if everywhere else np.where(inside, scored, 0), image)


CASES = {
    "plain": lambda image, mask: image,
    "constant": lambda image, mask: image + 100,
    "below zero": lambda image, mask: image - 50,
    "z-scored": lambda image, mask: z_scored(image, mask),
    "z-scored in the brain": lambda image, mask: z_scored(image, mask, everywhere=False),
    "linear": lambda image, mask: turned(image, sitk.sitkLinear),
    "spline": lambda image, mask: turned(image, sitk.sitkBSpline),
    "sinc": lambda image, mask: turned(image, sitk.sitkLanczosWindowedSinc),
    "spline, constant": lambda image, mask: turned(image, sitk.sitkBSpline) + 100,
    "spline, whole numbers": lambda image, mask: sitk.Cast(turned(image, sitk.sitkBSpline), sitk.sitkInt16),
}
CASES["z-scored, spline"] = lambda image, mask: turned(
    z_scored(image, mask), sitk.sitkBSpline, float(sitk.GetArrayFromImage(z_scored(image, mask)).min())
)


@pytest.mark.parametrize("case", CASES)
def test_a_stripped_brain_is_known_whatever_its_background(stripped, phantom_brain, case):
    if case == "sinc":  # takes long
        stripped, phantom_brain = (sitk.BinShrink(one, [2, 2, 1]) for one in (stripped, phantom_brain))
    image = CASES[case](stripped, phantom_brain)
    resampled = any(word in case for word in ("linear", "spline", "sinc"))
    truth = turned(phantom_brain, sitk.sitkNearestNeighbor) if resampled else phantom_brain
    least = 0.92 if case == "sinc" else 0.93 if resampled else 0.995  # a rim of one voxel is more of coarser ones
    assert dice(foreground_if_stripped(image), truth) > least
    assert not has_noisy_air(image)
    prepared = preprocess(image, bias_correction=False)
    assert prepared.strip.backend == ALREADY_STRIPPED
    assert dice(prepared.mask, truth) > min(least, 0.99)


@pytest.mark.parametrize("case", ["constant", "below zero", "z-scored", "z-scored in the brain"])
def test_levels_bring_the_background_to_0_and_back(stripped, phantom_brain, case):
    image = CASES[case](stripped, phantom_brain)
    levels = levels_of(image)
    values, inside = sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(phantom_brain) > 0
    shifted = sitk.GetArrayFromImage(levels.image)
    assert np.allclose(shifted[~inside], 0, atol=1e-3) and levels.background == pytest.approx(values[0, 0, 0])
    result = shifted * inside
    assert to_scan_levels(result, inside, 0.0, levels.offset, levels.background) == 0
    # What is darker than all but a thousandth of the voxels may have been raised to there.
    assert np.abs(result - values).max() <= max(0, levels.offset - values.min()) + 1e-3


def test_scans_with_dark_air_are_not_shifted(phantom_head, stripped):
    for image in (phantom_head, stripped):
        levels = levels_of(image)
        assert (levels.offset, levels.background) == (0, 0)
        assert air_of(image).warnings == ()


def test_a_small_foreground_says_that_infants_are_outside(stripped):
    small = sitk.Image(stripped)
    factor = (700 / 1500) ** (1 / 3)
    small.SetSpacing([step * factor for step in stripped.GetSpacing()])
    result = strip_skull(small)
    assert result.backend == ALREADY_STRIPPED and 500 < result.volume_ml < 950
    assert "infants" in " ".join(result.warnings)
    assert "infants" not in " ".join(strip_skull(stripped).warnings)


def test_negative_voxels_are_raised_and_counted():
    output = np.array([[[-2.0, 0.0], [3.0, -0.5]]], np.float32)
    copy = output.copy()
    assert to_scan_levels(copy, None, lowest=4.0, offset=0.0, background=0.0) == 2
    assert copy.ravel().tolist() == [0, 0, 3, 0]
    copy = output.copy()
    assert to_scan_levels(copy, None, lowest=-1.0, offset=0.0, background=0.0) == 1
    assert copy.ravel().tolist() == [-1, 0, 3, -0.5]


@pytest.mark.parametrize("scale", [1e-9, 1e-12, 1e9])
def test_the_unit_of_the_intensities_does_not_matter(phantom_head, scale):
    tiny = like(sitk.GetArrayFromImage(phantom_head).astype(np.float64) * scale, phantom_head)
    assert np.array_equal(sitk.GetArrayFromImage(head_mask(tiny)), sitk.GetArrayFromImage(head_mask(phantom_head)))
