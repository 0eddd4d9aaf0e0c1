"""The scans of a dataset are found by their entities; what is left out is said."""

import json

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
    assert not notes


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
    ],
)
def test_what_is_not_taken_is_said_in_one_sentence(names, name, words):
    found, notes = names(f"sub-01/anat/{name}.nii.gz", "sub-01/anat/sub-01_T1w.nii.gz")
    assert found == ["sub-01/anat/sub-01_T1w.nii.gz"]
    (note,) = notes
    assert words in note.message and name in note.message and note.message.endswith(".") and "\n" not in note.message


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
    file.write_text('{"t1w": {"aquisition": "x"}}')
    with pytest.raises(SettingsError, match="unknown entity 'aquisition'"):
        read_filters(file)
