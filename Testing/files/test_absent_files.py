"""A folder of which some files are not there is refused for that reason, or says so."""

import os

import pytest

from CHARMSSRLib.cli.cohort import find_members
from CHARMSSRLib.errors import InputError
from CHARMSSRLib.files.volumes import read_scan
from Testing.files.dicom_files import write_slices


def refusal(path):
    with pytest.raises(InputError) as caught:
        read_scan(path)
    return str(caught.value)


def annex_link(path):
    path.symlink_to("../.git/annex/objects/x1/SHA256E-s9--a.dcm/SHA256E-s9--a.dcm")


def annex_pointer(path):
    path.write_text("/annex/objects/SHA256E-s9--a.dcm\n")


def lfs_pointer(path):
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:9\nsize 9\n")


def dangling_link(path):
    path.symlink_to("elsewhere.dcm")


def empty(path):
    path.write_bytes(b"")


KINDS = [
    (annex_link, "link of git-annex"), (annex_pointer, "pointer of git-annex"), (lfs_pointer, "git lfs pull"),
    (dangling_link, "link to elsewhere.dcm, which does not exist"), (empty, "is empty"),
]  # fmt: skip


@pytest.mark.parametrize("make, words", KINDS)
def test_a_slice_that_is_not_there_is_named_instead_of_the_gap(tmp_path, make, words):
    write_slices(tmp_path / "s")
    lost = tmp_path / "s" / "IM063_0.dcm"  # the ninth slice
    lost.unlink()
    make(lost)
    assert words in refusal(tmp_path / "s") and lost.name in refusal(tmp_path / "s")


@pytest.mark.parametrize("make, words", KINDS)
def test_a_last_slice_that_is_not_there_is_said(tmp_path, make, words):
    write_slices(tmp_path / "s")
    lost = tmp_path / "s" / "IM000_0.dcm"
    lost.unlink()
    make(lost)
    scan = read_scan(tmp_path / "s")
    assert scan.image.GetSize()[2] == 17 and words in " ".join(scan.warnings)


@pytest.mark.parametrize("make, words", KINDS)
def test_a_folder_of_such_files_alone_says_how_many(tmp_path, make, words):
    (tmp_path / "s").mkdir()
    for number in range(3):
        make(tmp_path / "s" / f"IM{number}.dcm")
    assert "3 files of the folder s are not there" in refusal(tmp_path / "s") and words in refusal(tmp_path / "s")
    with pytest.raises(InputError, match="3 files of the folder s"):
        find_members(tmp_path / "s", tmp_path / "out")


def test_a_slice_that_was_cut_short_is_damaged_wherever_it_lies(tmp_path):
    write_slices(tmp_path / "s")
    cut = tmp_path / "s" / "IM000_0.dcm"
    cut.write_bytes(cut.read_bytes()[:700])
    assert "IM000_0.dcm is damaged" in refusal(tmp_path / "s")


def test_links_that_lead_back_to_themselves_are_named(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert "leads back to itself" in refusal(tmp_path / "a")
    assert not os.path.exists(tmp_path / "a")
