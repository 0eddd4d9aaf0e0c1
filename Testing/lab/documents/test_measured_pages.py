"""The pages that say what was measured say what the committed results say."""

import json

import pytest

from CHARMSSRLab.comparison.contest import write_report
from CHARMSSRLab.costs.costs import ORIGINAL_EDSR
from CHARMSSRLab.documents.measured_pages import BLOCK, MISSING, PAGES, fill
from CHARMSSRLab.whole_volume.study_of_volumes import MADE_UP

COMPARISON, WHOLE_VOLUMES, PLANES, WHOLE_HEADS, ACQUISITION = PAGES


def score(subject, method, psnr, contrast="T1w", degradation="bicubic", **more):
    labels = {"subject": subject, "contrast": contrast, "plane": "axial", "degradation": degradation, "scale": 2}
    return {**labels, "method": method, "brain_psnr": psnr, "slice_psnr": psnr + 7, **more}


def cost(method, parameters, milliseconds=None):
    return {"method": method, "parameters": parameters, "gmac": 1.0, "parameters_for_inference": parameters,
            "gmac_for_inference": 1.0, "milliseconds": milliseconds, "milliseconds_gpu": None,
            "remark": ""}  # fmt: skip


@pytest.fixture
def results(tmp_path):
    """Two studies: methods, where a network of 11 M is best, EDSR second, CHARMS third; and an ablation."""
    methods = {"Bicubic": 30.0, "bicubic": 30.0, "EDSR": 32.0, "W2AMSN-S": 33.0, "CHARMS": 31.9}
    rows = [score(f"ARC_{i}", method, psnr + i) for method, psnr in methods.items() for i in range(6)]
    costs = [cost("Bicubic", 0), cost("EDSR", 1_400_000, 10.0), cost("W2AMSN-S", 11_000_000, 50.0),
             cost("CHARMS", 1_700_000, 15.0), cost(ORIGINAL_EDSR, 40_000_000, 300.0)]  # fmt: skip
    ladder = {"Baseline": 31.0, "+ PCA": 31.2, "full (+ HFIR), without L_AR": 31.15}
    rungs = [score(f"ARC_{i}", method, psnr + i) for method, psnr in ladder.items() for i in range(6)]
    for name, own, table in (("methods-x2", rows, costs), ("ablation-x2", rungs, costs[:1])):
        (tmp_path / name).mkdir()
        write_report(tmp_path / name, name, f"How {name} was trained.", table, own)
    return tmp_path


def filled(words, results, kind="table", page=COMPARISON):
    return fill(f"<!-- {kind}: {words} -->\nold\n<!-- end -->", page, results)


@pytest.mark.parametrize(
    ("page", "blocks"), [(COMPARISON, 20), (WHOLE_VOLUMES, 10), (PLANES, 0), (WHOLE_HEADS, 4), (ACQUISITION, 2)]
)
def test_the_pages_are_up_to_date(page, blocks):
    text = page.file.read_text(encoding="utf-8")
    assert fill(text, page) == text, "run: python -m CHARMSSRLab.documents.measured_pages"
    assert len(BLOCK.findall(text)) == text.count("<!-- end -->") > blocks


def test_charms_is_ranked_among_the_small_networks(results):
    text = filled("ranking methods-x2 bicubic", results)
    assert "CHARMS is number 2 of 2 learned networks below 4 M parameters, 0.10 dB behind EDSR." in text


def test_scores_have_bicubic_once_and_the_protocol_is_the_reports(results):
    text = filled("scores methods-x2 bicubic", results)
    assert "old" not in text and text.count("icubic |") == 1 and "| EDSR | 34.50 ± 1.87 |" in text
    assert "How methods-x2 was trained." in filled("protocol methods-x2", results)


def test_means_have_a_line_for_every_method(results):
    text = filled("means methods-x2 bicubic", results)
    assert "| method | T1w: PSNR (dB) |" in text and "| W2AMSN-S | 35.50 |" in text and text.count("icubic |") == 1


def test_the_ladder_has_the_steps(results):
    text = filled("ladder ablation-x2 bicubic", results)
    assert "| Baseline | 33.50 |" in text and "| + PCA | 33.70, +0.20, p = 0.031 |" in text
    assert "| full (+ HFIR), without L_AR | 33.65, -0.05, p = 0.031 |" in text


def test_speed_and_background_are_in_words(results):
    assert "1.50 times as long as the EDSR of Table 2 and 0.050" in filled("speed methods-x2", results)
    assert "score 32.50 dB in the brain and 39.50 dB as whole slices" in filled(
        "background methods-x2 bicubic", results
    )


def test_what_is_missing_says_so(results):
    assert MISSING in filled("attention ablation-x2", results)
    assert MISSING in filled("scores methods-x4 bicubic", results)
    assert MISSING in filled("methods-x2/curves.png Curves", results, "figure")
    (results / "methods-x2" / "curves.png").touch()
    assert "![Curves](../../Resources/comparison/methods-x2/curves.png)" in filled(
        "methods-x2/curves.png Curves", results, "figure"
    )


def study(folder, name, rows, study_name=None):
    content = {"study": study_name or name, "checkpoint": "charms", "sha256": "0123456789abcdef", "rows": rows}
    (folder / f"{name}.json").write_text(json.dumps(content))


def lesion(what, kept, planes="acquisition", volume="A_T1w"):
    shares = {"kept": kept, "kept_by_cubic": 0.8, "kept_in_band": 0.9, "kept_projected": 0.96}
    more = {"kept_alone": kept - 0.01} if "sphere" in what else {}
    return {"volume": volume, "contrast": volume[-3:], "planes": planes, "lesion": f"1: {what}", **shares, **more}


def test_lesions_stand_by_kind_and_size_and_the_real_ones_first(tmp_path):
    spheres = [lesion(f"dark sphere, {size} mm", kept) for size, kept in ((4, 0.9), (4, 0.97), (10, 0.99))]
    even = {**lesion("spheres on even tissue, 4 mm", 1.1), "volume": MADE_UP}
    study(tmp_path, "lesions", [*spheres, even, lesion("stroke", 0.98, volume="B_T2w")])
    study(tmp_path, "more", [lesion("sclerosis, marked", 0.93, volume="C_T2w")], "lesions")
    lines = filled("lesions lesions more", tmp_path, page=WHOLE_VOLUMES).splitlines()
    shares = "1 of 1, 0.980 | 0 of 1, 0.800 | 0 of 1, 0.900 | 1 of 1, 0.960 |  |"
    assert lines[4] == f"| stroke, B T2w | acquisition | {shares}"
    assert [line.split(" | ")[0] for line in lines[5:8]] == [
        "| sclerosis, marked, C T2w", "| spheres pasted into T1w, 10 mm", "| spheres pasted into T1w, 4 mm",
    ]  # fmt: skip
    assert "| 1 of 2, 0.900 |" in lines[7] and lines[7].endswith("| 1 of 2, 0.890 |")
    assert not any(MADE_UP in line for line in lines)


def test_thick_slices_give_interpolation_and_gain(tmp_path):
    ways = {"cubic": 24.0, "cubic B-spline": 24.1, "three": 24.6, "acquisition + cubic": 24.2}
    rows = [
        {"volume": f"{name}_T1w", "thickness": 3.0, "way": way, "psnr": psnr + more}
        for way, psnr in ways.items()
        for name, more in (("A", 0), ("B", 1))
    ]
    study(tmp_path, "thick-slices", rows)
    text = filled("thick_slices thick-slices", tmp_path, page=WHOLE_VOLUMES)
    assert "| A T1w | 24.10 **+0.50** |" in text and "| B T1w | 25.10 **+0.50** |" in text
    assert "| mean | **+0.50** |" in text
    assert "+0.50 dB on average" in filled("verdict thick-slices", tmp_path, page=WHOLE_VOLUMES)
    assert "charms (SHA-256 0123456789ab...)" in filled("weights thick-slices", tmp_path, page=WHOLE_VOLUMES)
    assert MISSING in filled("planes planes", tmp_path, page=WHOLE_VOLUMES)


def test_maps_give_mean_least_and_most(tmp_path):
    rows = [
        {"planes": "three", "map": "detail", "spearman": value, "spearman_local": 1.0, "area": 0.5}
        for value in (0.2, 0.4)
    ]
    study(tmp_path, "maps", rows)
    assert "| three | detail | 0.30 (0.20 to 0.40) | 1.00 | 0.50 |" in filled("maps maps", tmp_path, page=WHOLE_VOLUMES)


def test_the_fusions_gain_has_a_line_for_every_input(tmp_path):
    for name, setup, volumes in (("planes", ("kspace", 0.0), "AB"), ("noisy", ("kspace", 0.03), "B")):
        rows = [
            {"volume": f"{volume}_T1w", "way": way, "psnr": psnr}
            for volume in volumes
            for way, psnr in (("planes fused, mean", 30.0), ("three", 30.5 + len(volumes)))
        ]
        content = {"study": "planes", "rows": rows, "setup": dict(zip(("coarse", "noise"), setup))}
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    text = filled("fusion planes noisy", tmp_path, page=PLANES)
    assert "| k-space truncated | +2.50 | +2.50 |" in text and "| k-space truncated, 3 % noise |  | +1.50 |" in text


def test_reformats_stand_beside_the_input(tmp_path):
    row = {"gradient_ratio_input": 1.1, "banding_ratio": 0.99, "gradient_ratio_output": 1.2}
    study(tmp_path, "banding", [{"way": "three", **row}])
    assert "| input | 1 | 1.10 |\n| three | 0.990 | 1.20 |" in filled("reformats banding", tmp_path, page=WHOLE_VOLUMES)
