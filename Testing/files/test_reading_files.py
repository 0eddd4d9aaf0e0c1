"""Files that can be read are read as they are; the others are refused with a sentence that says why."""

import re
import struct

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib.errors import InputError
from CHARMSSRLib.files.volume_writer import write_volume
from CHARMSSRLib.files.volumes import read_scan, read_volume


@pytest.fixture
def image():
    """Small oblique int16 volume."""
    volume = sitk.GetImageFromArray(np.random.default_rng(1).integers(0, 900, (20, 34, 36)).astype(np.int16))
    volume.SetSpacing((1.1, 1.2, 3.3))
    volume.SetOrigin((-10.5, 20.25, 7.0))
    c, s = np.cos(0.3), np.sin(0.3)
    volume.SetDirection((c, -s, 0, s, c, 0, 0, 0, 1))
    return volume


@pytest.fixture
def nifti(image, tmp_path):
    """Uncompressed NIfTI file of ``image``."""
    path = tmp_path / "scan.nii"
    write_volume(image, path)
    return path


def patched(path, offset, form, *values):
    """The file with some header bytes replaced."""
    data = bytearray(path.read_bytes())
    struct.pack_into("<" + form, data, offset, *values)
    path.write_bytes(data)
    return path


def refusal(path, read=read_volume):
    """The message of the refusal: one line, ends like a sentence, starts with what it is about."""
    with pytest.raises(InputError) as caught:
        read(path)
    message = str(caught.value)
    assert "\n" not in message and message.endswith(".") and "ITK" not in message
    return message


@pytest.mark.parametrize("extension", ["nii", "nii.gz", "nrrd", "nhdr", "mha", "mhd", "hdr", "vtk", "mnc", "gipl"])
def test_every_common_format_is_read(image, tmp_path, extension):
    if extension == "vtk":
        image.SetDirection((1, 0, 0, 0, 1, 0, 0, 0, 1))  # the format holds no directions
    path = tmp_path / f"scan.{extension}"
    sitk.WriteImage(image, str(path))
    volume = read_volume(path)
    assert np.array_equal(sitk.GetArrayViewFromImage(volume), sitk.GetArrayViewFromImage(image))
    assert volume.GetMetaDataKeys() == ()


def test_missing_empty_and_foreign_files_are_refused(tmp_path):
    assert "no file or folder" in refusal(tmp_path / "nothing.nii.gz")
    (tmp_path / "empty.nii").write_bytes(b"")
    assert "empty" in refusal(tmp_path / "empty.nii")
    for name in ("notes.txt", "notes.nii", "notes.nii.gz", "notes.nrrd", "notes.mha", "notes.dcm", "notes"):
        (tmp_path / name).write_text("no volume at all\n" * 100)
        assert re.search("cannot be read as a volume|damaged", refusal(tmp_path / name))


def test_a_picture_is_refused(tmp_path):
    sitk.WriteImage(sitk.Image(64, 64, sitk.sitkUInt8), str(tmp_path / "picture.png"))
    assert "2-D picture" in refusal(tmp_path / "picture.png")


@pytest.mark.parametrize("extension", ["nii", "nii.gz", "nrrd", "mha"])
@pytest.mark.parametrize("kept", [0.02, 0.5, 0.97])
def test_truncated_files_are_refused(image, tmp_path, extension, kept):
    path = tmp_path / f"scan.{extension}"
    write_volume(image, path)
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data))])
    assert re.search("truncated|damaged", refusal(path))


def test_a_flipped_bit_in_compressed_data_is_noticed(image, tmp_path):
    path = tmp_path / "scan.nii.gz"
    write_volume(image, path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)
    assert "damaged" in refusal(path)


def test_four_dimensions_are_refused_but_one_volume_of_a_series_of_one_is_read(image, tmp_path):
    for extension in ("nii.gz", "nrrd", "mha"):
        sitk.WriteImage(sitk.JoinSeries([image, image]), str(tmp_path / f"series.{extension}"))
        assert "4-D (2 volumes)" in refusal(tmp_path / f"series.{extension}")
    sitk.WriteImage(sitk.JoinSeries([image]), str(tmp_path / "one.nii.gz"))
    assert read_volume(tmp_path / "one.nii.gz").GetSize() == image.GetSize()


@pytest.mark.parametrize("extension", ["nii.gz", "nrrd", "mha"])
def test_colour_and_vectors_are_refused(image, tmp_path, extension):
    colour = sitk.Compose([sitk.Cast(image, sitk.sitkUInt8)] * 3)
    vector = sitk.Compose([sitk.Cast(image, sitk.sitkFloat32)] * 2)
    for volume in (colour, vector):
        sitk.WriteImage(volume, str(tmp_path / f"vector.{extension}"))
        assert re.search("values per voxel|colour", refusal(tmp_path / f"vector.{extension}"))


def test_complex_voxels_are_refused(image, tmp_path):
    real = sitk.Cast(image, sitk.sitkFloat32)
    sitk.WriteImage(sitk.RealAndImaginaryToComplex(real, real), str(tmp_path / "complex.nii.gz"))
    assert "complex" in refusal(tmp_path / "complex.nii.gz")


def test_a_sheared_sform_is_refused_though_the_qform_is_fine(nifti):
    """ITK would silently take the qform."""
    patched(nifti, 280, "12f", -1.1, 0.2, 0, 0, 0, -1.2, 0, 0, 0, 0, 3.3, 0)
    sitk.ReadImage(str(nifti))
    assert "sheared" in refusal(nifti)
    patched(nifti, 254, "h", 0)
    read_volume(nifti)


def test_a_sheared_sform_without_qform_is_refused(nifti):
    patched(nifti, 280, "12f", -1.1, 0.2, 0, 0, 0, -1.2, 0, 0, 0, 0, 3.3, 0)
    patched(nifti, 252, "h", 0)
    assert "sheared" in refusal(nifti)


def test_a_scaling_that_contradicts_the_voxel_size_is_refused(nifti):
    """ITK would silently drop it."""
    patched(nifti, 280, "12f", -1.3, 0, 0, 0, 0, -1.2, 0, 0, 0, 0, 3.3, 0)
    assert "contradicts itself" in refusal(nifti)


@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf")])
def test_an_impossible_voxel_size_is_refused(nifti, value):
    assert "voxel size" in refusal(patched(nifti, 80, "f", value))


def test_declared_label_maps_are_refused_as_scan_but_not_as_mask(nifti, image, tmp_path):
    patched(nifti, 68, "h", 1002)
    assert "label map" in refusal(nifti)
    assert read_scan(nifti, labels_allowed=True).image.GetSize() == image.GetSize()
    segmentation = sitk.Cast(image > 400, sitk.sitkUInt8)
    segmentation.SetMetaData("Segment0_ID", "brain")
    sitk.WriteImage(segmentation, str(tmp_path / "brain.seg.nrrd"))
    assert "label map" in refusal(tmp_path / "brain.seg.nrrd")
    assert read_scan(tmp_path / "brain.seg.nrrd", labels_allowed=True).image.GetSize() == image.GetSize()


@pytest.mark.parametrize("extension", ["nrrd", "mha", "mhd", "nhdr"])
def test_sheared_directions_of_other_formats_are_refused(image, tmp_path, extension):
    image.SetDirection((1, 0.1, 0, 0, 1, 0, 0, 0, 1))
    path = tmp_path / f"sheared.{extension}"
    sitk.WriteImage(image, str(path))
    assert "sheared" in refusal(path)


def test_a_headers_own_size_is_believed_only_within_reason(nifti):
    assert "truncated" in refusal(patched(nifti, 42, "3h", 30000, 30000, 30000))
    assert "damaged" in refusal(patched(nifti, 40, "4h", 3, -36, 34, 20))


def test_a_header_without_its_data_file_says_so(image, tmp_path):
    sitk.WriteImage(image, str(tmp_path / "pair.hdr"))
    (tmp_path / "pair.img").unlink()
    assert "pair.img is missing" in refusal(tmp_path / "pair.hdr")


def test_the_compressed_file_is_read_even_beside_an_uncompressed_twin(image, tmp_path):
    """ITK takes the voxels of scan.nii when asked for scan.nii.gz."""
    other = image + 1000
    write_volume(image, tmp_path / "scan.nii.gz")
    write_volume(other, tmp_path / "scan.nii")
    assert np.array_equal(sitk.GetArrayFromImage(read_volume(tmp_path / "scan.nii.gz")), sitk.GetArrayFromImage(image))
    assert np.array_equal(sitk.GetArrayFromImage(read_volume(tmp_path / "scan.nii")), sitk.GetArrayFromImage(other))


def test_a_compressed_file_whose_name_denies_it_is_read(image, tmp_path):
    write_volume(image, tmp_path / "scan.nii.gz")
    (tmp_path / "scan.nii.gz").rename(tmp_path / "other.nii")
    assert read_volume(tmp_path / "other.nii").GetSize() == image.GetSize()


def test_libraries_print_nothing(image, tmp_path, capfd):
    sitk.WriteImage(image, str(tmp_path / "scan.mha"))
    data = (tmp_path / "scan.mha").read_bytes()
    (tmp_path / "scan.mha").write_bytes(data[: len(data) // 2])
    refusal(tmp_path / "scan.mha")
    (tmp_path / "scan.mnc").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(500))
    refusal(tmp_path / "scan.mnc")
    assert capfd.readouterr() == ("", "")


ODD_FILES = {
    "odd/complex.nii.gz": "complex",
    "odd/ct_perfusion.nii.gz": "colour",
    "odd/mpld_asl.nii.gz": "4-D",
    "odd/shear.nii.gz": "sheared",
    "odd/nibabel/analyze.hdr": "analyze.img is missing",
    "odd/nibabel/bad_attribute+orig.HEAD": "cannot be read",
    "odd/nibabel/bad_datatype+orig.HEAD": "cannot be read",
    "odd/nibabel/example4d.nii.gz": "4-D",
    "odd/nibabel/example_nifti2.nii.gz": "4-D",
    "odd/nibabel/functional.nii": "4-D",
    "odd/nibabel/minc2_baddim.mnc": "cannot be read",
    "odd/nibabel/nifti1.hdr": "nifti1.img is missing",
    "odd/nibabel/phantom_truncated.PAR": "cannot be read",
    "odd/nibabel/phantom_truncated.REC": "cannot be read",
    "odd/nibabel/row_major.dconn.nii": "CIFTI",
    "odd/nibabel/test.mgz": "4-D",
    "odd/dicom/slicecount/001/IM-0001-0001-0001.dcm": "single DICOM slice",
}


@pytest.mark.parametrize("name", ODD_FILES)
def test_odd_files_are_refused_for_the_right_reason(volume_path, name, capfd):
    assert ODD_FILES[name] in refusal(volume_path(name))
    assert capfd.readouterr() == ("", "")


def test_the_eight_axis_orders_hold_the_same_head(shared_data):
    volumes = [read_volume(path) for path in sorted((shared_data / "odd" / "orientations").glob("*.nii.gz"))]
    assert len(volumes) == 8
    common = [sitk.GetArrayFromImage(sitk.DICOMOrient(volume, "LPS")) for volume in volumes]
    for other in common[1:]:
        assert np.array_equal(other, common[0])
