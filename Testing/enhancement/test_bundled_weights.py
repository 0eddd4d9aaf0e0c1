"""The bundled weights do their job on a real brain: an untrained network fails here."""

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from CHARMSSRLab.training.degradations import degrade
from CHARMSSRLib import EnhancementSettings, enhance
from CHARMSSRLib.checkpoints.registry import BUNDLED_FOLDER, sha256_of
from CHARMSSRLib.checkpoints.weights import read_weights
from CHARMSSRLib.grids.geometry import enlarged_geometry
from CHARMSSRLib.grids.resize import bicubic_upsample


@pytest.fixture(scope="module")
def pair(volume_path):
    """(LR image, LR mask, HR slices, HR mask) of 16 axial slices (masks of 6) of a brain that no network saw."""
    whole = sitk.DICOMOrient(sitk.ReadImage(str(volume_path("ds002748_sub-18_T1w"))), "LPS")
    size = [n - n % 2 for n in whole.GetSize()[:2]] + [16]
    hr = sitk.Cast(sitk.RegionOfInterest(whole, size, [0, 0, 66]), sitk.sitkFloat32)
    slices = sitk.GetArrayFromImage(hr)
    lr_slices = degrade(torch.from_numpy(slices)[:, None], 2, "bicubic")[:, 0].clamp_min(0).numpy()
    lr = sitk.GetImageFromArray(lr_slices)
    spacing, origin, direction = enlarged_geometry(hr, (0.5, 0.5, 1))
    lr.SetSpacing(spacing)
    lr.SetOrigin(origin)
    lr.SetDirection(direction)
    brain = slices > 0
    lr_mask = sitk.Cast(lr > 0.02 * float(slices.max()), sitk.sitkUInt8)
    for few in (slice(0, 5), slice(11, 16)):
        brain[few], lr_mask[:, :, few] = False, 0
    return lr, lr_mask, slices, brain


def psnr(output, reference, mask):
    error = np.square(output - reference)[mask].mean()
    return 10 * np.log10(np.percentile(reference[mask], 99.9) ** 2 / error)


@pytest.mark.parametrize("name, gain", [("charms-x2-bicubic", 1.5), ("charms-x2-clinical", 0.8)])
def test_the_enhanced_brain_is_closer_to_the_truth_than_interpolation(pair, name, gain):
    lr, lr_mask, slices, brain = pair
    result = enhance(lr, EnhancementSettings(checkpoint=name, device="cpu", bias_correction=False), lr_mask)
    assert result.report["checkpoint"]["sha256"] == sha256_of(BUNDLED_FOLDER / f"{name}.safetensors")
    output = sitk.GetArrayFromImage(result.image)
    assert output.shape == slices.shape
    tensor = torch.from_numpy(sitk.GetArrayFromImage(lr))[:, None]
    interpolated = bicubic_upsample(tensor, 2)[:, 0].numpy()
    scored = brain & (sitk.GetArrayFromImage(result.mask) > 0)
    assert scored.sum() > 0.95 * brain.sum()
    won = psnr(output, slices, scored) - psnr(interpolated, slices, scored)
    assert won > gain


@pytest.mark.parametrize("name", ["charms-x2-clinical", "charms-x4-clinical"])
def test_quiet_weights_lie_near_those_that_they_were_tuned_from(name):
    own, quiet = (read_weights(name, share).arrays for share in (0, 100))
    apart = np.sqrt(sum(np.square(quiet[key] - one).sum() for key, one in own.items()))
    assert 0.01 < apart / np.sqrt(sum(np.square(one).sum() for one in own.values())) < 0.4
