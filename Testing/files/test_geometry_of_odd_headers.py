"""The last tenth of a millimetre: half turns, single precision, sheared axes, and formats that hold one geometry."""

import struct

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from CHARMSSRLib.files.volume_writer import write_volume
from CHARMSSRLib.files.volumes import read_scan
from Testing.files.readers import box_distance, nibabel_affine, nibabel_qform, sitk_affine

SIZE = (64, 60, 40)
SPACING = (2.5, 2.75, 3.5)
ORIGIN = (80.25, -70.5, -60.125)


def write_scan(path, turn, codes, second=None, doubles=False):
    """A volume whose qform is ``turn`` (scipy's Rotation), its sform ``second`` or the same; (q, s) codes."""
    b, c, d, a = turn.as_quat(canonical=True)
    qform = placed(turn.as_matrix())
    sform = qform if second is None else second
    if doubles:
        header = bytearray(544)
        struct.pack_into("<i8s", header, 0, 540, b"n+2\0\r\n\x1a\n")
        struct.pack_into("<2h8q", header, 12, 2, 8, 3, *SIZE, 1, 1, 1, 1)
        struct.pack_into("<8dq2d", header, 104, 1, *SPACING, 1, 1, 1, 1, 544, 1, 0)
        struct.pack_into("<2i6d12d", header, 344, *codes, b, c, d, *ORIGIN, *sform[:3].ravel())
        struct.pack_into("<i", header, 500, 2)
    else:
        header = bytearray(352)
        struct.pack_into("<i", header, 0, 348)
        struct.pack_into("<8h", header, 40, 3, *SIZE, 1, 1, 1, 1)
        struct.pack_into("<2h", header, 70, 2, 8)
        struct.pack_into("<8f", header, 76, 1, *SPACING, 1, 1, 1, 1)
        struct.pack_into("<3f", header, 108, 352, 1, 0)
        struct.pack_into("<2h6f12f", header, 252, *codes, b, c, d, *ORIGIN, *sform[:3].ravel())
        header[123], header[344:348] = 2, b"n+1\0"
    path.write_bytes(bytes(header) + np.zeros(SIZE, np.uint8).tobytes())
    return path


def placed(axes):
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = axes * SPACING, ORIGIN
    return matrix


def result_of(source, name, factors=(2, 2, 1)):
    scan = read_scan(source)
    result = sitk.Expand(scan.image, factors)
    write_volume(result, source.with_name(name), overwrite=True, forms=scan.forms_for(result))
    return source.with_name(name)


def half_turn(tilt, rest=0.0):
    """A half turn, tilted as slices are, and the rest that scanners leave."""
    return Rotation.from_rotvec([0, np.pi, 0]) * Rotation.from_rotvec([tilt, 0, 0]) * Rotation.from_rotvec([0, rest, 0])


@pytest.mark.parametrize("name", ["result.nii", "result.nrrd"])
@pytest.mark.parametrize("codes", [(1, 0), (1, 2), (2, 4), (1, 1)])
def test_tilted_slices_lie_where_itk_puts_them(tmp_path, codes, name):
    """The first part of their quaternion is 0 but for rounding, which ITK cuts off: up to 0.09 mm."""
    shifted = placed(Rotation.from_rotvec([0.05, 0, 0]).as_matrix())
    for tilt in (0.1, 0.33):
        for rest in (5e-5, 4e-4):
            turn = half_turn(tilt, rest)
            for second in (None, shifted):
                source = write_scan(tmp_path / "scan.nii", turn, codes, second)
                assert box_distance(sitk_affine, source, result_of(source, name)) < 1e-3


@pytest.mark.parametrize("codes", [(1, 0), (1, 2), (3, 4)])
@pytest.mark.parametrize("rest", [1e-6, 1e-4, 7e-4, 1.1e-3])
def test_a_qform_in_double_precision_is_kept_for_every_reader(tmp_path, codes, rest):
    """nibabel takes small first parts of single-precision quaternions for 0: a quarter of a millimetre."""
    for doubles in (True, False):
        source = write_scan(tmp_path / "scan.nii", half_turn(0.2, rest), codes, doubles=doubles)
        result = result_of(source, "result.nii.gz")
        for reader in (nibabel_affine, nibabel_qform):
            assert box_distance(reader, source, result) < 1e-3
    assert isinstance(nibabel.load(result), nibabel.Nifti1Image)  # as its scan


def test_a_result_is_nifti_1_wherever_that_is_exact(tmp_path):
    """Slicer reads no NIfTI-2."""
    source = write_scan(tmp_path / "scan.nii", Rotation.from_rotvec([0.2, 0.1, 0.3]), (1, 1), doubles=True)
    assert type(nibabel.load(result_of(source, "result.nii"))) is nibabel.Nifti1Image
    source = write_scan(tmp_path / "scan.nii", half_turn(0.2, 4e-4), (1, 1), doubles=True)
    copy = nibabel.load(result_of(source, "result.nii"))
    assert type(copy) is nibabel.Nifti2Image and copy.header["descrip"].item().startswith(b"CHARMSSR ")
    assert read_scan(tmp_path / "result.nii").image.GetSize() == (128, 120, 40)


@pytest.mark.parametrize("codes", [(1, 2), (1, 1), (0, 4), (3, 0), (0, 0), (4, 3)])
def test_a_freesurfer_result_lies_where_nibabel_puts_the_scan(tmp_path, codes):
    """The format holds one geometry: the one that FreeSurfer and nibabel take."""
    others = [
        None,
        placed(Rotation.from_rotvec([0.3, 0.1, 0]).as_matrix()),
        np.diag([-1.0, 1, 1, 1]) @ placed(np.eye(3)),
    ]
    for second in others:
        source = write_scan(tmp_path / "scan.nii", half_turn(0.1, 7e-4), codes, second)
        assert box_distance(nibabel_affine, source, result_of(source, "result.mgz")) < 1e-3


@pytest.mark.parametrize("shear", [5e-5, 3e-4, 9e-4])
@pytest.mark.parametrize("ending", ["mgz", "nii"])
def test_slightly_sheared_axes_stay_as_they_are_in_the_result(tmp_path, shear, ending):
    axes = Rotation.from_rotvec([0.2, 0.3, 0.1]).as_matrix()
    axes[:, 1] += shear * axes[:, 0]
    source = tmp_path / f"scan.{ending}"
    image_class = nibabel.MGHImage if ending == "mgz" else nibabel.Nifti1Image
    nibabel.save(image_class(np.zeros(SIZE, np.uint8), placed(axes)), source)
    for name in ("result.mgz", "result.nii"):
        assert box_distance(nibabel_affine, source, result_of(source, name)) < 1e-3


@pytest.mark.parametrize("difference", [1e-6, 2e-5, 6e-5])
def test_itk_takes_the_same_of_two_nearly_equal_forms_from_the_result(tmp_path, difference):
    """It compares them to the last digit, and another grid changes that digit."""
    for seed in (1, 7, 9, 10):
        turn = Rotation.random(random_state=seed)
        second = placed((turn * Rotation.from_rotvec([0, difference, difference])).as_matrix())
        source = write_scan(tmp_path / "scan.nii", turn, (1, 2), second)
        assert box_distance(sitk_affine, source, result_of(source, "result.nii", (2, 2, 1))) < 1e-3


def test_a_voxel_size_that_differs_in_the_last_digits_from_the_axes_stays_itks(tmp_path):
    turn = Rotation.from_rotvec([0.2, 0.1, 0.3])
    second = placed(turn.as_matrix())
    second[:3, 2] *= 1.0008
    for codes in ((0, 1), (1, 1)):
        source = write_scan(tmp_path / "scan.nii", turn, codes, second)
        for name in ("result.nrrd", "result.nii"):
            assert box_distance(sitk_affine, source, result_of(source, name)) < 1e-3
        assert box_distance(nibabel_affine, source, result_of(source, "result.mgz")) < 1e-3
