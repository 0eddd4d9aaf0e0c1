"""A derived series lies exactly where its source lies: read by pydicom, SimpleITK and dcm2niix."""

import itertools
import subprocess

import dcm2niix
import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from Testing.dicom.hospital import (
    AXIAL,
    CORONAL,
    OBLIQUE,
    SAGITTAL,
    SIZE,
    STEP,
    affine,
    read_back,
    write_multi_frame,
    write_series,
)

TOLERANCE = 1e-3  # mm, over the whole series
ORIENTATIONS = {"axial": AXIAL, "coronal": CORONAL, "sagittal": SAGITTAL, "oblique": OBLIQUE}


def edges_of_source(orientation):
    """LPS mm of the eight corners of the box of voxels that the source fills."""
    ends = [(-0.5, size - 0.5) for size in SIZE[::-1]]
    return np.array([(affine(orientation) @ [*corner, 1])[:3] for corner in itertools.product(*ends)])


def lps_of_headers(datasets):
    """4x4 matrix told by the headers alone, from (column, row, slice in spatial order)."""
    row, column = np.reshape([float(value) for value in datasets[0].ImageOrientationPatient], (2, 3))
    places = np.array([[float(value) for value in one.ImagePositionPatient] for one in datasets])
    places = places[np.argsort(places @ np.cross(row, column))]
    spacing = [float(value) for value in datasets[0].PixelSpacing]
    matrix = np.eye(4)
    matrix[:3, :3] = np.column_stack(
        [row * spacing[1], column * spacing[0], (places[-1] - places[0]) / (len(places) - 1)]
    )
    matrix[:3, 3] = places[0]
    return matrix


@pytest.mark.parametrize("name", ORIENTATIONS)
@pytest.mark.parametrize("factors", [(2, 2, 1), (4, 4, 2)])
def test_the_edges_of_the_box_stay_where_they_were(tmp_path, derive, name, factors):
    write_series(tmp_path / "in", orientation=ORIENTATIONS[name])
    derive(tmp_path / "in", tmp_path / "out", factors)
    datasets = read_back(tmp_path / "out")
    assert len(datasets) == SIZE[0] * factors[2]
    assert (datasets[0].Columns, datasets[0].Rows) == (SIZE[2] * factors[0], SIZE[1] * factors[1])
    ends = [(-0.5, size * factor - 0.5) for size, factor in zip(SIZE[::-1], factors)]
    corners = np.array([(lps_of_headers(datasets) @ [*one, 1])[:3] for one in itertools.product(*ends)])
    assert np.abs(corners - edges_of_source(ORIENTATIONS[name])).max() < TOLERANCE


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_every_slice_lies_where_its_source_slice_lies(tmp_path, derive, name):
    """In plane the first pixel moves by half the difference of the pixels; along the normal nothing moves."""
    write_series(tmp_path / "in", orientation=ORIENTATIONS[name])
    derive(tmp_path / "in", tmp_path / "out")
    row, column = np.reshape(ORIENTATIONS[name], (2, 3))
    shift = -0.25 * (0.9 * row + 0.8 * column)
    for before, after in zip(read_back(tmp_path / "in"), read_back(tmp_path / "out"), strict=True):
        moved = np.array(after.ImagePositionPatient, float) - np.array(before.ImagePositionPatient, float)
        assert np.abs(moved - shift).max() < TOLERANCE
        assert after.SourceImageSequence[0].ReferencedSOPInstanceUID == before.SOPInstanceUID
        assert len(after.SourceImageSequence) == 1
        assert after.AcquisitionTime == before.AcquisitionTime


def test_thinner_slices_name_the_source_slices_on_both_sides(tmp_path, derive):
    write_series(tmp_path / "in")
    derive(tmp_path / "in", tmp_path / "out", (2, 2, 2))
    datasets = read_back(tmp_path / "out")
    assert float(datasets[0].SliceThickness) == pytest.approx(STEP / 2)
    assert float(datasets[0].SpacingBetweenSlices) == pytest.approx(STEP / 2)
    assert [len(one.SourceImageSequence) for one in datasets] == [2] * len(datasets)
    names = [item.ReferencedSOPInstanceUID.rpartition(".")[2] for item in datasets[5].SourceImageSequence]
    assert names == ["3", "4"]


@pytest.mark.parametrize("thickness", [1.0, 3.0])
def test_gaps_and_overlaps_keep_their_slice_thickness(tmp_path, derive, thickness):
    write_series(tmp_path / "in", tags=lambda k: {"SliceThickness": thickness})
    derive(tmp_path / "in", tmp_path / "out")
    first = read_back(tmp_path / "out")[0]
    assert (float(first.SliceThickness), float(first.SpacingBetweenSlices)) == pytest.approx((thickness, STEP))


@pytest.mark.parametrize("reverse", [False, True])
def test_slices_are_counted_in_the_direction_of_the_source(tmp_path, derive, reverse):
    write_series(tmp_path / "in", reverse=reverse)
    derive(tmp_path / "in", tmp_path / "out")
    datasets = read_back(tmp_path / "out")
    places = [float(one.ImagePositionPatient[2]) for one in datasets]
    assert sorted(places, reverse=reverse) == places
    assert [int(one.InstanceNumber) for one in datasets] == list(range(1, SIZE[0] + 1))
    assert len({one.SOPInstanceUID for one in datasets}) == SIZE[0]


def voxels_and_matrix(image):
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    matrix[:3, 3] = image.GetOrigin()
    return sitk.GetArrayFromImage(image).transpose(), matrix


def assert_same_volume(theirs, ours):
    """The same values at the same places, whatever the order of the axes."""
    (values, matrix), (wanted, placed) = theirs, ours
    index = np.linalg.solve(placed, matrix)
    assert np.abs(np.abs(index[:3, :3]).round() - np.abs(index[:3, :3])).max() < 1e-4
    corners = np.array(list(itertools.product(*[(0, size - 1) for size in values.shape])))
    homogeneous = np.column_stack([corners, np.ones(len(corners))])
    away = (
        homogeneous @ matrix.T
        - np.column_stack([np.rint(homogeneous @ index.T)[:, :3], np.ones(len(corners))]) @ placed.T
    )
    assert np.abs(away).max() < TOLERANCE
    grid = np.array(list(itertools.product(*[range(0, size, 3) for size in values.shape])))
    there = np.rint(np.column_stack([grid, np.ones(len(grid))]) @ index.T)[:, :3].astype(int)
    assert np.array_equal(values[tuple(grid.T)], np.rint(wanted[tuple(there.T)]))


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_simpleitk_reads_the_same_volume(tmp_path, derive, name):
    write_series(tmp_path / "in", orientation=ORIENTATIONS[name], reverse=True)
    made = derive(tmp_path / "in", tmp_path / "out")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path / "out")))
    assert_same_volume(voxels_and_matrix(reader.Execute()), voxels_and_matrix(made.image))


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_dcm2niix_reads_the_same_volume(tmp_path, derive, name):
    write_series(tmp_path / "in", orientation=ORIENTATIONS[name])
    made = derive(tmp_path / "in", tmp_path / "out")
    assert_same_volume(read_by_dcm2niix(tmp_path), voxels_and_matrix(made.image))


def read_by_dcm2niix(folder):
    """The series in the folder "out" as dcm2niix converts it: values and LPS matrix."""
    (folder / "nifti").mkdir()
    command = [dcm2niix.bin, "-b", "n", "-z", "n", "-f", "out", "-o", str(folder / "nifti"), str(folder / "out")]
    done = subprocess.run(command, capture_output=True, text=True)
    files = sorted((folder / "nifti").glob("*.nii"))
    assert len(files) == 1, done.stdout
    theirs = nibabel.load(files[0])
    return np.asarray(theirs.dataobj), np.diag([-1.0, -1, 1, 1]) @ theirs.affine


@pytest.mark.parametrize("name", ["axial", "oblique"])
def test_a_multi_frame_source_becomes_classic_images(tmp_path, derive, name):
    order = np.random.default_rng(1).permutation(SIZE[0])
    write_multi_frame(tmp_path / "in" / "all.dcm", orientation=ORIENTATIONS[name], order=order)
    derive(tmp_path / "in" / "all.dcm", tmp_path / "out")
    datasets = read_back(tmp_path / "out")
    ends = [(-0.5, size * factor - 0.5) for size, factor in zip(SIZE[::-1], (2, 2, 1))]
    corners = np.array([(lps_of_headers(datasets) @ [*one, 1])[:3] for one in itertools.product(*ends)])
    assert np.abs(corners - edges_of_source(ORIENTATIONS[name])).max() < TOLERANCE
    by_place = sorted(datasets, key=lambda one: float(one.SliceLocation))
    frames = [int(one.SourceImageSequence[0].ReferencedFrameNumber) for one in by_place]
    assert [order[number - 1] for number in frames] == list(range(SIZE[0]))


def on_grid(image, size):
    """An image on another grid of the same bounds, whatever the ratio of the sizes."""
    spacing = np.array(image.GetSpacing()) * image.GetSize() / size
    direction = np.reshape(image.GetDirection(), (3, 3))
    origin = np.array(image.GetOrigin()) + direction @ ((spacing - image.GetSpacing()) / 2)
    return sitk.Resample(
        sitk.Cast(image, sitk.sitkFloat32), size, sitk.Transform(), sitk.sitkLinear, origin.tolist(), spacing.tolist(),
        image.GetDirection(),
    )  # fmt: skip


@pytest.mark.parametrize("size", [(97, 113, 18), (61, 59, 47)])
def test_grids_of_no_whole_ratio_keep_bounds_and_short_decimal_strings(tmp_path, derive, size, dciodvfy):
    """As --resolution auto makes them of interpolated scans, and three planes of thick slices."""
    write_series(tmp_path / "in", orientation=OBLIQUE)
    made = derive(tmp_path / "in", tmp_path / "out", make=lambda image: on_grid(image, size))
    datasets = read_back(tmp_path / "out")
    assert len(datasets) == size[2] and (datasets[0].Columns, datasets[0].Rows) == size[:2]
    ends = [(-0.5, count - 0.5) for count in size]
    corners = np.array([(lps_of_headers(datasets) @ [*one, 1])[:3] for one in itertools.product(*ends)])
    assert np.abs(corners - edges_of_source(OBLIQUE)).max() < TOLERANCE
    for one in datasets:
        for element in one.iterall():
            if element.VR == "DS":
                values = element.value if element.VM > 1 else [element.value]
                assert all(len(str(getattr(value, "original_string", value))) <= 16 for value in values)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path / "out")))
    assert_same_volume(voxels_and_matrix(reader.Execute()), voxels_and_matrix(made.image))
    assert_same_volume(read_by_dcm2niix(tmp_path), voxels_and_matrix(made.image))
    assert dciodvfy(tmp_path / "out" / "IM0007.dcm") == []
