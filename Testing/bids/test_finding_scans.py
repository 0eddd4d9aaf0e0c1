"""The scans of a dataset are found by their entities; what is left out is said."""

import json
import os
import tempfile
from pathlib import Path

import pytest

from CHARMSSRLib.bids.filters import Selection, read_filters
from CHARMSSRLib.bids.scans import find_scans
from CHARMSSRLib.errors import SettingsError


@pytest.fixture
def names(tmp_path):
    """Function: make empty files of these names in a dataset; returns what is found and what is said."""

    def find(*files, **selection):
        for file in files:
            path = tmp_path / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        scans, notes = find_scans(tmp_path, Selection(**selection))
        return [scan.path for scan in scans], notes

    return find


def test_only_anatomical_scans_of_the_raw_dataset_are_taken(names):
    found, notes = names(
        "sub-01/anat/sub-01_T1w.nii.gz",
        "sub-01/anat/sub-01_T1w.json",
        "sub-01/anat/sub-01_FLAIR.nii",
        "sub-01/anat/sub-01_T2starw.nii.gz",
        "sub-01/anat/sub-01_mod-T1w_defacemask.nii.gz",
        "sub-01/func/sub-01_task-rest_bold.nii.gz",
        "sub-02/ses-a/anat/sub-02_ses-a_run-1_T2w.nii.gz",
        "sub-02/ses-a/anat/sub-02_ses-a_run-2_T2w.nii.gz",
        "derivatives/x/sub-01/anat/sub-01_T1w.nii.gz",
        "sourcedata/sub-01/anat/sub-01_T1w.nii.gz",
    )
    assert found == [
        "sub-01/anat/sub-01_FLAIR.nii",
        "sub-01/anat/sub-01_T1w.nii.gz",
        "sub-02/ses-a/anat/sub-02_ses-a_run-1_T2w.nii.gz",
        "sub-02/ses-a/anat/sub-02_ses-a_run-2_T2w.nii.gz",
    ]
    assert [(note.message, note.refused) for note in notes] == [
        (
            "There are several runs of one scan (sub-02/ses-a/anat/sub-02_ses-a_run-1_T2w.nii.gz): "
            "each is enhanced by itself.",
            False,
        )
    ]


@pytest.mark.parametrize(
    "name, words",
    [
        ("sub-01_ce-gadolinium_T1w", "contrast agent"),
        ("sub-01_acq-postgd_T1w", "contrast agent"),
        ("sub-01_UNIT1", "MP2RAGE"),
        ("sub-01_inv-1_MP2RAGE", "MP2RAGE"),
        ("sub-01_acq-mp2rage_T1w", "MP2RAGE"),
        ("sub-01_part-phase_T1w", "no magnitude"),
        ("sub-01_space-MNI_desc-preproc_T1w", "derivative"),
        ("sub-02_T1w", "different subjects"),
        ("T1w", "no name of BIDS"),
        ("sub-01_run-2_t1w", "BIDS writes T1w.nii.gz"),
    ],
)
def test_what_is_not_taken_is_said_in_one_sentence(names, name, words):
    found, notes = names(f"sub-01/anat/{name}.nii.gz", "sub-01/anat/sub-01_T1w.nii.gz")
    assert found == ["sub-01/anat/sub-01_T1w.nii.gz"]
    (note,) = notes
    assert words in note.message and name in note.message and note.message.endswith(".") and "\n" not in note.message


def test_names_that_are_nearly_right_are_said_and_hidden_files_are_none(names):
    found, notes = names(
        "sub-01/anat/sub-01_T1w.nii.gz",
        "sub-01/anat/._sub-01_T1w.nii.gz",
        "sub-02/anat/sub-02_T1w.NII.GZ",
        "sub-03_old/anat/sub-03_T1w.nii.gz",
    )
    assert found == ["sub-01/anat/sub-01_T1w.nii.gz"]
    assert [note.message for note in notes] == [
        "sub-03_old is left out: a subject's folder is named sub- and letters or digits.",
        "sub-02/anat/sub-02_T1w.NII.GZ is left out: BIDS writes T1w.nii.gz at the end of its name.",
    ]


def test_empty_sessions_and_wrong_labels_are_said_and_others_go_on(names, tmp_path):
    (tmp_path / "sub-01" / "ses-2" / "func").mkdir(parents=True)
    found, notes = names("sub-01/ses-1/anat/sub-01_ses-1_T1w.nii.gz", subjects=("01", "99"), sessions=("1", "2", "7"))
    assert len(found) == 1
    said = {note.message: note.refused for note in notes}
    assert said == {
        "There is no subject sub-99 in the dataset; check the label.": True,
        "sub-01/ses-2/anat has no T1w or T2w or FLAIR scan.": False,
        "No chosen subject has a session ses-7; check the label.": True,
    }


@pytest.mark.skipif(os.name != "posix", reason="permissions are others here")
def test_a_subject_that_cannot_be_read_is_said_and_others_go_on():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        for subject in ("01", "02"):
            (Path(folder) / f"sub-{subject}" / "anat").mkdir(parents=True)
            (Path(folder) / f"sub-{subject}" / "anat" / f"sub-{subject}_T1w.nii.gz").touch()
        (Path(folder) / "sub-01").chmod(0)
        nobody = os.geteuid() == 0  # root reads everything
        if nobody:
            os.seteuid(65534)
        try:
            found, notes = find_scans(Path(folder), Selection())
        finally:
            if nobody:
                os.seteuid(0)
            (Path(folder) / "sub-01").chmod(0o755)
    (note,) = notes
    assert [scan.subject for scan in found] == ["02"] and note.refused
    assert note.message.endswith("sub-01 cannot be read: Permission denied; check its permissions.")


def test_a_filter_file_chooses_by_entities(names, tmp_path):
    file = tmp_path / "filter.json"
    t1w = {"datatype": "anat", "acquisition": ["mprage"], "run": 1, "reconstruction": None}
    file.write_text(json.dumps({"t1w": t1w, "bold": {"x": 1}}))
    found, _ = names(
        "sub-01/anat/sub-01_acq-mprage_run-01_T1w.nii.gz",
        "sub-01/anat/sub-01_acq-mprage_run-02_T1w.nii.gz",
        "sub-01/anat/sub-01_acq-mprage_rec-norm_run-01_T1w.nii.gz",
        "sub-01/anat/sub-01_run-01_T1w.nii.gz",
        "sub-01/anat/sub-01_T2w.nii.gz",
        filters=read_filters(file),
    )
    assert found == ["sub-01/anat/sub-01_T2w.nii.gz", "sub-01/anat/sub-01_acq-mprage_run-01_T1w.nii.gz"]
    file.write_text('{"t1w": {"session": "1"}}')
    assert not Selection(filters=read_filters(file)).accepts("T1w", {"sub": "01", "ses": "01"})
    file.write_text('{"t1w": {"session": "Query.ANY", "acquisition": ["a", "b"]}}')
    assert Selection(filters=read_filters(file)).accepts("T1w", {"sub": "01", "ses": "01", "acq": "b"})
    assert not Selection(filters=read_filters(file)).accepts("T1w", {"sub": "01", "acq": "b"})
    file.write_text('{"t1w": {"aquisition": "x"}}')
    with pytest.raises(SettingsError, match="unknown entity 'aquisition'"):
        read_filters(file)
