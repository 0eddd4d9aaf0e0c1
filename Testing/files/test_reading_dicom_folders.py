"""A folder with one DICOM series is a volume; anything else in it is named."""

import re

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib.errors import InputError
from CHARMSSRLib.files.volumes import read_volume

AXIAL = ((1, 0, 0), (0, 1, 0))
OBLIQUE = ((0.0, 0.8, -0.6), (0.0, 0.6, 0.8))  # sagittal slices, turned in their plane


def write_slices(
    folder, count=18, spacing=2.5, axes=AXIAL, uid="1.2.3", number=4, description="T1 MPRAGE", modality="MR",
    tilt=0.0, skip=(), repeat=(), colour=False, size=(34, 40), dtype=np.int16, base=100,
):  # fmt: skip
    """Write a series; slice k is filled with noise above base + k. Returns the stack (z, y, x)."""
    folder.mkdir(parents=True, exist_ok=True)
    row, column = np.array(axes, float)
    normal = np.cross(row, column)
    random = np.random.default_rng(3)
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    stack = []
    places = [k for k in range(count) if k not in skip] + list(repeat)
    for instance, k in enumerate(places):
        pixels = (base + k + random.integers(0, 50, size[::-1])).astype(np.uint8 if colour else dtype)
        stack.append(pixels)
        image = sitk.GetImageFromArray(np.repeat(pixels[..., None], 3, 2) if colour else pixels, isVector=colour)
        image = sitk.JoinSeries([image])
        position = np.array([5.0, -7.0, 11.0]) + normal * spacing * k + column * tilt * spacing * k
        image.SetSpacing((0.9, 0.8, spacing))
        tags = {
            "0008|0060": modality, "0020|000d": "1.2", "0020|000e": uid, "0020|0011": str(number),
            "0008|103e": description, "0020|0013": str(instance + 1), "0008|0018": f"{uid}.{instance + 1}",
            "0020|0032": "\\".join(f"{v:.6f}" for v in position),
            "0020|0037": "\\".join(f"{v:.6f}" for v in (*row, *column)),
        }  # fmt: skip
        for key, value in tags.items():
            image.SetMetaData(key, value)
        # The names do not follow the order of the slices.
        writer.SetFileName(str(folder / f"IM{(instance * 7) % 1000:03d}_{number}.dcm"))
        writer.Execute(image)
    return np.array(stack)


def refusal(folder):
    with pytest.raises(InputError) as caught:
        read_volume(folder)
    assert "\n" not in str(caught.value) and "ITK" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("axes", [AXIAL, OBLIQUE])
def test_one_series_becomes_a_volume_with_its_geometry(tmp_path, axes):
    stack = write_slices(tmp_path / "series", axes=axes)
    volume = read_volume(tmp_path / "series")
    assert np.array_equal(sitk.GetArrayFromImage(volume), stack)
    assert volume.GetSpacing() == pytest.approx((0.9, 0.8, 2.5))
    assert volume.GetOrigin() == pytest.approx((5, -7, 11))
    row, column = np.array(axes, float)
    direction = np.reshape(volume.GetDirection(), (3, 3))
    assert np.allclose(direction, np.column_stack([row, column, np.cross(row, column)]), atol=1e-6)


def test_a_series_in_a_subfolder_beside_other_files_is_found(tmp_path):
    write_slices(tmp_path / "study" / "series")
    (tmp_path / "study" / "README.txt").write_text("exported")
    assert read_volume(tmp_path / "study").GetSize() == (34, 40, 18)


def test_the_only_series_with_enough_slices_is_taken(tmp_path):
    write_slices(tmp_path, count=3, uid="1.2.9", number=1, description="localizer")
    stack = write_slices(tmp_path)
    assert np.array_equal(sitk.GetArrayFromImage(read_volume(tmp_path)), stack)


def test_several_series_are_named(tmp_path):
    write_slices(tmp_path)
    write_slices(tmp_path, uid="1.2.5", number=7, description="T2 SPACE")
    message = refusal(tmp_path)
    assert "2 image series" in message and 'series 4 "T1 MPRAGE", 18 images' in message and "T2 SPACE" in message


def test_several_series_without_a_volume_are_named(tmp_path):
    write_slices(tmp_path, count=2)
    write_slices(tmp_path, count=3, uid="1.2.5", number=7, description="other")
    assert "No series" in refusal(tmp_path)


def test_a_missing_slice_is_noticed(tmp_path):
    write_slices(tmp_path, skip=(6,))
    assert "missing or unevenly spaced" in refusal(tmp_path)


def test_two_images_at_one_place_are_noticed(tmp_path):
    write_slices(tmp_path, repeat=(5,))
    assert "several images at the same place" in refusal(tmp_path)


def test_a_tilted_gantry_is_refused(tmp_path):
    write_slices(tmp_path, tilt=0.05)
    assert "tilted gantry" in refusal(tmp_path)


def test_computed_tomography_is_refused(tmp_path):
    write_slices(tmp_path, modality="CT")
    assert "computed tomography" in refusal(tmp_path)


def test_colour_is_refused(tmp_path):
    write_slices(tmp_path, colour=True)
    assert "3 values per voxel" in refusal(tmp_path)


def test_mixed_orientations_are_refused(tmp_path):
    write_slices(tmp_path)
    write_slices(tmp_path / "more", axes=OBLIQUE)
    assert "different sizes or orientations" in refusal(tmp_path)


def test_a_damaged_file_is_named(tmp_path):
    write_slices(tmp_path)
    victim = sorted(tmp_path.glob("*.dcm"))[4]
    victim.write_bytes(victim.read_bytes()[:-700])
    assert re.search("damaged", refusal(tmp_path))


def test_folders_without_dicom_are_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing here")
    assert "no DICOM images" in refusal(tmp_path)
    (tmp_path / "empty.dcm").write_bytes(b"")
    assert "empty.dcm is empty" in refusal(tmp_path)


def test_jpeg_2000_series_equals_its_uncompressed_truth(shared_data):
    folder = shared_data / "odd" / "dicom" / "compressed_j2k"
    volume, truth = read_volume(folder / "001"), read_volume(folder / "001_ground_truth.nii.gz")
    placed = sitk.Resample(truth, volume, sitk.Transform(), sitk.sitkNearestNeighbor, -1, sitk.sitkInt32)
    assert np.array_equal(sitk.GetArrayFromImage(placed), sitk.GetArrayFromImage(volume))


@pytest.mark.parametrize("name, words", [("gantrytilting", "tilted gantry"), ("rgb", "values per voxel")])
def test_odd_series_are_refused_for_the_right_reason(shared_data, name, words, capfd):
    assert words in refusal(shared_data / "odd" / "dicom" / name / "001")
    assert capfd.readouterr() == ("", "")


def test_slices_of_differing_number_formats_keep_their_values(tmp_path):
    """The first slice's format (8 bits) could not hold what the others add."""
    low = write_slices(tmp_path, skip=range(1, 18), dtype=np.uint8)
    high = write_slices(tmp_path / "rest", skip=(0,), base=1000)
    assert np.array_equal(sitk.GetArrayFromImage(read_volume(tmp_path)), np.concatenate([low, high]))
