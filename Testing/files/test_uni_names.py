"""The UNI image of MP2RAGE is known by its names, and hands this on to whoever enhances it."""

import nibabel
import numpy as np
import pytest

from CHARMSSRLib.files.uni_names import is_marked_as_uni, is_uni_name
from CHARMSSRLib.files.volumes import read_scan
from Testing.files.dicom_files import write_slices


@pytest.mark.parametrize("name, expected", [
    ("sub-01_UNIT1.nii.gz", True), ("t1_mp2rage_sag_p3_0.75mm_UNI_Images", True), ("mp2rage-uni.nii", True),
    ("UNI", True), ("sub-01_inv-1_MP2RAGE.nii.gz", False), ("t1_mp2rage_INV1", False), ("t1_mp2rage_UNI-DEN", False),
    ("sub-01_desc-denoised_UNIT1.nii.gz", False), ("UNIVERSITY_T1w.nii.gz", False), ("unicorn.nii", False),
    ("sub-united_T1w.nii", False),
])  # fmt: skip
def test_names_are_read_as_words(name, expected):
    assert is_uni_name([name]) is expected


def test_files_and_series_named_so_are_marked(tmp_path):
    volume = nibabel.Nifti1Image(np.zeros((8, 8, 8), np.int16), np.eye(4))
    for name, expected in (("sub-1_UNIT1.nii.gz", True), ("sub-1_T1w.nii.gz", False)):
        nibabel.save(volume, tmp_path / name)
        scan = read_scan(tmp_path / name)
        assert is_marked_as_uni(scan.image) is expected and ("kind" in scan.facts) is expected
    write_slices(tmp_path / "a", description="t1_mp2rage_UNI_Images")
    write_slices(tmp_path / "b", tags=lambda k: {"ImageType": ["DERIVED", "PRIMARY", "M", "ND", "UNI"]})
    write_slices(tmp_path / "c")
    assert [is_marked_as_uni(read_scan(tmp_path / one).image) for one in "abc"] == [True, True, False]
