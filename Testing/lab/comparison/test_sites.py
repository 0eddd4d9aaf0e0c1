"""Gains by site and degradation say what the rows say."""

import pytest

from CHARMSSRLab.comparison import sites

GAINS = {  # (subject, degradation): gain of two planes' mean
    ("ds002748_sub-04", "bicubic"): 2.0,
    ("ds002748_sub-08", "bicubic"): 3.0,
    ("ARC_M2304", "bicubic"): 1.0,
    ("ds002748_sub-04", "blur"): 4.0,
    ("ds002748_sub-08", "blur"): -0.5,
    ("ARC_M2304", "blur"): 0.0,
}


def rows():
    result = []
    for (subject, degradation), gain in GAINS.items():
        for plane, offset in (("axial", -0.25), ("sagittal", 0.25)):
            labels = {"subject": subject, "contrast": "T1w", "plane": plane, "degradation": degradation}
            result += [{**labels, "method": "bicubic", "brain_psnr": 30.0},
                       {**labels, "method": "net", "brain_psnr": f"{30.0 + gain + offset:.6f}"},
                       {**labels, "method": "reference", "brain_psnr": ""}]  # fmt: skip
    return result


def test_gains_are_means_over_planes():
    found = sites.gains(rows(), "net")
    assert found == {(subject, "T1w", kind): pytest.approx(gain) for (subject, kind), gain in GAINS.items()}


def test_the_verdict_has_the_spreads_and_the_worst_subject():
    found = sites.verdict(sites.gains(rows(), "net"))
    assert found["sites"] == pytest.approx(8.5 / 4 - 0.5)
    assert found["degradations"] == pytest.approx(2.0 - 3.5 / 3)
    assert found["cells"] == pytest.approx(2.5)
    assert found["least"] == pytest.approx(-0.5) and found["least_of"] == ("ds002748_sub-08", "T1w", "blur")


def test_the_section_has_a_line_per_site():
    text = "\n".join(sites.site_section(rows(), "net"))
    assert "| OpenNeuro ds002748 | T1w | 2 | +2.50 (+2.00) | +1.75 (-0.50) |" in text
    assert "| Aphasia Recovery Cohort ds004884 | T1w | 1 | +1.00 (+1.00) | +0.00 (+0.00) |" in text
    assert "| all sites | T1w | 3 | +2.00 (+1.00) | +1.17 (-0.50) |" in text
    assert "Least gain of a subject: -0.50 dB (ds002748_sub-08 T1w, blur)" in text
