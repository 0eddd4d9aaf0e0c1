"""The results under Resources are those of the commands that are said to make them."""

import json
from pathlib import Path

import pytest

from CHARMSSRLab.cli import build_parser
from CHARMSSRLab.documents import remeasure
from CHARMSSRLab.documents.remeasure import MEASUREMENTS, RESOURCES, Measurement
from CHARMSSRLab.whole_volume.registry import load_study
from CHARMSSRLab.whole_volume.study_of_volumes import MADE_UP

STUDIES = {kept: one for one in MEASUREMENTS if not one.of_slices for kept in one.kept.values()}


def parsed(one):
    return build_parser().parse_args(one.command("DATA", Path("FOLDER")))


@pytest.mark.parametrize("file", sorted(RESOURCES.glob("whole-volumes/*.json")), ids=lambda path: path.stem)
def test_a_result_was_measured_with_the_options_of_its_command(file):
    one, content = STUDIES[f"whole-volumes/{file.name}"], json.loads(file.read_text(encoding="utf-8"))
    options, setup = parsed(one), content["setup"]
    assert (content["study"], content["checkpoint"]) == (options.study, options.checkpoint)
    assert (setup["box"], setup["noise"], setup["coarse"]) == (options.box, options.noise, options.coarse)
    named = {"slices": options.slices, "denoise": options.denoise, "quality": options.quality}
    assert {key: setup.get(key, value) for key, value in named.items()} == named
    assert tuple(setup.get("degradations", ())) == tuple(options.degradation or ())
    assert tuple(setup["planes"]) == tuple(options.planes or load_study(options.study).planes)
    splits = {row["split"] for row in content["rows"] if "split" in row}
    assert splits == set(options.split.split(","))
    volumes = {row["volume"] for row in content["rows"]} - {MADE_UP}
    of = {volume: [one for one in options.subject if volume.startswith(one)] for volume in volumes}
    assert all(of.values()) or not options.subject
    assert {one for found in of.values() for one in found} == set(options.subject)


def test_every_command_is_one_and_its_results_are_there():
    for one in MEASUREMENTS:
        assert parsed(one).checkpoint == one.checkpoint
        missing = [kept for kept in one.kept.values() if not (RESOURCES / kept).is_file()]
        assert not missing, f"{one.name} of {one.checkpoint} was not measured: {missing}"
    names = [(one.checkpoint, one.name) for one in MEASUREMENTS]
    assert len(set(names)) == len(names)


def test_what_a_command_wrote_replaces_the_result(tmp_path, monkeypatch):
    def evaluate(command, cwd, check):
        folder = Path(command[command.index("--output") + 1])
        (folder / "noise.json").write_text("new")

    monkeypatch.setattr(remeasure, "RESOURCES", tmp_path / "Resources")
    monkeypatch.setattr(remeasure.subprocess, "run", evaluate)
    (tmp_path / "Resources").mkdir()
    (tmp_path / "Resources" / "kept.json").write_text("old")
    one = Measurement("noise", "charms", "--study noise", {"noise.json": "kept.json"})
    remeasure.measure(one, "DATA", tmp_path / "work" / "noise")
    assert (tmp_path / "Resources" / "kept.json").read_text(encoding="utf-8") == "new"
