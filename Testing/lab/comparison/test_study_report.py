"""Studies that are not finished, their curves and their own figures."""

import csv
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from CHARMSSRLab import cli as command
from CHARMSSRLab.comparison import contest, depth_figure, training_curves
from CHARMSSRLab.comparison.studies import DEPTH, entries_of
from CHARMSSRLab.training.config import TrainingConfig
from CHARMSSRLab.training.prepared import save_prepared
from CHARMSSRLab.training.trainer import build_network, train
from CHARMSSRLib import CHARMS
from CHARMSSRLib.errors import SettingsError
from Testing.lab.comparison.test_comparison_study import waves

CONFIG = TrainingConfig("tiny", steps=2, batch=1, patch=12, validate_every=1, save_every=1)


@pytest.fixture(scope="module")
def volumes():
    return [waves("a", "train", 0.0)], [waves("b", "val", 2.0)]


@pytest.fixture(scope="module")
def runs(volumes, tmp_path_factory):
    """SRCNN is finished; EDSR was stopped; VDSR's run is another study's."""
    folder = tmp_path_factory.mktemp("runs")
    contest.contest(entries_of("methods", ["srcnn"]), CONFIG, *volumes, folder)
    (edsr, vdsr) = (entries_of("methods", [name])[0].configure(CONFIG) for name in ("edsr", "vdsr"))
    stops = iter([True])
    with pytest.raises(Exception, match="stopped"):
        train(edsr, *volumes, folder / "edsr", is_cancelled=lambda: next(stops))
    other = replace(vdsr, steps=1)
    save_file(train(other, *volumes, folder / "vdsr").network.state_dict(), folder / "vdsr.safetensors")
    return folder


def test_without_training_only_finished_networks_of_this_study_are_kept(runs):
    entries = entries_of("methods", ["bicubic", "srcnn", "vdsr", "edsr"])
    contestants = contest.contest(entries, CONFIG, [], [], runs, skip_missing=True)
    assert [one.title for one in contestants] == ["Bicubic", "SRCNN"]


def test_without_training_and_without_a_finished_network_nothing_is_scored(runs, tmp_path):
    for folder, names in ((runs, ["bicubic", "edsr"]), (tmp_path, ["srcnn"])):
        with pytest.raises(SettingsError, match="train one first"):
            contest.contest(entries_of("methods", names), CONFIG, [], [], folder, skip_missing=True)


def test_the_command_names_what_is_missing_and_keeps_the_curves(runs, volumes, tmp_path, monkeypatch):
    for volume in (*volumes[0], *volumes[1]):
        save_prepared(volume, tmp_path / f"{volume.subject}.npz")
    (tmp_path / "config.json").write_text('{"name": "tiny", "steps": 2, "batch": 1, "patch": 12}')
    arguments = ["compare", tmp_path / "config.json", tmp_path, "--data", tmp_path, "--only", "srcnn", "edsr",
                 "--runs", runs, "--no-timing", "--device", "cpu", "--figures", "--skip-missing",
                 "--slices", 4]  # fmt: skip
    assert command.main([str(one) for one in arguments]) == 0
    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "--study methods --only srcnn edsr --split val --slices 4 --skip-missing --figures --no-timing`" in report
    assert "Not trained yet, and left out: EDSR." in report and "central 4 slices" in report
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    with open(tmp_path / "curves.csv", newline="") as file:
        assert [(row["network"], row["step"]) for row in csv.DictReader(file)] == [("SRCNN", "1"), ("SRCNN", "2")]


def test_as_published_differs_in_the_skip_alone_and_shares_charms():
    published = {entry.method: entry for entry in entries_of("methods-as-published")}
    assert published["charms"] == entries_of("methods", ["charms"])[0]
    network = build_network(published["srcnn"].configure(CONFIG))
    image = torch.rand(1, 1, 12, 12)
    assert not network.image_skip and not torch.equal(network(image), build_network(
        entries_of("methods", ["srcnn"])[0].configure(CONFIG))(image))  # fmt: skip
    protocol = contest.describe_protocol(CONFIG, [], ["bicubic"], "val", as_published=True)
    assert "the others are as published" in protocol


def test_charms_itself_is_one_run_of_all_studies():
    same = [("methods", "charms"), ("ablation", "full-with-ar"), ("depth", "depth-4x4"), ("stacking", "transformers-1")]
    assert len({str(entries_of(study, [name])[0].configure(CONFIG)) for study, name in same}) == 1
    studies = ("ablation", "depth", "stacking")
    others = [entry.configure(CONFIG).name for study in studies for entry in entries_of(study)]
    assert len(others) == 18 and others.count("tiny-charms") == 3 and len(set(others)) == 16


def test_depth_lines_cross_at_the_chosen_depth(tmp_path):
    labels = {"subject": "s", "contrast": "T1w"}
    depths = [(one.title, one.arguments["blocks"], one.arguments["units"]) for one in DEPTH]
    rows = [{**labels, "method": title, "brain_psnr": 10 * blocks + units} for title, blocks, units in depths]
    lines = depth_figure.depth_means(rows, "T1w")
    assert lines["blocks"] == [(n, 10 * n + 4) for n in (2, 3, 4, 5, 6)]
    assert lines["units"] == [(n, 40 + n) for n in (2, 3, 4, 5, 6)]
    depth_figure.draw_depth(rows, tmp_path / "depth.png")
    assert (tmp_path / "depth.png").is_file()
    assert depth_figure.depth_means(rows[:1], "T1w") == {"blocks": [(2, 24)], "units": []}


def test_the_ablations_report_compares_the_maps(volumes, tmp_path):
    from CHARMSSRLab.comparison.study_report import WITHOUT_AND_WITH, StudyOutcome, report_study

    contestants = [contest.Contestant(title, "", CHARMS(2, blocks=1, units=2).eval(), "minmax")
                   for title in WITHOUT_AND_WITH]  # fmt: skip
    rows = contest.score(contestants, volumes[1], ["bicubic"], 2, central=2)
    costs = contest.costs(contestants, 2, timed=False)
    outcome = StudyOutcome(
        "ablation", entries_of("ablation"), CONFIG, "Protocol.", contestants, costs, rows, volumes[1]
    )
    report_study(outcome, tmp_path, tmp_path, drawn=True)
    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "## Attention maps with and without L_AR" in report and "left out: Baseline" in report
    assert (tmp_path / "attention.png").is_file() and (tmp_path / "attention.csv").is_file()
    assert not (tmp_path / "curves.csv").exists()


def test_curves_without_logs_are_empty(tmp_path):
    assert training_curves.curves_of(entries_of("methods"), CONFIG, tmp_path) == {}
