"""Every warning: a made scan that deserves it gets it, the scan that it was made of does not."""

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib.acquisition.inspect import inspect_image

SPACING = (2.1, 2.2, 3.6)


@pytest.fixture(scope="module")
def head():
    """(z, y, x) of a head in noisy air with a margin around it."""
    from Testing.phantom import phantom_head

    return sitk.GetArrayFromImage(phantom_head(size=(112, 112, 56), spacing=SPACING)).astype(np.float32)


def warnings(values, tags=None, spacing=SPACING):
    image = sitk.GetImageFromArray(np.ascontiguousarray(values, np.float32))
    image.SetSpacing(spacing)
    return inspect_image(image, tags).warnings


@pytest.fixture(scope="module")
def warnings_of_the_head(head):
    return warnings(head)


def ghosted(values):
    """Every second line of k-space along y has another phase, as when the patient moves: a copy half a field away."""
    kspace = np.fft.fft(values, axis=1)
    kspace[:, 1::2] *= np.exp(0.25j)
    return np.abs(np.fft.ifft(kspace, axis=1))


def bright_on_the_left(values):
    return values * np.linspace(0.12, 3, values.shape[2], dtype=np.float32)


def wrapped(values):
    """The field of view along y is too small: what lies beyond its front comes back at its back."""
    return np.roll(values, -values.shape[1] // 3, axis=1)


@pytest.mark.parametrize(("make", "spacing", "tags", "text"), [
    (lambda v: v[:, :, : v.shape[2] // 2], SPACING, {}, "The head is cut off at the left"),
    (lambda v: v[: v.shape[0] // 2], SPACING, {}, "The head is cut off at the top"),
    (wrapped, SPACING, {}, "wrapped around"),
    (bright_on_the_left, SPACING, {}, "correct the bias field"),
    (ghosted, SPACING, {}, "motion or ghosting"),
    (lambda v: v, (0.9, 1.0, 1.7), {}, "is it a human brain or head?"),
    (lambda v: v, (1.45, 1.6, 2.6), {}, "an infant?"),
    (lambda v: v, SPACING, {"PatientAge": "007M"}, "The patient is 7 months old"),
    (lambda v: v, SPACING, {"ImageType": ["ORIGINAL", "PRIMARY", "M", "DRB"]}, "network of the scanner"),
    (lambda v: v, SPACING, {"DerivationDescription": "Made by CHARMSSR 1.0"}, "enhanced already by CHARMSSR"),
])  # fmt: skip
def test_what_deserves_a_warning_gets_it(head, warnings_of_the_head, make, spacing, tags, text):
    assert any(text in one for one in warnings(make(head), tags, spacing))
    assert not any(text in one for one in warnings_of_the_head)


def test_a_contrast_that_was_not_learnt_is_told(volume_path):
    image = sitk.ReadImage(str(volume_path("rorden_chris_T1w")))
    values = sitk.GetArrayFromImage(image).astype(np.float32)
    flat = sitk.GetImageFromArray(np.where(values > 0, 600 + 0.1 * values, 0).astype(np.float32))
    flat.CopyInformation(image)
    assert not any("not one that the networks" in one for one in inspect_image(image).warnings)
    assert any("not one that the networks" in one for one in inspect_image(flat).warnings)


def test_what_is_no_head_is_told_from_one(volume_path):
    image = sitk.ReadImage(str(volume_path("odd/nonbrain_phantom_MR.nii.gz")))
    told = inspect_image(image).warnings
    assert any("is it a" in one or "not one that the networks" in one for one in told)


@pytest.mark.parametrize("name", ["ARC_M2304_T1w", "ds000011_sub-04_T1w", "openMS_long_04_FLAIR"])
def test_real_heads_raise_no_alarm_but_what_is_there(volume_path, name):
    told = inspect_image(sitk.ReadImage(str(volume_path(name)))).warnings
    for word in ("human", "infant", "ghosting", "enhanced already", "not one that the networks"):
        assert not any(word in one for one in told)
