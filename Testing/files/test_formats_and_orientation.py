"""Formats other than NIfTI lie where readers of other houses put them, or are refused with the reason."""

import bz2
import gzip
import os
import struct

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib.errors import InputError
from CHARMSSRLib.files import minc_orientation
from CHARMSSRLib.files.volume_writer import write_volume
from CHARMSSRLib.files.volumes import read_scan, read_spacing, read_volume
from Testing.files.readers import TO_RAS, box_distance, image_affine, nibabel_affine, sitk_affine, slicer_affine

SIZE = (12, 10, 8)
VOXELS = np.random.default_rng(0).integers(0, 900, SIZE).astype(np.int16)


def affine(turn=0.3, mirrored=False):
    c, s = np.cos(turn), np.sin(turn)
    matrix = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.diag([-0.9 if mirrored else 0.9, 1.1, 3.0])
    return np.vstack([np.column_stack([matrix, [-40.25, -60.5, 10.125]]), [0, 0, 0, 1]])


def refusal(path):
    with pytest.raises(InputError) as caught:
        read_scan(path)
    assert "\n" not in str(caught.value) and "ITK" not in str(caught.value)
    return str(caught.value)


def ras(image):
    return TO_RAS @ image_affine(image)


def result_of(path, name="result.nii.gz", factors=(2, 2, 1)):
    scan = read_scan(path)
    target = path.with_name(name)
    large = sitk.Expand(scan.image, factors)
    write_volume(large, target, overwrite=True, forms=scan.forms_for(large))
    return target


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("name", ["a.mgz", "a.mgh"])
@pytest.mark.parametrize("dtype", ["u1", "i2", "i4", "f4"])
def test_freesurfers_volumes_are_read_and_written_as_nibabel_does(tmp_path, name, dtype, mirrored):
    voxels = (VOXELS % 250).astype(dtype)
    nibabel.save(nibabel.MGHImage(voxels, affine(mirrored=mirrored)), tmp_path / name)
    image = read_volume(tmp_path / name)
    assert np.array_equal(sitk.GetArrayFromImage(image), voxels.T)
    assert np.allclose(ras(image), affine(mirrored=mirrored), atol=1e-4)
    assert box_distance(nibabel_affine, tmp_path / name, result_of(tmp_path / name)) < 1e-3
    assert box_distance(nibabel_affine, tmp_path / name, result_of(tmp_path / name, f"result_{name}")) < 1e-3
    write_volume(image, tmp_path / f"copy_{name}")
    copy = nibabel.load(tmp_path / f"copy_{name}")
    assert np.array_equal(np.asarray(copy.dataobj), voxels) and copy.get_data_dtype() == np.dtype(f">{dtype}")
    assert np.allclose(copy.affine, affine(mirrored=mirrored), atol=1e-4)


def test_a_nifti_scan_can_become_a_freesurfer_volume(tmp_path):
    nibabel.save(nibabel.Nifti1Image(VOXELS, affine()), tmp_path / "a.nii")
    assert box_distance(nibabel_affine, tmp_path / "a.nii", result_of(tmp_path / "a.nii", "a_large.mgz")) < 1e-3


def test_damaged_and_odd_freesurfer_volumes_are_refused(tmp_path):
    nibabel.save(nibabel.MGHImage(VOXELS, affine()), tmp_path / "a.mgh")
    content = (tmp_path / "a.mgh").read_bytes()
    (tmp_path / "short.mgh").write_bytes(content[:600])
    assert "truncated" in refusal(tmp_path / "short.mgh")
    (tmp_path / "head.mgh").write_bytes(content[:90])
    assert "truncated" in refusal(tmp_path / "head.mgh")
    (tmp_path / "cut.mgz").write_bytes(gzip.compress(content)[:300])
    assert "damaged" in refusal(tmp_path / "cut.mgz")
    nibabel.save(nibabel.MGHImage(np.stack([VOXELS] * 2, 3), affine()), tmp_path / "series.mgz")
    assert "4-D (2 volumes)" in refusal(tmp_path / "series.mgz")


def test_a_freesurfer_volume_without_geometry_is_refused(tmp_path):
    nibabel.save(nibabel.MGHImage(VOXELS, affine()), tmp_path / "a.mgh")
    content = bytearray((tmp_path / "a.mgh").read_bytes())
    struct.pack_into(">h", content, 28, 0)
    (tmp_path / "a.mgh").write_bytes(content)
    assert "states no geometry" in refusal(tmp_path / "a.mgh")


@pytest.mark.parametrize("turn", [0.0, 0.4, 2.0])
def test_minc_volumes_keep_left_and_right(tmp_path, turn):
    image = sitk.GetImageFromArray(VOXELS.T)
    image.SetSpacing((0.9, 1.1, 3.0))
    image.SetOrigin((-40.0, 60.0, 10.0))
    c, s = np.cos(turn), np.sin(turn)
    image.SetDirection((c, -s, 0, s, c, 0, 0, 0, 1))
    sitk.WriteImage(image, str(tmp_path / "a.mnc"))
    other = nibabel.load(tmp_path / "a.mnc")
    ours = read_volume(tmp_path / "a.mnc")
    # The two count the axes in opposite order.
    flip = np.eye(4)[[2, 1, 0, 3]]
    assert np.array_equal(sitk.GetArrayFromImage(ours), np.asarray(other.dataobj))
    assert np.allclose(ras(ours), other.affine @ flip, atol=1e-4)


def test_a_reader_that_converts_minc_itself_is_not_corrected_again(monkeypatch):
    image = sitk.Image(3, 3, 3, sitk.sitkInt16)
    image.SetOrigin((1.0, 2.0, 3.0))
    monkeypatch.setattr(minc_orientation, "reader_converts", lambda: True)
    assert minc_orientation.in_patient_coordinates(sitk.Image(image)).GetOrigin() == (1.0, 2.0, 3.0)
    monkeypatch.setattr(minc_orientation, "reader_converts", lambda: False)
    turned = minc_orientation.in_patient_coordinates(sitk.Image(image))
    assert turned.GetOrigin() == (-1.0, -2.0, 3.0) and turned.GetDirection()[::4] == (-1.0, -1.0, 1.0)


def test_analyze_is_read_as_nibabel_does_and_says_that_nothing_is_stated(tmp_path):
    nibabel.save(nibabel.AnalyzeImage(VOXELS, np.diag([-0.9, 1.1, 3.0, 1.0])), tmp_path / "a.img")
    for name in ("a.hdr", "a.img"):
        scan = read_scan(tmp_path / name)
        assert "gives no orientation" in " ".join(scan.warnings)
        assert np.array_equal(sitk.GetArrayFromImage(scan.image), VOXELS.T)
        assert np.allclose(ras(scan.image), nibabel.load(tmp_path / "a.img").affine, atol=1e-4)
    assert box_distance(nibabel_affine, tmp_path / "a.img", result_of(tmp_path / "a.hdr")) < 1e-3
    (tmp_path / "a.mat").write_bytes(b"MATLAB")
    assert ".mat file of SPM" in refusal(tmp_path / "a.hdr")


def write_nrrd(path, *fields):
    lines = ["NRRD0004", "type: short", "dimension: 3", "sizes: 12 10 8", "encoding: raw", "endian: little", *fields]
    path.write_bytes(("\n".join(lines) + "\n\n").encode() + VOXELS.T.astype("<i2").tobytes())
    return path


AXES = ("space directions: (0.9,0,0) (0,1.1,0) (0,0,3)", "space origin: (-10,-20,-30)")


@pytest.mark.parametrize("space, signs", [
    ("left-posterior-superior", (-1, -1, 1)), ("LPS", (-1, -1, 1)), ("right-anterior-superior", (1, 1, 1)),
    ("RAS", (1, 1, 1)), ("left-anterior-superior", (-1, 1, 1)), ("LAS", (-1, 1, 1)),
])  # fmt: skip
def test_nrrd_spaces_are_followed(tmp_path, space, signs):
    source = write_nrrd(tmp_path / "a.nrrd", f"space: {space}", *AXES)
    scan = read_scan(source)
    expected = np.diag([*signs, 1.0]) @ np.array([[0.9, 0, 0, -10], [0, 1.1, 0, -20], [0, 0, 3, -30], [0, 0, 0, 1]])
    assert scan.warnings == [] and np.allclose(ras(scan.image), expected)
    for reader in (sitk_affine, slicer_affine):
        assert box_distance(reader, source, result_of(source, "result.nrrd")) < 1e-3


@pytest.mark.parametrize("space", ["space: 3D-right-handed", "space: scanner-xyz", "space dimension: 3"])
def test_nrrd_spaces_that_are_no_patients_are_said(tmp_path, space):
    assert "does not say how it lies" in " ".join(read_scan(write_nrrd(tmp_path / "a.nrrd", space, *AXES)).warnings)


def test_a_left_handed_nrrd_space_is_refused(tmp_path):
    assert "left and right cannot be told" in refusal(write_nrrd(tmp_path / "a.nrrd", "space: 3D-left-handed", *AXES))


@pytest.mark.parametrize("centers, first", [("cell", (-9.55, -19.45, -28.5)), ("node", (-10.0, -20.0, -30.0))])
def test_axis_mins_are_edges_or_centres_as_the_header_says(tmp_path, centers, first):
    fields = ("spacings: 0.9 1.1 3", "axis mins: -10 -20 -30", f"centers: {' '.join([centers] * 3)}")
    assert read_volume(write_nrrd(tmp_path / "a.nrrd", *fields)).GetOrigin() == pytest.approx(first)
    assert "axis mins" in refusal(write_nrrd(tmp_path / "b.nrrd", *fields[:2]))


def test_formats_without_directions_say_so(tmp_path):
    image = sitk.GetImageFromArray(VOXELS.T)
    for name in ("a.vtk", "a.gipl"):
        sitk.WriteImage(image, str(tmp_path / name))
        assert "directions are not read" in " ".join(read_scan(tmp_path / name).warnings)
    sitk.WriteImage(image, str(tmp_path / "a.mha"))
    assert read_scan(tmp_path / "a.mha").warnings == []


def nifti_bytes(tmp_path):
    nibabel.save(nibabel.Nifti1Image(VOXELS, affine()), tmp_path / "whole.nii")
    return (tmp_path / "whole.nii").read_bytes()


@pytest.mark.parametrize("name", ["a.nii.gz", "a.NII", "a.nii.bak", "a", "a.nii.gz.part", "a.img.nii"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_nifti_file_is_known_by_its_content_whatever_its_ending(tmp_path, name, packed):
    content = nifti_bytes(tmp_path)
    (tmp_path / name).write_bytes(gzip.compress(content) if packed else content)
    assert np.array_equal(sitk.GetArrayFromImage(read_volume(tmp_path / name)), VOXELS.T)


def test_what_a_file_is_is_said_where_it_cannot_be_read(tmp_path):
    content = nifti_bytes(tmp_path)
    kinds = {
        "twice.nii.gz": (gzip.compress(gzip.compress(content)), "gzip twice"),
        "packed.nii.bz2": (bz2.compress(content), "bzip2"),
        "scans.zip": (b"PK\x03\x04" + bytes(600), "ZIP"),
        "old.mnc": (b"CDF\x01" + bytes(600), "MINC1"),
        "brain+orig.HEAD": (b"type = string-attribute\n" * 40, "3dAFNItoNIFTI"),
        "scan.PAR": (b"# === DATA DESCRIPTION FILE ===\n" * 20, "dcm2niix"),
        "lfs.nii.gz": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "Git LFS"),
        "annex.nii.gz": (b"/annex/objects/MD5E-s9--00.nii.gz\n", "git-annex"),
    }
    for name, (data, words) in kinds.items():
        (tmp_path / name).write_bytes(data)
        assert words in refusal(tmp_path / name), name


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs links")
def test_links_to_nothing_say_what_they_are(tmp_path):
    (tmp_path / "annexed.nii.gz").symlink_to(".git/annex/objects/x/MD5E-s9--00.nii.gz")
    assert "datalad get annexed.nii.gz" in refusal(tmp_path / "annexed.nii.gz")
    (tmp_path / "gone.nii.gz").symlink_to(tmp_path / "elsewhere.nii.gz")
    assert "link to" in refusal(tmp_path / "gone.nii.gz") and "does not exist" in refusal(tmp_path / "gone.nii.gz")


@pytest.mark.parametrize("name", ["a.mgz", "a.nii.gz", "a.nii", "a.nrrd", "a.img"])
def test_the_voxel_size_is_told_by_the_header_alone(tmp_path, name):
    path = tmp_path / name
    if name == "a.nrrd":
        write_volume(sitk.GetImageFromArray(VOXELS.T), path)
        assert read_spacing(path) == (1.0, 1.0, 1.0)
        return
    kinds = {"a.mgz": nibabel.MGHImage, "a.nii": nibabel.Nifti2Image, "a.img": nibabel.AnalyzeImage}
    turn = 0.0 if name == "a.img" else 0.3
    nibabel.save(kinds.get(name, nibabel.Nifti1Image)(VOXELS, affine(turn, mirrored=name == "a.img")), path)
    assert read_spacing(path) == pytest.approx((0.9, 1.1, 3.0), rel=1e-5)


def test_a_vector_of_one_number_per_voxel_is_a_volume(tmp_path):
    data = VOXELS.astype(np.int16).tobytes(order="F")
    for name, sizes, directions in (
        ("a.nrrd", (*VOXELS.shape, 1), "(1,0,0) (0,1,0) (0,0,2) none"),
        ("b.nrrd", (1, *VOXELS.shape), "none (1,0,0) (0,1,0) (0,0,2)"),
    ):
        kinds = " ".join("list" if one == "none" else "domain" for one in directions.split())
        header = (
            f"NRRD0004\ntype: short\ndimension: 4\nspace: LPS\nsizes: {' '.join(map(str, sizes))}\n"
            f"space directions: {directions}\nkinds: {kinds}\nendian: little\nencoding: raw\n"
            "space origin: (0,0,0)\n\n"
        )
        (tmp_path / name).write_bytes(header.encode() + data)
        image = read_volume(tmp_path / name)
        assert image.GetNumberOfComponentsPerPixel() == 1 and image.GetPixelID() == sitk.sitkInt16
        assert np.array_equal(sitk.GetArrayFromImage(image), VOXELS.T.astype(np.int16))


GRID = ("space: LPS", "space directions: (1,0,0) (0,1,0) (0,0,2)", "space origin: (0,0,0)")


def test_lengths_that_itk_passes_over_are_said(tmp_path):
    assert "states its lengths in cm" in " ".join(
        read_scan(write_nrrd(tmp_path / "a.nrrd", *GRID, 'space units: "cm" "cm" "cm"')).warnings
    )
    assert read_scan(write_nrrd(tmp_path / "a.nrrd", *GRID, 'space units: "mm" "mm" "mm"')).warnings == []
    image = sitk.GetImageFromArray(VOXELS.T.astype(np.uint8))
    sitk.WriteImage(image, str(tmp_path / "a.tif"))
    assert "slices of 1 mm were taken" in " ".join(read_scan(tmp_path / "a.tif").warnings)
    sitk.WriteImage(image, str(tmp_path / "a.mha"))
    content = (tmp_path / "a.mha").read_bytes().replace(b"ElementSpacing", b"ElementComment")
    (tmp_path / "a.mha").write_bytes(content)
    assert "does not state the size of its voxels" in " ".join(read_scan(tmp_path / "a.mha").warnings)


def test_what_is_missing_or_packed_otherwise_is_named(tmp_path):
    image = sitk.GetImageFromArray(VOXELS.T.astype(np.uint8))
    sitk.WriteImage(image, str(tmp_path / "a.mhd"))
    (tmp_path / "a.raw").unlink()
    assert "its data file a.raw is missing" in refusal(tmp_path / "a.mhd")
    sitk.WriteImage(image, str(tmp_path / "b.nrrd"))
    content = (tmp_path / "b.nrrd").read_bytes()
    (tmp_path / "b.nrrd").write_bytes(content[:-100])
    assert "damaged or cut short" in refusal(tmp_path / "b.nrrd")
    (tmp_path / "c.nrrd").write_bytes(content.replace(b"encoding: raw", b"encoding: bzip2"))
    assert 'packed as "bzip2"' in refusal(tmp_path / "c.nrrd")
    nibabel.save(nibabel.Nifti1Pair(VOXELS, affine()), tmp_path / "d.img")
    (tmp_path / "d.hdr").unlink()
    assert "its header file d.hdr is missing" in refusal(tmp_path / "d.img")


def test_what_follows_compressed_data_is_passed_over_as_gzip_does(tmp_path):
    nibabel.save(nibabel.Nifti1Image(VOXELS, affine()), tmp_path / "a.nii")
    content = (tmp_path / "a.nii").read_bytes()
    half = len(content) // 2
    for rest in (b"", b"\0" * 50, b"rubbish"):
        packed = gzip.compress(content[:half]) + gzip.compress(content[half:]) + rest
        (tmp_path / "b.nii.gz").write_bytes(packed)
        assert np.array_equal(sitk.GetArrayFromImage(read_volume(tmp_path / "b.nii.gz")), VOXELS.T)


def test_slightly_sheared_axes_of_any_format_are_said_with_their_error(tmp_path):
    large = np.zeros((20, 90, 100), np.uint8)
    image = sitk.GetImageFromArray(large)
    image.SetDirection([1, 3e-4, 0, 0, 1, 0, 0, 0, 1])
    for name in ("a.nrrd", "a.mha"):
        sitk.WriteImage(image, str(tmp_path / name))
        scan = read_scan(tmp_path / name)
        assert 0.005 < scan.facts["axes_error_mm"] < 0.03 and "slightly off right angles" in " ".join(scan.warnings)


@pytest.mark.parametrize("origin", [None, (20, 25, 10), (-3, 4, 5), (900, 1, 1)])
def test_the_origin_and_the_scale_of_spms_analyze_files_are_followed(tmp_path, origin):
    volume = nibabel.Spm99AnalyzeImage(VOXELS.astype(np.float32) * 1.5, None)
    volume.set_data_dtype(np.int16)
    volume.header.set_zooms((1.5, 2.0, 3.0))
    nibabel.save(volume, tmp_path / "a.img")
    for turning in tmp_path.glob("*.mat"):
        turning.unlink()
    if origin:
        content = bytearray((tmp_path / "a.hdr").read_bytes())
        struct.pack_into("<3h", content, 253, *origin)
        (tmp_path / "a.hdr").write_bytes(content)
    judge, image = nibabel.load(tmp_path / "a.img"), read_volume(tmp_path / "a.img")
    assert np.allclose(ras(image), judge.affine, atol=1e-4)
    assert np.allclose(sitk.GetArrayFromImage(image), judge.get_fdata().T, atol=1e-2)


def test_reading_leaves_the_locale_of_the_process_alone(tmp_path):
    import locale

    before = locale.setlocale(locale.LC_ALL)
    try:
        locale.setlocale(locale.LC_ALL, "C.UTF-8")
    except locale.Error:
        pytest.skip("this system has no locale of that name")
    try:
        spoken = locale.setlocale(locale.LC_ALL)
        image = sitk.GetImageFromArray(VOXELS.T.astype(np.uint8))
        sitk.WriteImage(image, str(tmp_path / "a.vtk"))
        locale.setlocale(locale.LC_ALL, "C.UTF-8")
        read_volume(tmp_path / "a.vtk")
        assert locale.setlocale(locale.LC_ALL) == spoken
    finally:
        locale.setlocale(locale.LC_ALL, before)
