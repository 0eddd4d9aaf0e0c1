"""Outputs appear complete and under their final name, or not at all."""

import errno
import itertools
import json
import os
import subprocess
import sys

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib.errors import OutputError
from CHARMSSRLib.files import volume_writer
from CHARMSSRLib.files.output_files import OutputFiles
from CHARMSSRLib.files.volume_writer import add_volume, check_writable, write_volume
from CHARMSSRLib.files.volumes import read_volume

EXTENSIONS = ("nii.gz", "nii", "nrrd", "mha")


@pytest.fixture
def image():
    return random_image((1, 0, 0, 0, 1, 0, 0, 0, 1))


def random_image(direction, dtype=np.float32, size=(7, 6, 5)):
    volume = sitk.GetImageFromArray((1000 * np.random.default_rng(2).random(size[::-1])).astype(dtype))
    volume.SetSpacing((0.5, 0.45, 3.3))
    volume.SetOrigin((-101.25, 37.6, 12.125))
    volume.SetDirection([float(number) for number in np.ravel(direction)])
    return volume


def signed_permutations():
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((-1, 1), repeat=3):
            matrix = np.zeros((3, 3))
            matrix[order, range(3)] = signs
            yield matrix


def rotations(count=12):
    random = np.random.default_rng(5)
    for _ in range(count):
        yield np.linalg.qr(random.normal(size=(3, 3)))[0]


def assert_same(first, second):
    assert np.array_equal(sitk.GetArrayViewFromImage(first), sitk.GetArrayViewFromImage(second))
    assert first.GetPixelID() == second.GetPixelID()
    for quantity in ("GetSpacing", "GetDirection"):
        assert np.allclose(getattr(first, quantity)(), getattr(second, quantity)(), atol=1e-6)
    assert np.allclose(first.GetOrigin(), second.GetOrigin(), atol=1e-4)


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_what_is_written_is_read_back(tmp_path, extension):
    path = tmp_path / f"a.{extension}"
    for direction in (np.eye(3), next(rotations(1))):
        volume = random_image(direction)
        write_volume(volume, path, overwrite=True)
        assert_same(read_volume(path), volume)
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "uint32", "float32", "float64"])
@pytest.mark.parametrize("extension", EXTENSIONS)
def test_integer_and_float_volumes_keep_their_type(tmp_path, extension, dtype):
    volume = random_image(np.eye(3), dtype)
    write_volume(volume, tmp_path / f"a.{extension}")
    assert_same(read_volume(tmp_path / f"a.{extension}"), volume)


def test_sform_and_qform_state_the_geometry_in_every_orientation(tmp_path):
    path = tmp_path / "a.nii"
    for direction in itertools.chain(signed_permutations(), rotations()):
        volume = random_image(direction)
        write_volume(volume, path, overwrite=True)
        header = nibabel.load(path).header
        true = np.diag([-1.0, -1.0, 1.0]) @ np.reshape(volume.GetDirection(), (3, 3)) * volume.GetSpacing()
        for form in (header.get_sform(), header.get_qform()):
            assert np.allclose(form[:3, :3], true, atol=2e-6)
            assert np.allclose(form[:3, 3], [101.25, -37.6, 12.125], atol=1e-4)
        assert int(header["sform_code"]) == int(header["qform_code"]) == 1
        assert header.get_xyzt_units()[0] == "mm"
        assert_same(sitk.ReadImage(str(path)), volume)


def test_equal_volumes_give_equal_files(tmp_path, image):
    write_volume(image, tmp_path / "a.nii.gz")
    write_volume(image, tmp_path / "b.nii.gz")
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_an_existing_file_is_replaced_only_on_request(tmp_path, image):
    path = tmp_path / "a.nii.gz"
    path.write_text("precious")
    with pytest.raises(OutputError, match="exists already"):
        write_volume(image, path)
    assert path.read_text(encoding="utf-8") == "precious"
    write_volume(image, path, overwrite=True)
    assert_same(read_volume(path), image)


@pytest.mark.parametrize("name", ["a.jpg", "a", "a.gz", ".nii.gz", "a.hdr", "a.mhd", "a.nii.gz.txt"])
def test_other_extensions_are_refused_with_the_possible_ones(tmp_path, image, name):
    with pytest.raises(OutputError, match=r"\.nii\.gz, \.nii, \.nrrd, \.mha"):
        write_volume(image, tmp_path / name)
    assert os.listdir(tmp_path) == []


def test_folders_that_cannot_be_written_are_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="no folder"):
        check_writable(tmp_path / "missing" / "a.nii.gz")
    with pytest.raises(OutputError, match="no folder"):
        check_writable(tmp_path / "file" / "a.nii.gz")
    (tmp_path / "a.nii.gz").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        check_writable(tmp_path / "a.nii.gz", overwrite=True)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc, where nobody can create files")
def test_a_read_only_file_system_is_refused():
    with pytest.raises(OutputError, match="cannot be written"):
        check_writable("/proc/a.nii.gz")


def test_checking_leaves_nothing_behind(tmp_path):
    check_writable(tmp_path / "a.nii.gz")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_a_full_disk_is_reported_and_leaves_nothing(tmp_path, extension):
    """The limit on the size of files stands for a disk that fills up in the middle of a write."""
    pytest.importorskip("resource")
    program = f"""
import resource, sys
import numpy as np, SimpleITK as sitk
from CHARMSSRLib.errors import OutputError
from CHARMSSRLib.files.volume_writer import write_volume
image = sitk.GetImageFromArray(np.random.default_rng(0).random((40, 40, 40)).astype("float32"))
resource.setrlimit(resource.RLIMIT_FSIZE, (60000, 60000))
try:
    write_volume(image, {str(tmp_path / "a")!r} + ".{extension}")
except OutputError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0 and done.stderr == ""
    assert "could not be written" in done.stdout and "full" in done.stdout
    assert os.listdir(tmp_path) == []


def fail_with(number):
    def fail(*arguments, **options):
        raise OSError(number, os.strerror(number))

    return fail


def test_no_space_left_names_the_full_disk(tmp_path, image, monkeypatch):
    monkeypatch.setattr(volume_writer, "write_nifti", fail_with(errno.ENOSPC))
    with pytest.raises(OutputError, match="the disk .* is full"):
        write_volume(image, tmp_path / "a.nii.gz")
    assert os.listdir(tmp_path) == []


def test_several_files_appear_together(tmp_path, image):
    with OutputFiles() as files:
        files.add_folder(tmp_path / "maps")
        add_volume(files, image, tmp_path / "maps" / "detail.nii.gz")
        files.add_json(
            {"figure": np.float32(0.5), "bad": float("nan"), "list": (np.int64(1), tmp_path)}, tmp_path / "r.json"
        )
        add_volume(files, image, tmp_path / "a.nii.gz")
        assert not any(path.name in ("a.nii.gz", "r.json", "detail.nii.gz") for path in tmp_path.rglob("*"))
        files.commit()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.nii.gz", "detail.nii.gz", "maps", "r.json"]
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8")) == {
        "figure": 0.5,
        "bad": None,
        "list": [1, str(tmp_path)],
    }


def test_if_one_file_fails_none_appears(tmp_path, image, monkeypatch):
    with pytest.raises(OutputError), OutputFiles() as files:
        files.add_folder(tmp_path / "maps")
        add_volume(files, image, tmp_path / "maps" / "detail.nii.gz")
        monkeypatch.setattr(volume_writer, "write_nifti", fail_with(errno.ENOSPC))
        add_volume(files, image, tmp_path / "a.nii.gz")
    assert os.listdir(tmp_path) == []


def test_if_renaming_fails_none_appears(tmp_path, image):
    with pytest.raises(OutputError, match="exists already"), OutputFiles() as files:
        add_volume(files, image, tmp_path / "a.nii.gz")
        add_volume(files, image, tmp_path / "b.nii.gz")
        (tmp_path / "b.nii.gz").write_text("somebody else was faster")
        files.commit()
    assert os.listdir(tmp_path) == ["b.nii.gz"]
    assert (tmp_path / "b.nii.gz").read_text(encoding="utf-8") == "somebody else was faster"


def test_an_interruption_before_the_commit_leaves_nothing(tmp_path, image):
    with pytest.raises(KeyboardInterrupt), OutputFiles() as files:
        add_volume(files, image, tmp_path / "a.nrrd")
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []
