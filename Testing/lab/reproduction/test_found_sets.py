"""Recipes find subjects, contrasts and fields in folders with the public names, and say what is missing."""

import re

import pytest

from CHARMSSRLab.reproduction.hcp import find_hcp
from CHARMSSRLab.reproduction.ixi import find_ixi
from CHARMSSRLab.reproduction.layout import read_layout
from CHARMSSRLab.reproduction.paired import find_paired, pairs_of
from CHARMSSRLab.reproduction.split import some_subjects, split_subjects
from CHARMSSRLib.errors import InputError
from Testing.lab.reproduction.public_folders import bids_pairs, hcp_folder, ixi_folder, write

BOTH = ("T1w", "T2w")


def test_ixi_gives_subjects_contrasts_and_the_hospitals_field(tmp_path):
    found = find_ixi(ixi_folder(tmp_path), BOTH)
    assert found.subjects == ["IXI002", "IXI003", "IXI004", "IXI005"]
    fields = {scan.subject: scan.field for scan in found.scans}
    assert fields == {"IXI002": 1.5, "IXI003": 3.0, "IXI004": 1.5, "IXI005": 3.0}
    assert len(found.of("T2w")) == 4 and found.scans[0].size == (32, 36, 20)
    assert found.scans[0].spacing == (5.4, 6.0, 8.6)


def test_an_incomplete_ixi_subject_is_left_out_unless_its_contrast_is_not_wanted(tmp_path):
    ixi_folder(tmp_path)
    next(tmp_path.glob("IXI-T2/IXI003-*")).unlink()
    found = find_ixi(tmp_path, BOTH)
    assert found.left_out == [("IXI003", "no T2w scan")]
    assert "IXI003" not in found.subjects
    assert "IXI003" in find_ixi(tmp_path, ("T1w",)).subjects


def test_a_half_downloaded_file_takes_its_subject_out(tmp_path):
    ixi_folder(tmp_path, subjects=3, contrasts=("T1",))
    next(tmp_path.glob("IXI-T1/IXI004-*")).write_bytes(b"\x1f\x8b half")
    found = find_ixi(tmp_path, ("T1w",))
    assert [what for what, _ in found.left_out] == ["IXI004"]
    assert "damaged or was not downloaded completely" in found.left_out[0][1]


def test_a_wrong_folder_is_told_what_was_looked_for_and_what_it_holds(tmp_path):
    (tmp_path / "holiday").mkdir()
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError) as refusal:
        find_ixi(tmp_path, BOTH)
    message = str(refusal.value)
    assert "IXI002-Guys-0828-T1.nii.gz" in message and "holiday/, notes.txt" in message and "--layout" in message
    (tmp_path / "IXI-T1.tar").touch()
    with pytest.raises(InputError, match="Unpack IXI-T1.tar first"):
        find_ixi(tmp_path, BOTH)
    with pytest.raises(InputError, match="no folder"):
        find_hcp(tmp_path / "nothing", BOTH)


@pytest.mark.parametrize("preprocessed", [False, True])
def test_hcp_is_found_in_both_of_its_layouts(tmp_path, preprocessed):
    found = find_hcp(hcp_folder(tmp_path / "HCP1200", preprocessed=preprocessed), BOTH)
    assert found.subjects == ["HCP-100206", "HCP-100307", "HCP-100408"]
    assert {scan.field for scan in found.scans} == {3.0}
    assert ("pre-processed" in found.layout) == preprocessed


def test_of_two_hcp_layouts_one_serves_all_subjects(tmp_path):
    hcp_folder(tmp_path, preprocessed=True)
    hcp_folder(tmp_path, subjects=("100206",))
    found = find_hcp(tmp_path, BOTH)
    assert len(found.subjects) == 3 and "pre-processed" in found.layout
    assert any("unprocessed layout are there too (1 subjects)" in note for note in found.notes)


def test_hcp_takes_the_first_scan_and_passes_its_7t_folder_over(tmp_path):
    hcp_folder(tmp_path)
    write(tmp_path / "100206/unprocessed/3T/T1w_MPR2/100206_3T_T1w_MPR2.nii.gz")
    write(tmp_path / "100206/unprocessed/7T/T1w_MPR1/100206_3T_T1w_MPR1.nii.gz")
    paths = [scan.path for scan in find_hcp(tmp_path, ("T1w",)).scans if scan.subject == "HCP-100206"]
    assert [path.parent.name for path in paths] == ["T1w_MPR1"] and "7T" not in paths[0].parts


def test_a_single_subjects_folder_will_do_for_hcp(tmp_path):
    hcp_folder(tmp_path, subjects=("100206",), preprocessed=True)
    assert find_hcp(tmp_path / "100206", BOTH).subjects == ["HCP-100206"]


def test_sessions_tell_the_field_of_ptt2_where_nothing_else_does(tmp_path):
    found = find_paired("ptt2", bids_pairs(tmp_path / "Nifti", ending="_defaced"), BOTH)
    assert found.subjects == ["sub-01", "sub-02", "sub-03"] and len(found.scans) == 12
    assert any("ses-1 is taken for 3T" in note for note in found.notes)
    pair = pairs_of(found, "T2w")[1]
    assert (pair.subject, pair.contrast) == ("sub-02", "T2w")
    assert "ses-1" in str(pair.image_3t) and "ses-2" in str(pair.image_7t)


@pytest.mark.parametrize("sessions", [("ses-3T", "ses-7T"), ("ses-7t", "ses-3t")])
def test_names_of_sessions_tell_the_field(tmp_path, sessions):
    bids_pairs(tmp_path, sessions=sessions)
    found = find_paired("ptt1", tmp_path, BOTH)
    assert len(found.scans) == 12 and not any("ses-1" in note for note in found.notes)
    assert all("3t" in str(pair.image_3t).lower().rpartition("sub-")[0] for pair in pairs_of(found))


def test_sidecars_overrule_the_number_of_the_session(tmp_path):
    bids_pairs(tmp_path, sessions=("ses-2", "ses-1"), sidecars=True)
    found = find_paired("ptt1", tmp_path, ("T1w",))
    assert all("ses-2" in str(pair.image_3t) for pair in pairs_of(found))
    assert len(pairs_of(found)) == 3 and not found.left_out


def test_folders_by_field_and_contrast_will_do_too(tmp_path):
    for number in (1, 2):
        for tesla in (3, 7):
            write(tmp_path / f"{tesla}T_T1w" / f"t1_s{number:02d}.nii.gz", "T1w", number)
            write(tmp_path / f"{tesla}T" / "T2" / f"subject_{number:02d}.nii.gz", "T2w", number)
    found = find_paired("ptt1", tmp_path, BOTH)
    assert found.subjects == ["sub-01", "sub-02"] and len(found.scans) == 8
    assert {(scan.contrast, scan.field) for scan in found.scans} == {(c, f) for c in BOTH for f in (3, 7)}


def test_labels_other_sequences_and_copies_are_no_scans(tmp_path):
    bids_pairs(tmp_path / "Nifti", subjects=1, ending="_defaced")
    bids_pairs(tmp_path / "Aligned", subjects=1, ending="_defaced")
    anat = tmp_path / "Nifti/sub-01/ses-2/anat"
    for name in ("sub-01_ses-2_FLAIR", "sub-01_ses-2_T2starw", "sub-01_ses-2_T1w_mask", "sub-01_ses-2_T2w_dseg"):
        write(anat / f"{name}.nii.gz")
    write(tmp_path / "7T_T2w_0.7_for_subfield_delineation" / "t2_s01_0.7.nii")
    found = find_paired("ptt2", tmp_path, BOTH)
    assert len(found.scans) == 4
    assert all(re.search(r"Nifti/sub-01/ses-\d/anat/sub-01_ses-\d_T[12]w_defaced", str(s.path)) for s in found.scans)
    assert any("copies of scans are passed over" in note for note in found.notes)


def test_aligned_copies_serve_with_a_remark_where_nothing_else_is_there(tmp_path):
    found = find_paired("ptt2", bids_pairs(tmp_path / "Aligned", subjects=1), BOTH)
    assert len(found.scans) == 4 and any("aligned or processed before" in note for note in found.notes)


def test_a_pair_without_its_7t_is_left_out_alone(tmp_path):
    bids_pairs(tmp_path, sessions=("ses-3T", "ses-7T"))
    (tmp_path / "sub-02/ses-7T/anat/sub-02_ses-7T_T2w.nii.gz").unlink()
    found = find_paired("ptt1", tmp_path, BOTH)
    assert found.left_out == [("sub-02 T2w", "no 7T scan")]
    assert len(pairs_of(found, "T1w")) == 3 and len(pairs_of(found, "T2w")) == 2


def test_scans_of_one_field_only_are_refused_with_the_reason(tmp_path):
    bids_pairs(tmp_path, sessions=("ses-3T", "ses-other"))
    with pytest.raises(InputError, match="no 3T/7T pair .*no 7T scan"):
        find_paired("ptt1", tmp_path, BOTH)


def test_fields_that_look_swapped_are_remarked(tmp_path):
    bids_pairs(tmp_path, sessions=("ses-7T", "ses-3T"), contrasts=("T1w",))
    assert any("coarser than its 3T" in note for note in find_paired("ptt1", tmp_path, ("T1w",)).notes)


def test_a_layout_tells_where_scans_of_any_name_lie(tmp_path):
    rows = ["set,subject,contrast,field,path"]
    for tesla in (3, 7):
        write(tmp_path / f"{tesla}.nii.gz")
        rows.append(f"ptt2,anna,T1w,{tesla}T,{tesla}.nii.gz")
    rows.append("ixi,IXI900,T1w,,3.nii.gz")
    layout = tmp_path / "layout.csv"
    layout.write_text("\n".join(rows))
    sets = read_layout(layout, ("T1w",))
    assert set(sets) == {"ptt2", "ixi"} and pairs_of(sets["ptt2"])[0].subject == "anna"
    assert sets["ixi"].scans[0].field is None
    for wrong, reason in (("ptt2,a,T1w,5,3.nii.gz", "3 or 7"), ("adni,a,T1w,3,3.nii.gz", "no set 'adni'"),
                          ("ixi,a,PD,3,3.nii.gz", "contrast"), ("ixi,a,T1w,3,4.nii.gz", "no file")):  # fmt: skip
        layout.write_text(f"{rows[0]}\n{wrong}\n")
        with pytest.raises(InputError, match=f"line 2: .*{reason}"):
            read_layout(layout, ("T1w",))


def test_the_split_depends_on_the_subjects_and_the_seed_alone():
    subjects = [f"s{number:03d}" for number in range(100)]
    parts = split_subjects(subjects)
    counts = {part: list(parts.values()).count(part) for part in ("train", "val", "test")}
    assert counts == {"train": 70, "val": 20, "test": 10}
    assert split_subjects(reversed(subjects)) == parts != split_subjects(subjects, seed=1)
    assert sorted(split_subjects(["a", "b", "c"]).values()) == ["test", "train", "val"]
    with pytest.raises(InputError, match="at least three"):
        split_subjects(["a", "b"])
    assert len(some_subjects(subjects, 7)) == 7 and some_subjects(subjects, 7) == some_subjects(subjects[::-1], 7)
