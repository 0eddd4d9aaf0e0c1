"""What is refused, and what is doubted, before a pair is registered."""

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib.errors import PairError
from CHARMSSRLib.fine_tuning.pairs.pair_checks import check_pair, contrast_of, contrast_warnings
from Testing.phantom import phantom_head


@pytest.fixture(scope="module")
def scans():
    """(3T, 7T): one head on two grids."""
    return phantom_head(size=(48, 50, 40), spacing=(4.2, 4.4, 5.0)), phantom_head(
        size=(60, 62, 50), spacing=(3.4, 3.5, 4.0), seed=1
    )


def refusal(*arguments, **options):
    with pytest.raises(PairError) as error:
        check_pair(*arguments, **options)
    return str(error.value)


def filled(image, value=0.0):
    """The same grid without the head."""
    noise = np.random.default_rng(3).normal(value, 1, image.GetSize()[::-1])
    result = sitk.GetImageFromArray(noise.astype(np.float32))
    result.CopyInformation(image)
    return result


def test_a_good_pair_passes_without_a_word(scans):
    assert check_pair(*scans, contrast="T1w", names=("sub-1_3T_T1w.nii", "sub-1_7T_T1w.nii")) == ([], None)


def test_one_volume_given_twice(scans):
    assert "the same volume" in refusal(scans[0], sitk.Image(scans[0]))
    # The other order of the axes does not hide it, nor another pixel type.
    turned = sitk.DICOMOrient(sitk.Cast(scans[0], sitk.sitkFloat64), "RAS")
    assert "the same volume" in refusal(scans[0], turned)


def test_one_voxel_makes_another_volume(scans):
    other = sitk.Image(scans[0])
    other[20, 20, 21] = 1.0
    check_pair(scans[0], other)


def test_a_swapped_pair(scans):
    assert "The 7T scan is coarser" in refusal(scans[1], scans[0])


def test_a_scan_without_a_head(scans):
    ball = sitk.GetArrayFromImage(filled(scans[0], 20.0))
    ball[18:23, 22:28, 21:27] += 900
    ball = sitk.GetImageFromArray(ball)
    ball.CopyInformation(scans[0])
    assert "No brain was found in the 3T scan" in refusal(ball, scans[1])


def test_a_slab_is_too_little(scans):
    slab = scans[1][:, :, 22:38]
    slab.SetSpacing((3.4, 3.5, 3.0))
    assert "7T scan covers only 204 x 217 x 48 mm" in refusal(scans[0], slab)


def test_common_checks_name_the_scan(scans):
    assert "The 7T scan has voxels below -500" in refusal(scans[0], scans[1] - 2000)
    assert "The 3T scan is constant" in refusal(scans[0] * 0, scans[1])
    nan = sitk.Image(scans[1])
    nan[0, 0, 0] = float("nan")
    assert "The 7T scan has 1 voxel" in refusal(scans[0], nan)
    warnings, _ = check_pair(scans[0] - 3, scans[1])
    assert warnings[0].startswith("The 3T scan has negative voxels")


def test_masks_are_brought_onto_the_3t(scans):
    mask = sitk.Cast(scans[1] > 300, sitk.sitkUInt8)
    warnings, matched = check_pair(*scans, mask)
    assert matched.GetSize() == scans[0].GetSize()
    assert sitk.GetArrayViewFromImage(matched).max() == 1
    assert "The mask of the 3T scan" in refusal(*scans, mask * 0)


def test_contrasts_are_read_from_names():
    assert contrast_of("sub-01_ses-7T_T1w.nii.gz") == "t1"
    assert contrast_of("anna_MP2RAGE_UNI") == "t1"
    assert contrast_of("brain-flair.nrrd") == "flair"
    assert contrast_of("t1_t2_ratio") == ""
    assert contrast_of("patient1.nii") == ""
    assert contrast_of("") == ""


def test_different_contrasts_are_a_warning(scans):
    warnings, _ = check_pair(*scans, contrast="", names=("a_T1w.nii", "a_T2w.nii"))
    assert "the 3T scan's name says T1, the 7T scan's name says T2" in warnings[0]
    assert contrast_warnings("T1w", "a_T1w", "a_MPRAGE") == []
    assert "the label says T2" in contrast_warnings("T2w", "a_T1w.nii", "")[0]
