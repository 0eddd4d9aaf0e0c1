"""The page of the comparison says what the committed tables say."""

import pytest
from comparison_page import BLOCK, MISSING, PAGE, fill

from CHARMSSRLib.evaluation.compare import write_report
from CHARMSSRLib.evaluation.costs import ORIGINAL_EDSR


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


def filled(words, results, kind="table"):
    return fill(f"<!-- {kind}: {words} -->\nold\n<!-- end -->", results)


def test_the_page_is_up_to_date():
    text = PAGE.read_text(encoding="utf-8")
    assert fill(text) == text, "run: python Testing/benchmarks/comparison_page.py"
    assert len(BLOCK.findall(text)) == text.count("<!-- end -->") > 20


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
    assert "![Curves](../Resources/comparison/methods-x2/curves.png)" in filled(
        "methods-x2/curves.png Curves", results, "figure"
    )
