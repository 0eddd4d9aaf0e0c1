"""A study from training to its report, on generated slices."""

import csv
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from CHARMSSRLab.comparison import contest
from CHARMSSRLab.comparison.score_tables import gain_over
from CHARMSSRLab.comparison.studies import ABLATION, check_base, entries_of
from CHARMSSRLab.costs.speed import milliseconds_per_slice
from CHARMSSRLab.methods.registry import METHODS, build_method
from CHARMSSRLab.training.config import TrainingConfig
from CHARMSSRLab.training.prepared import PreparedVolume, save_prepared
from CHARMSSRLab.training.trainer import build_network
from CHARMSSRLib.errors import CheckpointError, SettingsError

CONFIG = TrainingConfig("study", steps=3, batch=1, patch=12, learning_rate=1e-3, validate_every=3, save_every=1)
LADDER = {
    "baseline": 1_459_457,
    "shuffle": 1_492_993,
    "pca": 1_690_625,
    "transformer": 1_720_208,
    "full-without-ar": 1_739_408,
    "full-with-ar": 1_739_408,
}


def waves(subject, split, phase):
    """A volume whose detail bicubic interpolation loses."""
    z, y, x = np.indices((16, 48, 48))
    mask = np.hypot(y - 24, x - 24) < 20
    pattern = np.sin(x / 1.6 + phase) * np.sin(y / 1.9) + 0.4 * np.sin((x + y + z) / 5)
    slices = np.where(mask, 500 + 200 * pattern, 0).astype(np.float32)
    inside = slices[mask]
    return PreparedVolume(
        slices, mask, float(inside.min()), float(inside.max()), float(np.percentile(inside, 99.9)),
        (1.0, 1.0, 1.0), subject, "T1w", split, "axial",
    )  # fmt: skip


@pytest.fixture(scope="module")
def volumes():
    return [waves("a", "train", 0.0), waves("b", "train", 1.0)], [waves("c", "val", 2.0), waves("d", "val", 3.0)]


def test_the_methods_study_holds_every_method_in_order():
    assert [entry.name for entry in entries_of("methods")] == list(METHODS)


def test_the_ladders_rungs_have_the_papers_parameter_counts():
    counts = {}
    for entry in ABLATION:
        network = build_network(entry.configure(CONFIG))
        counts[entry.name] = sum(parameter.numel() for parameter in network.parameters())
    assert counts == LADDER


@pytest.mark.parametrize("weight, regular", [(0.0, 0.005), (0.02, 0.02)])
def test_the_rungs_with_and_without_attention_regularisation_differ_in_that_alone(weight, regular):
    base = replace(CONFIG, ar_weight=weight)
    entries = entries_of("ablation", ["full-without-ar", "full-with-ar"])
    without, regularised = (entry.configure(base) for entry in entries)
    assert without.ar_weight == 0 and regularised.ar_weight == regular
    assert replace(without, name="any", ar_weight=1.0) == replace(regularised, name="any", ar_weight=1.0)
    charms = entries_of("methods", ["charms"])[0].configure(base)
    assert [one == charms for one in (without, regularised)] == [weight == 0, weight > 0]


def test_unknown_studies_and_entries_are_refused():
    with pytest.raises(SettingsError, match="ablation"):
        entries_of("everything")
    with pytest.raises(SettingsError, match="srcnn"):
        entries_of("methods", ["srgan"])


def test_a_configuration_that_names_its_own_method_is_refused():
    check_base(CONFIG)
    with pytest.raises(SettingsError, match="study sets both"):
        check_base(replace(CONFIG, method="edsr"))


def test_a_study_trains_scores_and_reports(volumes, tmp_path):
    training, scored = volumes
    entries = entries_of("methods", ["bicubic", "srcnn", "edsr"])
    longer = replace(CONFIG, steps=32, validate_every=32, save_every=32)
    contestants = contest.contest(entries, longer, training, scored[:1], tmp_path / "runs")
    rows = contest.score(contestants, scored, ["bicubic", "blur"], 2, central=6)
    gains = gain_over([row for row in rows if row["degradation"] == "bicubic"], "EDSR", "Bicubic")
    assert min(gains.values()) > 0.05
    costs = contest.costs(contestants, 2, timed=False)
    (tmp_path / "report").mkdir()
    protocol = contest.describe_protocol(longer, training, ["bicubic", "blur"], "val")
    contest.write_report(tmp_path / "report", "Study", protocol, costs, rows)
    report = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    assert "| EDSR | 1,367,553 (1,367,553) | 22.39 (22.39) |" in report
    assert "## T1w x2, blur (2 subjects)" in report and "32 steps of 1 patches" in report
    assert METHODS["srcnn"].remark in report
    with open(tmp_path / "report" / "scores.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 2 * 2 * 4


def test_a_finished_run_is_not_trained_again_and_its_weights_can_be_loaded(volumes, tmp_path):
    training, _ = volumes
    entries = entries_of("methods", ["vdsr", "charms"])
    first = contest.contest(entries, CONFIG, training, [], tmp_path / "runs")
    log = (tmp_path / "runs" / "vdsr" / "log.csv").read_text(encoding="utf-8")
    again = contest.contest(entries, CONFIG, training, [], tmp_path / "runs")
    assert (tmp_path / "runs" / "vdsr" / "log.csv").read_text(encoding="utf-8") == log
    loaded = contest.contest(entries, CONFIG, [], [], tmp_path / "nothing", weights=tmp_path / "runs")
    for one, other, third in zip(first, again, loaded):
        for key, value in one.network.state_dict().items():
            assert torch.equal(value, other.network.state_dict()[key])
            assert torch.equal(value, third.network.state_dict()[key])


def test_weights_of_another_network_are_refused(volumes, tmp_path):
    (tmp_path / "edsr.safetensors").write_bytes(b"no weights")
    with pytest.raises(CheckpointError, match="damaged"):
        contest.contest(entries_of("methods", ["edsr"]), CONFIG, [], [], tmp_path, weights=tmp_path)
    training, scored = volumes
    contest.contest(entries_of("methods", ["srcnn"]), CONFIG, training, [], tmp_path)
    (tmp_path / "srcnn.safetensors").rename(tmp_path / "edsr.safetensors")
    with pytest.raises(CheckpointError, match="another network"):
        contest.contest(entries_of("methods", ["edsr"]), CONFIG, [], [], tmp_path, weights=tmp_path)


def test_costs_name_both_edsrs_and_the_ratio_to_them():
    networks = {title: build_method(name, 2).eval() for name, title in (("edsr", "EDSR"), ("fmen", "FMEN"))}
    contestants = [contest.Contestant(title, "", network, "minmax") for title, network in networks.items()]
    rows = contest.costs(contestants, 2, timed=False)
    assert [row["method"] for row in rows] == ["EDSR", "FMEN", contest.ORIGINAL_EDSR]
    assert rows[1]["parameters"] == 3_793_125 and rows[1]["parameters_for_inference"] == 1_308_141
    for row, milliseconds in zip(rows, (100.0, 150.0, 3000.0)):
        row["milliseconds"] = milliseconds
    fmen = next(line for line in contest.cost_table(rows) if line.startswith("| FMEN"))
    assert fmen.endswith("| 150.0 | 1.5 | 0.05 |  |")


def test_a_network_that_does_more_takes_longer():
    small = torch.nn.Conv2d(1, 1, 3)
    large = torch.nn.Sequential(torch.nn.Conv2d(1, 64, 3), *[torch.nn.Conv2d(64, 64, 3) for _ in range(8)])
    times = milliseconds_per_slice({"large": large, "small": small}, 64, 64, rounds=3)
    assert times["large"] > times["small"] > 0


def test_figures_without_matplotlib_are_refused_before_anything_is_trained(tmp_path, monkeypatch, capsys):
    from CHARMSSRLab import cli as entry

    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    arguments = ["compare", tmp_path / "config.json", tmp_path, "--data", tmp_path, "--figures"]
    assert entry.main([str(one) for one in arguments]) == 2
    assert "charmssr[lab]" in capsys.readouterr().err


def test_the_command_writes_the_report(volumes, tmp_path, monkeypatch, capsys):
    from CHARMSSRLab import cli as entry

    for volume in (*volumes[0], *volumes[1]):
        save_prepared(volume, tmp_path / f"{volume.subject}.npz")
    (tmp_path / "config.json").write_text('{"name": "tiny", "steps": 1, "batch": 1, "patch": 12}')
    arguments = ["compare", tmp_path / "config.json", tmp_path, "--data", tmp_path, "--only", "bicubic", "srcnn"]
    arguments += ["--runs", tmp_path / "runs", "--no-timing", "--device", "cpu", "--figures"]
    assert entry.main([str(one) for one in arguments]) == 0
    for name in ("quality", "gains", "errors"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert not list(tmp_path.glob("*.partial"))
    assert "SRCNN" in (tmp_path / "report.md").read_text(encoding="utf-8")
    assert str(tmp_path / "report.md") in capsys.readouterr().out
