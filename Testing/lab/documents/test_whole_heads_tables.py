"""The tables of the page about whole heads, made of small results."""

import json

import pytest

from CHARMSSRLab.documents.measured_pages import PAGES, fill

PAGE = next(page for page in PAGES if page.file.stem == "whole-heads")


@pytest.fixture
def lines(tmp_path):
    """words -> lines of the table that a block of the page with these words holds; results lie in ``lines.folder``."""

    def made(words, start="|"):
        text = fill(f"<!-- table: {words} -->\n<!-- end -->", PAGE, tmp_path)
        return [line for line in text.splitlines() if line.startswith(start)]

    made.folder = tmp_path
    return made


def write(folder, name, study, rows, **setup):
    content = {"study": study, "checkpoint": "charms", "sha256": "0" * 64, "setup": setup, "rows": rows}
    (folder / f"{name}.json").write_text(json.dumps(content))


def heads(volume, more=0.0, ways=("cubic", "default", "0 %")):
    psnr = {"cubic": 25.0, "default": 26.0 + more, "0 %": 26.5 + more}
    share = {"cubic": None, "default": 65, "0 %": 0}
    return [
        {"volume": volume, "split": "val", "degradation": "kspace", "way": way, "denoise": share[way],
         "brain": psnr[way], "interior": psnr[way] + 1, "rim": psnr[way] - 2,
         "slab_brain": psnr[way], "slab_rim": 20.0, "quiet_brain": psnr[way] + 2, "quiet_rim": 21.0}
        for way in ways
    ]  # fmt: skip


def test_each_volume_has_its_gains_and_the_last_lines_are_mean_and_least(lines):
    slab_alone = {"volume": "A_T1w", "split": "val", "degradation": "kspace", "way": "100 %", "denoise": 100,
                  "slab_brain": 25.5, "slab_rim": 20.0, "quiet_brain": 28.0, "quiet_rim": 21.0}  # fmt: skip
    write(lines.folder, "whole-heads", "whole-heads", [*heads("A_T1w"), slab_alone, *heads("B_T2w", 1)])
    heading, _, first, second, mean, least = lines("whole_heads whole-heads kspace")
    assert heading.startswith("| volume | share | brain: cubic, 0 % / default | interior:")
    assert first == "| A T1w | 65 % | 25.00 +1.50 / +1.00 | 26.00 +1.50 / +1.00 | 23.00 +1.50 / +1.00 |"
    assert second.startswith("| B T2w | 65 % | 25.00 +2.50 / +2.00 |")
    assert mean.startswith("| mean |  | +2.00 / +1.50 |") and least.startswith("| least |  | +1.50 / +1.00 |")


def test_against_the_quiet_scan_stands_100_percent_too(lines):
    rows = heads("A_T1w")
    rows.append({**rows[1], "way": "100 %", "denoise": 100, "quiet_brain": 27.2})
    write(lines.folder, "whole-heads", "whole-heads", rows)
    line = lines("quiet_truth whole-heads kspace")[2]
    assert line.endswith("| 27.00 +1.50 / +1.00 / +0.20 | 21.00 +0.00 / +0.00 / +0.00 |")


def test_the_rims_that_miss_an_aim_are_named(lines):
    write(lines.folder, "whole-heads", "whole-heads", [*heads("A_T1w", 0.2), *heads("B_T2w", -0.25)])
    sentences = lines("rim_aim whole-heads 1.3", "- ")
    assert sentences == [
        "- 0 %: the rim gains at least 1.3 dB in 1 of 2; below are B T2w (kspace) +1.25.",
        "- default: the rim gains at least 1.3 dB in 0 of 2; below are A T1w (kspace) +1.20, B T2w (kspace) +0.75.",
    ]


def test_the_default_is_compared_with_0_percent(lines):
    rows = heads("A_T1w")
    rows[1]["quiet_brain"] += 1.0
    for row in rows:
        row["quiet_interior"] = 28.0
    write(lines.folder, "whole-heads", "whole-heads", rows)
    scan, quiet = lines("default_costs whole-heads", "- ")
    assert "against the fine scan: brain -0.50 dB (-0.50 to -0.50; better in 0 of 1)" in scan
    assert "brain +0.50 dB (+0.50 to +0.50; better in 1 of 1)" in quiet


def test_a_checkpoint_without_noise_control_has_no_shares(lines):
    write(lines.folder, "bicubic", "whole-heads", heads("A_T1w", ways=("cubic", "default")))
    heading, _, first, *_ = lines("whole_heads bicubic kspace")
    assert heading.startswith("| volume | brain: cubic, gain |") and first.startswith("| A T1w | 25.00 +1.00 |")


def test_natively_each_setting_stands_beside_the_others(lines):
    rows = [
        {"volume": "A_T1w", "split": "check", "way": way, "denoise": share, "snr": snr, "noise": 0.9, "edges": 1.0714,
         "focus": 0.5}
        for way, share, snr in (("default", 80, 1.4), ("0 %", 0, 0.8), ("100 %", 100, 2.0))
    ]  # fmt: skip
    write(lines.folder, "natively", "natively", rows)
    assert lines("natively natively")[2].startswith("| A T1w (check) | 80 % | 0.80 / 1.40 / 2.00 | 0.900 / ")
    assert "1.071 / 1.071" in lines("natively natively")[2]


def test_best_quality_is_the_difference_of_two_results(lines):
    write(lines.folder, "plain", "whole-heads", heads("A_T1w") + heads("B_T1w"))
    write(lines.folder, "best", "whole-heads", heads("A_T1w", 0.05) + heads("B_T1w", 0.15))
    found = lines("best plain best")
    assert found[2] == "| charms | 0 % | 2 | +0.100 (+0.050 to +0.150) | +0.100 (+0.050 to +0.150) |"


def test_lesions_and_spheres_have_a_column_for_every_share(lines):
    for share, kept in (("0", 1.01), ("100", 0.97)):
        stroke = {"volume": "A_T1w", "lesion": "1: stroke", "ml": 3.0, "contrast_true": -0.3, "kept": kept,
                  "denoise": int(share), "kept_by_cubic": 0.99}  # fmt: skip
        sphere = {"volume": "made up", "lesion": "spheres on even tissue, 4 mm", "noise": 0.02,
                  "denoise": int(share), "kept": kept, "least": 0.9, "kept_by_cubic": 0.77}  # fmt: skip
        write(lines.folder, f"lesions-{share}", "lesions", [sphere, stroke], denoise=share)
    assert lines("strokes lesions-0 lesions-100") == [
        "| volume | lesion | cubic | 0 % | 100 % |", "|---|---|---|---|---|",
        "| A T1w | stroke, 3.0 ml, contrast -0.30 | 0.990 | 1.010 | 0.970 |",
    ]  # fmt: skip
    assert lines("spheres lesions-0 lesions-100")[2] == (
        "| 4 mm, 2% noise | 0.77 | 1.01 (weakest 0.90) | 0.97 (weakest 0.90) |"
    )


def test_tissues_stand_interpolated_and_enhanced(lines):
    row = {"volume": "A_T1w", "denoise": 65}
    for name in ("grey", "white", "white_surface", "pial_surface"):
        row.update({f"{name}_cubic": 0.05, f"{name}_own": 0.01})
    write(lines.folder, "tissue", "tissue", [row])
    assert lines("tissue tissue")[2] == ("| A T1w | 65 % | 5.0% / 1.0% | 5.0% / 1.0% | 0.050 / 0.010 | 0.050 / 0.010 |")
