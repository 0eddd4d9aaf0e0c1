"""Rows of scores become tables that say what the rows say."""

import csv
import io

import pytest

from CHARMSSRLab.comparison import score_tables
from CHARMSSRLib.errors import OutputError


def row(subject, method, psnr, contrast="T1w", plane="axial", **more):
    labels = {"subject": subject, "contrast": contrast, "plane": plane, "method": method}
    return {**labels, "degradation": "bicubic", "scale": 2, "brain_psnr": psnr, **more}


ROWS = [row(f"s{i}", "bicubic", 30.0 + i) for i in range(6)] + [row(f"s{i}", "net", 31.0 + 1.1 * i) for i in range(6)]


def test_planes_of_a_subject_count_as_one_subject():
    rows = [row("a", "net", 30.0), row("a", "net", 34.0, plane="coronal"), row("b", "net", 40.0)]
    assert score_tables.subject_figures(rows, "brain_psnr") == {"a": 32.0, "b": 40.0}


def test_the_markdown_table_shows_mean_and_deviation_and_names_the_best():
    text = score_tables.markdown(ROWS)
    assert "## T1w x2, bicubic (6 subjects)" in text
    assert "| bicubic | 32.50 ± 1.87 |" in text
    assert "| net | 33.75 ± 2.06 |" in text
    assert "Best: net, before bicubic (p = 0.031)" in text


def test_contrasts_and_degradations_have_tables_of_their_own():
    other = [{**one, "contrast": "T2w", "degradation": "kspace"} for one in ROWS]
    text = score_tables.markdown(ROWS + other)
    assert "## T1w x2, bicubic" in text and "## T2w x2, kspace" in text


def test_the_runner_up_is_the_second_best_of_all_methods():
    rows = ROWS + [row(f"s{i}", "third", 29.0 + i) for i in range(6)]
    assert score_tables.best_against_runner_up(rows)[:2] == ("net", "bicubic")


def test_one_method_alone_has_no_test():
    assert score_tables.best_against_runner_up([row("a", "net", 30.0)]) is None


def test_gains_are_differences_per_subject():
    gains = score_tables.gain_over(ROWS, "net", "bicubic")
    assert gains[("T1w", "s0")] == pytest.approx(1.0) and gains[("T1w", "s5")] == pytest.approx(1.5)


def test_csv_keeps_every_row_and_leaves_missing_figures_empty():
    read = list(csv.DictReader(io.StringIO(score_tables.to_csv(ROWS))))
    assert len(read) == len(ROWS)
    assert float(read[6]["brain_psnr"]) == ROWS[6]["brain_psnr"] and read[6]["snr"] == ""


def test_a_table_is_written_in_the_format_of_its_ending(tmp_path):
    score_tables.write_tables(ROWS, [tmp_path / "scores.csv", tmp_path / "scores.md"], title="Scores")
    assert (tmp_path / "scores.csv").read_text(encoding="utf-8").startswith("subject,contrast")
    assert (tmp_path / "scores.md").read_text(encoding="utf-8").startswith("# Scores")
    assert {path.name for path in tmp_path.iterdir()} == {"scores.csv", "scores.md"}


def test_when_one_table_cannot_be_written_none_is(tmp_path):
    with pytest.raises(OutputError, match="missing"):
        score_tables.write_tables(ROWS, [tmp_path / "scores.csv", tmp_path / "missing" / "scores.md"])
    assert not list(tmp_path.iterdir())
