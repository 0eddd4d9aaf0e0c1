"""A result lies on its input in every reader, whichever of a NIfTI file's two forms the reader takes."""

import struct
import warnings

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib.errors import InputError
from CHARMSSRLib.files.mask_placement import placed_mask
from CHARMSSRLib.files.volume_writer import write_volume
from CHARMSSRLib.files.volumes import read_scan, read_volume
from Testing.files.readers import box_distance, nibabel_affine, nibabel_qform, sitk_affine, slicer_affine

SIZE = (12, 10, 8)
SPACING = (0.9, 1.1, 3.0)


def rotation(angle=0.3, axis=2):
    c, s = np.cos(angle), np.sin(angle)
    matrix = np.eye(4)
    first, second = [i for i in range(3) if i != axis]
    matrix[[first, first, second, second], [first, second, first, second]] = c, -s, s, c
    return matrix


BASE = rotation(0.2, 0) @ np.diag([*SPACING, 1.0])
BASE[:3, 3] = -40.25, -60.5, 10.125
MIRROR = np.diag([-1.0, 1.0, 1.0, 1.0])
MOVED = np.eye(4)
MOVED[:3, 3] = 11, -23, 47
OTHER = {
    "equal": BASE,
    "moved": MOVED @ BASE,
    "rotated": rotation(0.7, 1) @ BASE,
    "mirrored": MIRROR @ BASE,
    "quarter turn": rotation(np.pi / 2) @ BASE,
}


def write_nifti(path, qform=BASE, sform=BASE, codes=(1, 1), edit=(), data=None):
    """A NIfTI-1 file with these forms and (q, s) codes, bytes changed by ``edit``: (offset, form, values)."""
    voxels = np.random.default_rng(0).integers(0, 900, SIZE).astype(np.int16) if data is None else data
    image = nibabel.Nifti1Image(voxels, None)
    image.header.set_qform(qform, code=1)
    image.header.set_sform(sform, code=1)
    nibabel.save(nibabel.Nifti1Image(voxels, None, image.header), path)
    content = bytearray(path.read_bytes())
    struct.pack_into("<2h", content, 252, *codes)
    struct.pack_into("<12f", content, 280, *np.asarray(sform)[:3].ravel())
    for offset, form, *values in edit:
        struct.pack_into("<" + form, content, offset, *values)
    path.write_bytes(content)
    return path


def enlarged(path, factors=(2, 2, 1), name="result.nii.gz"):
    """What becomes of a file: read, enlarged (voxel edges stay), written with what the scan knows."""
    scan = read_scan(path)
    result = sitk.Expand(scan.image, factors)
    target = path.with_name(name)
    write_volume(result, target, overwrite=True, forms=scan.forms_for(result))
    return scan, target


def header_codes(path):
    header = nibabel.load(path).header
    return int(header["qform_code"]), int(header["sform_code"])


@pytest.mark.parametrize("other", OTHER)
def test_the_result_lies_on_its_input_in_every_reader_for_all_codes(tmp_path, other):
    for codes in [(q, s) for q in range(6) for s in range(6) if (q, s) != (0, 0)]:
        source = write_nifti(tmp_path / "scan.nii", sform=OTHER[other], codes=codes)
        _, result = enlarged(source)
        assert header_codes(result) == codes
        for reader in (nibabel_affine, sitk_affine) + ((nibabel_qform,) if codes[0] else ()):
            assert box_distance(reader, source, result) < 1e-3, (codes, reader.__name__)


@pytest.mark.parametrize("codes", [(1, 2), (1, 1), (0, 4), (3, 0)])
@pytest.mark.parametrize("name", ["result.nii.gz", "result.nrrd", "result.mha"])
def test_slicer_and_itk_see_the_result_on_its_input_in_every_format(tmp_path, codes, name):
    source = write_nifti(tmp_path / "scan.nii", sform=OTHER["rotated"], codes=codes)
    _, result = enlarged(source, (4, 4, 2), name)
    for reader in (slicer_affine, sitk_affine):
        assert box_distance(reader, source, result) < 1e-3


def test_the_image_is_where_itk_puts_it(tmp_path):
    for codes in [(q, s) for q in range(6) for s in range(6)]:
        for sform in OTHER.values():
            source = write_nifti(tmp_path / "scan.nii", sform=sform, codes=codes)
            ours, itk = read_volume(source), sitk.ReadImage(str(source))
            assert np.array_equal(sitk.GetArrayViewFromImage(ours), sitk.GetArrayViewFromImage(itk))
            for quantity in ("GetSpacing", "GetDirection"):
                assert np.allclose(getattr(ours, quantity)(), getattr(itk, quantity)(), atol=1e-5)
            assert np.allclose(ours.GetOrigin(), itk.GetOrigin(), atol=1e-4)


def test_forms_that_differ_by_more_than_half_a_voxel_are_named(tmp_path):
    def said(**options):
        return " ".join(read_scan(write_nifti(tmp_path / "scan.nii", codes=(1, 4), **options)).warnings)

    shift = np.eye(4)
    shift[0, 3] = 0.4
    assert said() == "" and said(sform=shift @ BASE) == ""
    shift[0, 3] = 0.5
    message = said(sform=shift @ BASE)
    assert "0.5 mm apart" in message and "sform (code 4, MNI 152)" in message and "qform was taken" in message
    assert "mirror image" in said(sform=OTHER["mirrored"]) and "mirror" not in said(sform=OTHER["rotated"])


def test_codes_of_zero_are_said_and_kept(tmp_path):
    scan, result = enlarged(write_nifti(tmp_path / "scan.nii", codes=(0, 0)))
    assert "gives no orientation" in " ".join(scan.warnings)
    assert header_codes(result) == (0, 0)
    assert box_distance(nibabel_affine, tmp_path / "scan.nii", result) < 1e-3


@pytest.mark.parametrize("bad", [0.0, np.nan])
@pytest.mark.parametrize("code", [1, 2, 4])
def test_an_unusable_sform_gives_way_to_a_good_qform(tmp_path, bad, code):
    source = write_nifti(tmp_path / "scan.nii", sform=np.full((4, 4), bad), codes=(1, code))
    scan, result = enlarged(source)
    assert "sform" in " ".join(scan.warnings) and header_codes(result) == (1, 0)
    assert box_distance(nibabel_qform, source, result) < 1e-3
    assert np.allclose(nibabel_affine(result), nibabel_qform(result))


def test_an_unusable_form_alone_is_refused(tmp_path):
    with pytest.raises(InputError, match="no valid voxel axes"):
        read_scan(write_nifti(tmp_path / "scan.nii", sform=np.zeros((4, 4)), codes=(0, 2)))


@pytest.mark.parametrize("codes", [(1, 0), (1, 1), (0, 2), (0, 0)])
def test_a_negative_voxel_size_does_not_mirror(tmp_path, codes):
    good = write_nifti(tmp_path / "good.nii", codes=codes)
    bad = write_nifti(tmp_path / "bad.nii", codes=codes, edit=[(80, "f", -SPACING[0])])
    scan, result = enlarged(bad)
    assert "negative voxel size" in " ".join(scan.warnings)
    assert np.allclose(scan.image.GetDirection(), read_volume(good).GetDirection(), atol=1e-6)
    assert box_distance(nibabel_affine, good, result) < 1e-3
    if any(codes):
        assert box_distance(sitk_affine, good, result) < 1e-3


@pytest.mark.parametrize("unit, factor", [(1, 1000.0), (2, 1.0), (3, 0.001)])
def test_metres_and_microns_stay_what_they_are(tmp_path, unit, factor):
    small = np.diag([*(np.array(SPACING) / factor), 1.0])
    source = write_nifti(tmp_path / "scan.nii", small, small, codes=(1, 2), edit=[(123, "B", unit)])
    scan, result = enlarged(source)
    assert scan.image.GetSpacing() == pytest.approx(SPACING, rel=1e-5)
    for reader in (nibabel_affine, sitk_affine):
        assert box_distance(reader, source, result) < 1e-3


def test_a_scaled_sform_of_an_alignment_is_kept_and_said(tmp_path):
    scaled = np.diag([1.05, 0.97, 1.1, 1.0]) @ np.diag([*SPACING, 1.0])
    source = write_nifti(tmp_path / "scan.nii", np.diag([*SPACING, 1.0]), scaled, codes=(1, 4))
    scan, result = enlarged(source)
    assert "scales the voxels" in " ".join(scan.warnings) and scan.image.GetSpacing() == pytest.approx(SPACING)
    for reader in (nibabel_affine, nibabel_qform, sitk_affine):
        assert box_distance(reader, source, result) < 1e-3
    with pytest.raises(InputError, match="contradicts itself"):
        read_scan(write_nifti(source, np.diag([*SPACING, 1.0]), scaled, codes=(0, 4)))


@pytest.mark.parametrize("shear", [1.5e-4, 5e-4, 9e-4])
@pytest.mark.parametrize("codes", [(0, 1), (0, 2), (1, 1), (1, 2)])
def test_axes_that_are_nearly_at_right_angles_are_read_with_the_nearest_rotation(tmp_path, shear, codes):
    sform = BASE.copy()
    sform[:3, 1] += shear * SPACING[1] * BASE[:3, 0] / SPACING[0]
    source = write_nifti(tmp_path / "scan.nii", sform=sform, codes=codes)
    scan, result = enlarged(source)
    assert box_distance(nibabel_affine, source, result) < 1e-3
    direction = np.reshape(scan.image.GetDirection(), (3, 3))
    assert np.allclose(direction.T @ direction, np.eye(3), atol=1e-6)
    large = write_nifti(source, sform=sform, codes=codes, data=np.zeros((120, 100, 80), np.int16))
    facts = read_scan(large).facts
    if codes[0] == 0:
        assert 0.01 < facts["axes_error_mm"] < 0.5
    else:
        assert facts == {}  # the qform was taken, as ITK does


def test_axes_far_from_right_angles_are_refused_for_that_reason(tmp_path):
    sform = BASE.copy()
    sform[:3, 1] += 2e-3 * SPACING[1] * BASE[:3, 0] / SPACING[0]
    for codes in ((0, 1), (1, 1), (0, 2), (1, 2)):
        with pytest.raises(InputError, match="not at right angles"):
            read_scan(write_nifti(tmp_path / "scan.nii", sform=sform, codes=codes))


def mask_voxels():
    mask = np.zeros(SIZE, np.uint8)
    mask[2:7, 3:9, 1:5] = 1
    return mask


@pytest.mark.parametrize("other", ["moved", "rotated", "mirrored"])
@pytest.mark.parametrize("followed", ["sform", "qform"])
def test_a_mask_on_the_scans_voxels_is_used_as_drawn_if_either_form_agrees(tmp_path, other, followed):
    scan = read_scan(write_nifti(tmp_path / "scan.nii", sform=OTHER[other], codes=(1, 2)))
    affine = OTHER[other] if followed == "sform" else BASE
    nibabel.save(nibabel.Nifti1Image(mask_voxels(), affine), tmp_path / "mask.nii.gz")
    placed = placed_mask(read_scan(tmp_path / "mask.nii.gz", labels_allowed=True), scan)
    assert np.array_equal(sitk.GetArrayFromImage(placed), mask_voxels().T)
    assert placed.GetOrigin() == scan.image.GetOrigin() and placed.GetDirection() == scan.image.GetDirection()


def test_a_mask_on_another_grid_follows_the_sform(tmp_path):
    source = write_nifti(tmp_path / "scan.nii", sform=OTHER["moved"], codes=(1, 2))
    cropped = OTHER["moved"].copy()
    cropped[:3, 3] += cropped[:3, :3] @ [1, 0, 0]
    nibabel.save(nibabel.Nifti1Image(mask_voxels()[1:], cropped), tmp_path / "mask.nii")
    scan = read_scan(source)
    placed = placed_mask(read_scan(tmp_path / "mask.nii", labels_allowed=True), scan)
    on_scan = sitk.Resample(placed, scan.image, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
    assert np.array_equal(sitk.GetArrayFromImage(on_scan), mask_voxels().T)


def test_an_sforms_own_mirror_is_never_silent(tmp_path):
    for codes in ((1, 1), (1, 2), (2, 4), (4, 1)):
        scan = read_scan(write_nifti(tmp_path / "scan.nii", sform=OTHER["mirrored"], codes=codes))
        assert "mirror image" in " ".join(scan.warnings)


@pytest.mark.parametrize("scaling, expected", [
    ((0.0, 500.0), (1, 0)), ((np.nan, 500.0), (1, 0)), ((2.0, 5.0), (2, 5)), ((0.5, 0.0), (0.5, 0)),
    ((1.0, 0.0), (1, 0)), ((1.0, -3.0), (1, -3)),
])  # fmt: skip
def test_intensities_are_scaled_as_the_standard_and_nibabel_do(tmp_path, scaling, expected):
    source = write_nifti(tmp_path / "scan.nii", edit=[(112, "2f", *scaling)])
    read = sitk.GetArrayFromImage(read_volume(source))
    stored = np.random.default_rng(0).integers(0, 900, SIZE).astype(np.int16).T
    assert np.allclose(read, stored * expected[0] + expected[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert np.allclose(read, nibabel.load(source).get_fdata().T)


def test_a_scaling_without_a_valid_intercept_is_refused(tmp_path):
    with pytest.raises(InputError, match="scl_inter"):
        read_scan(write_nifti(tmp_path / "scan.nii", edit=[(112, "2f", 2.0, np.nan)]))


def test_a_voxel_offset_inside_the_header_is_said(tmp_path):
    good = write_nifti(tmp_path / "good.nii")
    bad = write_nifti(tmp_path / "bad.nii", edit=[(108, "f", 0.0)])
    assert "vox_offset 0" in " ".join(read_scan(bad).warnings)
    assert np.array_equal(sitk.GetArrayFromImage(read_volume(bad)), sitk.GetArrayFromImage(read_volume(good)))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", ["nifti1", "nifti2", "pair"])
@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4", "u4", "f4", "f8"])
def test_every_variant_of_the_format_is_read_as_nibabel_reads_it(tmp_path, order, kind, dtype):
    voxels = np.random.default_rng(1).integers(0, 100, SIZE).astype(np.dtype(dtype))
    image_class = {"nifti1": nibabel.Nifti1Image, "nifti2": nibabel.Nifti2Image, "pair": nibabel.Nifti1Pair}[kind]
    header = image_class.header_class(endianness=order)
    header.set_data_dtype(np.dtype(dtype))
    path = tmp_path / {"nifti1": "a.nii.gz", "nifti2": "a.nii", "pair": "a.img"}[kind]
    nibabel.save(image_class(voxels, BASE, header), path)
    scan = read_scan(path)
    assert np.array_equal(sitk.GetArrayFromImage(scan.image), voxels.T)
    assert sitk.GetArrayFromImage(scan.image).dtype == np.dtype(dtype)
    _, result = enlarged(path)
    assert box_distance(nibabel_affine, path, result) < 1e-3


def test_voxels_that_are_no_number_stay_so_in_every_format(tmp_path):
    """One rule for all formats: what is not finite is seen (and refused, with the count) by the check."""
    from CHARMSSRLib.enhancement.checks import check_image

    voxels = np.random.default_rng(2).random((40, 40, 20)).astype(np.float32)
    voxels[3, 4, 5:8] = np.nan
    nibabel.save(nibabel.Nifti1Image(voxels, BASE), tmp_path / "a.nii.gz")
    nibabel.save(nibabel.MGHImage(voxels, BASE), tmp_path / "a.mgz")
    image = sitk.GetImageFromArray(voxels.T)
    for name in ("a.nrrd", "a.mha"):
        sitk.WriteImage(image, str(tmp_path / name))
    for name in ("a.nii.gz", "a.mgz", "a.nrrd", "a.mha"):
        with pytest.raises(InputError, match="3 voxels that are not a number"):
            check_image(read_volume(tmp_path / name))


@pytest.mark.parametrize("angle", [1e-5, 1e-4, 1e-3, 0.01, 0.5])
def test_the_qform_is_exact_near_half_turns(tmp_path, angle):
    """A quaternion of single precision is coarse there; scanners' axes lie just there."""
    turn = rotation(np.pi - angle, 2) @ rotation(0.3 * angle, 0)
    affine = turn @ np.diag([*SPACING, 1.0])
    affine[:3, 3] = 120.5, -90.25, -60.125
    write_nifti(tmp_path / "scan.nii", affine, affine, codes=(1, 0), data=np.zeros((128, 128, 64), np.uint8))
    scan = read_scan(tmp_path / "scan.nii")
    for forms in (scan.forms, None):
        write_volume(scan.image, tmp_path / "copy.nii", overwrite=True, forms=forms)
        assert box_distance(nibabel_qform, tmp_path / "scan.nii", tmp_path / "copy.nii") < 1e-3
