"""Overlap of slices from the voxels alone: found where it is strong, unknown elsewhere."""

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib.acquisition.inspect import inspect_image
from CHARMSSRLib.acquisition.scan_settings import filled_in
from CHARMSSRLib.grids.slice_profile import profile_matrix
from CHARMSSRLib.settings import EnhancementSettings


@pytest.fixture(scope="module")
def anatomy():
    """Texture (z, y, x) whose power falls as that of anatomy, with air around it."""
    random = np.random.default_rng(5)
    shape = (96, 96, 96)
    radius = np.sqrt(sum(np.square(one) for one in np.ix_(*(np.fft.fftfreq(n) for n in shape))))
    texture = np.fft.ifftn(np.fft.fftn(random.standard_normal(shape)) / (radius + 0.01) ** 2.1).real
    z, y, x = np.ogrid[-1:1:96j, -1:1:96j, -1:1:96j]
    inside = z**2 / 1.2 + y**2 / 0.9 + x**2 / 0.9 < 1
    return np.where(inside, np.clip(700 + 110 * texture / texture.std(), 100, None), 0)


def stack(anatomy, thickness):
    """One slice every 3 voxels, so many times as thick as that, in a little noise."""
    slices = np.tensordot(profile_matrix(96, 32, thickness).toarray(), anatomy, (1, 0))
    slices += np.random.default_rng(1).normal(0, 6, slices.shape)
    image = sitk.GetImageFromArray(np.rint(np.abs(slices)).astype(np.float32))
    image.SetSpacing((1.0, 1.0, 3.0))
    return image


@pytest.mark.parametrize("thickness", [1.6, 2.0])
def test_strong_overlap_is_seen_and_used(anatomy, thickness):
    image = stack(anatomy, thickness)
    found = inspect_image(image).slices
    assert found.value == "overlap" and found.confidence == 0.5
    settings = filled_in(EnhancementSettings(planes="three"), image).settings
    assert settings.slice_thickness == pytest.approx(3 * thickness, rel=0.2)


@pytest.mark.parametrize("thickness", [0.6, 1.0])
def test_gaps_and_touching_slices_are_left_unknown(anatomy, thickness):
    image = stack(anatomy, thickness)
    assert inspect_image(image).slices.value == "unknown"
    assert filled_in(EnhancementSettings(planes="three"), image).settings.slice_thickness == 0


def test_tags_count_more_than_the_voxels(anatomy):
    assert inspect_image(stack(anatomy, 2.0), {"SliceThickness": 3}).slices.value == "contiguous"


def test_real_stacks_of_touching_slices_raise_no_alarm(volume_path):
    assert inspect_image(sitk.ReadImage(str(volume_path("openMS_long_04_FLAIR")))).slices.value == "unknown"
