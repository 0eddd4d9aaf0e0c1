"""What the voxels say of how an axis was interpolated: made volumes whose truth is known."""

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLab.whole_volume.made_scans import acquired, interpolated
from CHARMSSRLib.acquisition.findings import CUBIC, LINEAR, NEAREST, NONE, UNKNOWN, ZERO_FILLED, ZERO_FILLED_WITH_FILTER
from CHARMSSRLib.acquisition.fourier import fourier_resize
from CHARMSSRLib.acquisition.inspect import inspect_image
from CHARMSSRLib.acquisition.resampling import find_resampling
from CHARMSSRLib.acquisition.spectrum import tissue_mask


@pytest.fixture(scope="module")
def head():
    """A head of 90 x 134 x 124 voxels (z, y, x) with fine structure; scans of it have 0.8 times as many."""
    random = np.random.default_rng(5)
    z, y, x = np.ogrid[-1:1:90j, -1:1:134j, -1:1:124j]
    distance = z**2 / 0.72 + y**2 / 0.78 + x**2 / 0.7
    texture = random.standard_normal((90, 134, 124)).astype(np.float32)
    spectrum = np.fft.fftn(texture)
    radius = np.sqrt(sum(np.square(np.fft.fftfreq(n)).reshape([-1 if k == i else 1 for k in range(3)])
                         for i, n in enumerate(texture.shape)))  # fmt: skip
    texture = np.fft.ifftn(spectrum / (radius + 0.01) ** 1.5).real
    texture *= 120 / texture.std()
    return np.where(distance < 1, np.clip(700 + texture, 100, None), 0).astype(np.float32)


def found_in(values):
    """The axes z, y, x of an array as a scan with voxels of 1 mm."""
    return inspect_image(sitk.GetImageFromArray(values)).axes[::-1]


@pytest.mark.parametrize("ratio", [1.2, 1.45, 2.0, 2.5])
def test_zero_filling_is_found_to_5_percent_and_other_axes_are_left_in_peace(head, ratio):
    values, ratios = interpolated(acquired(head, (0.8, 0.8, 0.8), 0.03, 1), ZERO_FILLED, (1, ratio, 1))
    z, y, x = found_in(values)
    assert y.interpolation == ZERO_FILLED
    assert y.share == pytest.approx(1 / ratios[1], rel=0.05)
    assert y.confidence > 0.6 and "times" in y.evidence
    assert (z.interpolation, x.interpolation) == (NONE, NONE)


@pytest.mark.parametrize("noise", [0.01, 0.08])
def test_little_and_much_noise_hide_nothing(head, noise):
    values, ratios = interpolated(acquired(head, (0.8, 0.8, 0.8), noise, 2), ZERO_FILLED, (1, 1, 1.5))
    assert found_in(values)[2].share == pytest.approx(1 / ratios[2], rel=0.05)


def test_a_filter_before_the_zeros_is_told_from_none(head):
    values, ratios = interpolated(acquired(head, (0.8, 0.8, 0.8), 0.03, 1), ZERO_FILLED_WITH_FILTER, (1, 1.6, 1))
    y = found_in(values)[1]
    assert y.interpolation == ZERO_FILLED_WITH_FILTER
    assert y.share == pytest.approx(1 / ratios[1], rel=0.08)


@pytest.mark.parametrize(("kind", "ratio"), [(NEAREST, 1.5), (LINEAR, 1.3), (LINEAR, 2.5), (CUBIC, 1.5), (CUBIC, 2.0)])
def test_resampling_by_a_program_is_found_by_its_period(head, kind, ratio):
    values, ratios = interpolated(acquired(head, (0.8, 0.8, 0.8), 0.03, 3), kind, (1, 1, ratio))
    z, y, x = found_in(values)
    assert x.interpolation == kind
    assert x.share == pytest.approx(1 / ratios[2], rel=0.05)
    assert (z.interpolation, y.interpolation) == (NONE, NONE)


def resampled(values, kind, ratio):
    """An array whose last axis another program has resampled, at places of its own."""
    import torch
    from scipy import ndimage

    size = round(values.shape[2] * ratio)
    rows = values.reshape(-1, values.shape[2])  # a kernel of two dimensions takes an eighth of one of three
    if kind in ("zoom linear", "zoom cubic"):  # from the first voxel's centre to the last one's
        made = ndimage.zoom(rows, (1, size / values.shape[2]), order=1 if kind == "zoom linear" else 3)
        return made.reshape(*values.shape[:2], size)
    if kind == "torch bicubic":  # only in two dimensions
        flat = torch.from_numpy(values)[None]
        return torch.nn.functional.interpolate(flat, (values.shape[1], size), mode="bicubic")[0].numpy()
    image = sitk.GetImageFromArray(rows)
    kinds = {"sitk linear": sitk.sitkLinear, "sitk cubic": sitk.sitkBSpline, "sitk sinc": sitk.sitkHammingWindowedSinc}
    # A rotation's worth of shift: no voxel lies where one lay.
    grid = ((size, len(rows)), sitk.Transform(2, sitk.sitkIdentity), kinds[kind], (0.37, 0), (1 / ratio, 1))
    made = sitk.GetArrayFromImage(sitk.Resample(image, *grid, image.GetDirection()))
    return made.reshape(*values.shape[:2], size)


@pytest.mark.parametrize(("kind", "expected"), [
    ("zoom linear", LINEAR), ("zoom cubic", CUBIC), ("torch bicubic", CUBIC), ("sitk linear", LINEAR),
    ("sitk cubic", CUBIC), ("sitk sinc", UNKNOWN),
])  # fmt: skip
@pytest.mark.parametrize("ratio", [1.4, 1.7, 2.5])
def test_what_other_programs_do_is_told_apart_or_left_unknown(head, kind, expected, ratio):
    scan = np.abs(acquired(head, (0.5, 0.5, 0.8), 0.03, 3)).astype(np.float32)
    values = np.rint(resampled(scan, kind, ratio)).astype(np.float32)
    found = find_resampling(values, tissue_mask(values), 2)
    step = (values.shape[2] - 1) / (scan.shape[2] - 1) if kind.startswith("zoom") else values.shape[2] / scan.shape[2]
    assert found.interpolation == expected
    assert found.share == pytest.approx(1 / step, rel=0.01) or (kind == "sitk sinc" and found.share is None)


def test_cubic_convolution_to_twice_the_voxels_is_as_good_as_linear_so_only_the_spacing_is_told(head):
    values, _ = interpolated(acquired(head, (0.5, 0.5, 0.8), 0.03, 3), LINEAR, (1, 1, 2))
    found = find_resampling(values, tissue_mask(values), 2)
    assert (found.interpolation, found.share) == (UNKNOWN, pytest.approx(0.5, rel=0.01))
    assert "several kernels" in found.evidence


def test_stripping_does_not_hide_the_kernel(head):
    values, ratios = interpolated(acquired(head, (0.5, 0.5, 0.8), 0.03, 3), CUBIC, (1, 1, 1.75))
    rows = np.linspace(-1, 1, values.shape[2])
    values[..., np.abs(rows) > 0.7] = 0
    found = find_resampling(values, tissue_mask(values), 2)
    assert (found.interpolation, found.share) == (CUBIC, pytest.approx(1 / ratios[2], rel=0.01))


@pytest.mark.parametrize("noise", [0.01, 0.03, 0.08])
def test_a_scan_that_was_not_interpolated_raises_no_alarm(head, noise):
    values, _ = interpolated(acquired(head, (0.8, 0.8, 0.8), noise, 4), NONE, (1, 1, 1))
    assert [axis.interpolation for axis in found_in(values)] == [NONE] * 3


def test_the_axes_follow_the_image_whatever_its_orientation(head):
    values, _ = interpolated(acquired(head, (0.8, 0.8, 0.8), 0.03, 1), ZERO_FILLED, (1, 1.5, 1))
    image = sitk.GetImageFromArray(values)
    image.SetSpacing((0.9, 0.6, 1.1))
    turned = sitk.Flip(sitk.PermuteAxes(image, (1, 2, 0)), (True, False, True))
    straight, other = inspect_image(image).axes, inspect_image(turned).axes
    assert [straight[i].interpolation for i in (1, 2, 0)] == [axis.interpolation for axis in other]
    assert other[0].direction == "back-front"
    assert other[0].true_mm == pytest.approx(0.9, rel=0.05)


@pytest.mark.parametrize("make", [
    lambda shape: np.zeros(shape),
    lambda shape: np.indices(shape).sum(0) // 40 % 3,
    lambda shape: np.fromfunction(lambda z, y, x: 500.0 * ((z - 20) ** 2 + (y - 30) ** 2 + (x - 30) ** 2 < 300), shape),
    lambda shape: np.where(np.indices(shape)[1] < 20, np.nan, 7.0),
    lambda shape: np.full(shape, 40.0) + np.eye(shape[1], shape[2]),
    lambda shape: np.broadcast_to(100 * np.sin(2.5 * np.arange(shape[2])), shape) * (np.indices(shape)[0] > 9),
    lambda shape: np.broadcast_to(np.arange(shape[2]), shape),
], ids=["constant", "labels", "noise-free phantom", "no numbers", "constant border", "stripes", "ramp"])  # fmt: skip
def test_what_is_no_scan_gives_unknown_or_none_and_never_fails(make):
    found = inspect_image(sitk.GetImageFromArray(make((40, 60, 60)).astype(np.float32)))
    assert {axis.interpolation for axis in found.axes} <= {UNKNOWN, NONE}
    assert found.to_dict()["axes"][0]["spacing_mm"] == 1


@pytest.mark.parametrize("factor", [1e28, 1e-28])
def test_values_of_any_size_are_examined(head, factor):
    values, ratios = interpolated(acquired(head, (0.5, 0.5, 0.8), 0.03, 1), ZERO_FILLED, (1, 1, 1.5))
    assert found_in(values * np.float32(factor))[2].share == pytest.approx(1 / ratios[2], rel=0.05)


@pytest.mark.parametrize("spacing", [(1e-6, 1, 1), (1, 1, 1e6)])
def test_voxels_of_an_impossible_size_are_left_unknown(spacing):
    image = sitk.GetImageFromArray(np.random.default_rng(1).random((12, 24, 24)).astype(np.float32))
    image.SetSpacing(spacing)
    found = inspect_image(image, {"SliceThickness": 3})
    assert {axis.interpolation for axis in found.axes} == {UNKNOWN} and "size" in found.warnings[0]


@pytest.mark.parametrize(("old", "new"), [(40, 20), (41, 27), (30, 45), (31, 62), (24, 24)])
def test_fourier_resizing_is_that_of_the_training(old, new):
    import torch

    from CHARMSSRLib.grids.resize import fourier_resize as trained_with

    values = np.random.default_rng(0).standard_normal((3, old, 5)).astype(np.float32)
    expected = trained_with(torch.from_numpy(values), new, 1).numpy()
    assert np.abs(fourier_resize(values, new, 1) - expected).max() < 1e-5
