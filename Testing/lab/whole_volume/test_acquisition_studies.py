"""The studies of what a scan really measured: made scans, zero-filled input, and which checkpoint suits which scan."""

import json
from dataclasses import replace

import pytest

from CHARMSSRLab.documents import acquisition_tables
from CHARMSSRLab.whole_volume import checkpoints_study, resolution_study, zero_filled_study
from CHARMSSRLab.whole_volume.samples import Sample
from CHARMSSRLab.whole_volume.study_of_volumes import Setup
from CHARMSSRLib.acquisition.findings import KINDS, UNKNOWN
from CHARMSSRLib.checkpoints.loading import load_checkpoint
from Testing.phantom import phantom_head_and_brain
from Testing.small_checkpoint import small_checkpoint


@pytest.fixture(scope="module")
def sample():
    image, mask = phantom_head_and_brain(size=(80, 88, 64), spacing=(2.2, 2.2, 2.2), bias=0.0, noise=2.0)
    return Sample("made", "made", "T1w", "val", image, mask)


@pytest.fixture
def interpolation(tmp_path):
    """A checkpoint that interpolates: (Checkpoint, Setup)."""
    path = small_checkpoint(tmp_path, "interpolation", seed=1, spread=0, card={"data_consistency_operator": "kspace"})
    return load_checkpoint(path), Setup(str(path), "cpu", slices=16)


def lines_of(maker, rows, folder):
    (folder / "study.json").write_text(json.dumps({"rows": rows}))
    return maker(folder / "study")


def test_the_plan_holds_every_kind_ratio_and_noise_once_in_an_order_of_the_volumes_own():
    plan = resolution_study.cases("one")
    assert len(plan) == len(set(plan)) == 3 * (5 * 6 + 1) and {kind for _, kind, _ in plan} == set(KINDS) - {UNKNOWN}
    assert sorted(plan) == sorted(resolution_study.cases("two")) and plan != resolution_study.cases("two")


def test_made_scans_are_read_whole_and_stripped_and_counted_by_kind(sample, interpolation, monkeypatch, tmp_path):
    monkeypatch.setattr(resolution_study, "cases", lambda seed: [(0.01, "nearest", 2.0), (0.01, "none", 1.0)])
    rows = [{"volume": "made", **row} for row in resolution_study.measure(sample, *interpolation)]
    assert [row["stripped"] for row in rows] == [False] * 2 + [True] * 2
    nearest = [row for row in rows if row["made"] == "nearest"]
    assert all(row["right"] and row["found"] == "nearest" and row["true"] == 0.5 for row in nearest)
    assert all(row["plain"] == (3 if row["made"] == "none" else 2) for row in rows)
    assert any(sentence.startswith("nearest: resolution within 5 % in 1 of 1 whole and 1 of 1 stripped") for sentence
               in resolution_study.verdict(rows))  # fmt: skip
    lines = lines_of(acquisition_tables.detection, rows, tmp_path)
    assert "| nearest | 1 of 1 | 1 of 1 | 2, 0, 0 of 2 |" in lines and "of 5 |" in lines[-1]


def test_zero_filled_input_is_scored_against_doing_nothing(sample, interpolation, tmp_path):
    (row,) = zero_filled_study.measure(sample, *interpolation)
    assert row["over_stated"] == row["auto"] - row["stated"] and row["over_nothing"] == row["auto"] - row["nothing"]
    assert row["stated"] == pytest.approx(row["nothing"], abs=1.0), "a network that interpolates adds nothing"
    assert len(zero_filled_study.verdict([{"volume": "made", **row}])) == 2
    (line,) = lines_of(acquisition_tables.zero_filled, [{"volume": "made", **row}], tmp_path)[2:]
    assert line.startswith(f"| made | {row['nothing']:.2f} | {row['stated']:.2f} |")


def test_every_checkpoint_of_the_scale_is_scored_on_every_degradation(sample, interpolation, monkeypatch, tmp_path):
    checkpoint, setup = interpolation
    monkeypatch.setattr(checkpoints_study, "available_checkpoints", lambda: [setup.checkpoint])
    setup = replace(setup, degradations=("kspace", "blur"))
    rows = checkpoints_study.measure(sample, checkpoint, setup)
    assert [row["degradation"] for row in rows] == ["kspace", "blur"] and all(row["psnr"] > 15 for row in rows)
    assert all("mm" in row["seen"] for row in rows)
    rows = [{"volume": "made", **row} for row in rows]
    assert checkpoints_study.verdict(rows)[0].endswith("0.00 dB below the best one on average, 0.00 dB at most.")
    lines = lines_of(acquisition_tables.checkpoints, rows, tmp_path)
    assert lines[-1] == f"| mean | {rows[0]['psnr']:.2f} | {rows[1]['psnr']:.2f} |"
