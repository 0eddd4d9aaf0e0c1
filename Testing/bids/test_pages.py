"""Quality pages and the group's table: complete in themselves, warnings first, unusual scans marked."""

import base64
import csv
import io
import json
import re

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from CHARMSSRLib.bids import warm_worker
from CHARMSSRLib.bids.cohort_figures import FIGURES, outlier_bounds, percentile
from CHARMSSRLib.bids.file_names import RAW_ENTITIES
from CHARMSSRLib.bids.pictures import SLICES, _lps_view, scan_pictures
from CHARMSSRLib.cli import main
from Testing.bids.bids_dataset import add_scan, make_dataset
from Testing.bids.stand_in import StandInWorker


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Output folder of twelve scans, of which one has a far larger brain and one is refused, after both levels."""
    folder = tmp_path_factory.mktemp("cohort")
    dataset, output = make_dataset(folder / "dataset"), folder / "out"
    command = ["bids", str(dataset), str(output)]
    for number in range(3, 12):
        add_scan(dataset, f"sub-{number:02d}_T1w", number)
    add_scan(dataset, "sub-30_T1w", image=sitk.Image(40, 40, 20, sitk.sitkInt16))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warm_worker, "WarmWorker", StandInWorker)
        assert main([*command, "participant", "--skip-bids-validation", "--maps"]) == 3
    sidecar = output / "sub-05" / "anat" / "sub-05_res-x2_desc-charms_T1w.json"
    content = json.loads(sidecar.read_text(encoding="utf-8"))
    content["CHARMSSR"]["Report"]["skull_strip"]["volume_ml"] = 2900.0
    content["CHARMSSR"]["Report"]["warnings"] = ["The brain is <implausibly> large."]
    content["CHARMSSR"]["Report"]["notes"] = ["The pixels are interpolated."]
    sidecar.write_text(json.dumps(content))
    assert main([*command, "group"]) == 0
    return output


def table(output):
    return {
        row["scan"]: row
        for row in csv.DictReader(io.StringIO((output / "group.tsv").read_text(encoding="utf-8")), delimiter="\t")
    }


def test_pages_load_nothing_from_elsewhere_and_a_subjects_page_runs_no_script(cohort):
    pages = sorted(path.name for path in cohort.glob("*.html"))
    assert len(pages) == 13 and "group.html" in pages and "sub-05.html" in pages
    for page in pages:
        text = (cohort / page).read_text(encoding="utf-8")
        assert ("<script" in text) == (page == "group.html")
        assert "http:" not in text and "https:" not in text and "url(" not in text
        addresses = re.findall(r'(?:src|href)="([^"#]*)', text)
        assert [one for one in addresses if not one.startswith("data:image/") and not (cohort / one).exists()] == []


def test_warnings_and_unusual_figures_stand_first_and_are_safe(cohort):
    text = (cohort / "sub-05.html").read_text(encoding="utf-8")
    assert "&lt;implausibly&gt;" in text and "<implausibly>" not in text
    assert text.index("implausibly") < text.index("<section") and "Brain volume is unusual" in text
    assert text.index("<section") < text.index("The pixels are interpolated.")  # a note is no warning
    assert "No warnings." in (cohort / "sub-06.html").read_text(encoding="utf-8")
    assert "constant" in (cohort / "sub-30.html").read_text(encoding="utf-8")


def test_the_table_lists_every_scan_once_with_what_became_of_it(cohort):
    rows = table(cohort)
    assert (
        len(rows) == 13
        and rows["sub-05_T1w"]["outliers"] == "brain_volume_ml"
        and rows["sub-05_T1w"]["warnings"] == "1"
    )
    assert rows["sub-30_T1w"]["status"] == "refused" and "constant" in rows["sub-30_T1w"]["message"]
    described = json.loads((cohort / "group.json").read_text(encoding="utf-8"))
    assert set(rows["sub-05_T1w"]) == {"scan", *described}
    report = json.loads(
        (cohort / "sub-06" / "anat" / "sub-06_res-x2_desc-charms_T1w.json").read_text(encoding="utf-8")
    )["CHARMSSR"]
    after = report["Report"]["data_consistency"]["after"]
    assert float(rows["sub-06_T1w"]["data_consistency"]) == pytest.approx(after, rel=1e-5)


def test_pybids_reads_the_derivative_and_finds_results_by_their_entities(cohort):
    from bids import BIDSLayout  # pybids; where it is absent `bids` would be the folder of these tests

    found = BIDSLayout(cohort, validate=True, is_derivative=True, config=["bids", "derivatives"])
    assert "Subjects: 12" in repr(found)
    (image,) = found.get(subject="05", desc="charms", res="x2", suffix="T1w", extension=".nii.gz")
    metadata = image.get_metadata()
    assert metadata["SkullStripped"] is True and set(metadata["Resolution"]) == {"x2"}
    assert len(found.get(suffix="mask", desc="brain", extension=".nii.gz")) == 12
    both = BIDSLayout(cohort.parent / "dataset", derivatives=str(cohort))
    assert len(both.get(scope="raw", suffix="T1w", extension=".nii.gz")) == 13


def test_no_column_of_the_table_has_the_name_of_an_entity(cohort):
    columns = set(json.loads((cohort / "group.json").read_text(encoding="utf-8")))
    assert "participant_id" in columns and not columns & {*RAW_ENTITIES.values(), "res", "desc", "suffix", "datatype"}


def test_the_row_of_slices_shows_the_scan_around_the_mask_with_its_edge(phantom_head, phantom_brain):
    told = scan_pictures(phantom_head, phantom_head, phantom_brain, {})["row"]
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(told["picture"].partition(",")[2])))).astype(int)
    assert shown.shape == (told["height"], told["width"], 3) and told["width"] % SLICES == 0
    slices = np.split(shown, SLICES, axis=1)
    for one in slices[1:-1]:
        edge = (one[..., 0] - one[..., 2]) > 120
        assert 0.005 < edge.mean() < 0.2
        rows, columns = np.nonzero(edge)
        outside = np.ones(edge.shape, bool)
        outside[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = False
        assert one[outside].mean() > 5  # the head around the brain, which the result does not hold


def test_pages_lead_from_subject_to_subject(cohort):
    text = (cohort / "sub-05.html").read_text(encoding="utf-8")
    assert 'href="sub-04.html"' in text and 'href="sub-06.html"' in text
    assert 'rel="prev"' not in (cohort / "sub-01.html").read_text(encoding="utf-8")
    assert 'rel="next"' not in (cohort / "sub-30.html").read_text(encoding="utf-8")


def test_the_groups_page_marks_the_unusual_scan_and_links_to_it(cohort):
    text = (cohort / "group.html").read_text(encoding="utf-8")
    assert "12 subjects" in text and re.search(r'<a href="sub-05.html"><circle[^>]*><title>sub-05_T1w: 2900 ml', text)
    assert text.count("<svg") == sum(f"<b>{figure.title}" in text for figure in FIGURES) >= 4


def test_the_pictures_show_scan_and_result_of_the_same_place(phantom_head, phantom_brain):
    fine = sitk.Expand(phantom_head, (2, 2, 1), sitk.sitkBSpline)
    mask = sitk.Expand(phantom_brain, (2, 2, 1), sitk.sitkNearestNeighbor)
    told = scan_pictures(sitk.PermuteAxes(phantom_head, (2, 0, 1)), fine, mask, {"detail": fine})
    assert len(told["planes"]) == 3
    for picture in told["planes"].values():
        before, after, edge = (
            np.asarray(Image.open(io.BytesIO(base64.b64decode(picture[name].partition(",")[2]))).convert("L"), float)
            for name in ("before", "after", "edge")
        )
        assert before.shape == after.shape == edge.shape == (picture["height"], picture["width"])
        assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.98
        assert 0 < (edge > 0).mean() < 0.05


@pytest.mark.parametrize("order", ["LPS", "RAI", "PIR", "ASL", "SRP"])
def test_volumes_are_looked_at_in_the_order_in_which_the_mask_lies(order, phantom_head):
    turned = sitk.DICOMOrient(phantom_head, order)
    assert np.array_equal(_lps_view(turned), sitk.GetArrayViewFromImage(sitk.DICOMOrient(turned, "LPS")))


def test_percentiles_and_outliers():
    assert percentile(3, [1, 2, 3, 3, 4]) == 60
    assert outlier_bounds([1.0] * 7) is None and outlier_bounds([1.0] * 20) is None
    low, high = outlier_bounds([1, 2, 3, 4, 5, 6, 7, 8, 9])
    assert low == pytest.approx(5 - 3.5 * 2 / 0.6745) and high == pytest.approx(5 + 3.5 * 2 / 0.6745)


def test_the_group_level_wants_results(app, tmp_path):
    refused = app(level="group")
    assert refused.status == 2 and "run the participant level first" in refused.err and not (tmp_path / "out").exists()


def test_without_pages_there_are_none(app):
    output = app("--no-pages").output
    assert app("--no-pages", level="group").status == 0
    assert (output / "group.tsv").exists() and not list(output.rglob("*.html")) and not list(output.rglob("figures"))
