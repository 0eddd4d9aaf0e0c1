"""What labs run the App with: Snakemake, a Slurm array, BABS, Nipoppy, containers."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from CHARMSSRLib.bids import snakemake
from CHARMSSRLib.cli.bids_options import options_of
from CHARMSSRLib.cli.entry import build_parser
from CHARMSSRLib.cli.options import settings_from

STAND_IN = Path(__file__).with_name("stand_in.py")


def parsed(*options):
    arguments = build_parser().parse_args(["bids", "IN", "OUT", "participant", *options])
    arguments.maps = None
    arguments.engine = "auto"
    return arguments


def options_of_the_app():
    (subparsers,) = [action for action in build_parser()._actions if action.dest == "command"]
    return set(subparsers.choices["bids"]._option_string_actions)


def test_a_batch_gets_the_options_of_the_run():
    arguments = parsed(
        "--planes", "three", "--no-bias-correction", "--keep-skull", "--contrasts", "T2w", "--redo", "all"
    )
    again = parsed(*options_of(arguments, settings_from(arguments)))
    assert settings_from(again) == settings_from(arguments) and again.contrasts == ["T2w"] and again.redo == "all"


def test_the_array_script_is_short_and_bash_reads_it(repository):
    script = repository / "workflow" / "slurm_array.sh"
    assert len(script.read_text(encoding="utf-8").splitlines()) <= 30
    if shutil.which("bash") is None:
        pytest.skip("needs bash")
    assert subprocess.run(["bash", "-n", str(script)]).returncode == 0


def test_the_descriptors_use_options_that_exist(repository):
    descriptor = json.loads((repository / "workflow" / "nipoppy" / "descriptor.json").read_text(encoding="utf-8"))
    flags = {one["command-line-flag"] for one in descriptor["inputs"] if "command-line-flag" in one}
    babs = (repository / "workflow" / "babs.yaml").read_text(encoding="utf-8")
    section = babs.partition("bids_app_args:\n")[2].partition("singularity_args")[0]
    flags |= set(re.findall(r"^    (--?[\w-]+):", section, flags=re.MULTILINE)) | {"--participant-label"}
    assert len(flags) > 12 and flags <= options_of_the_app()
    inputs = {one["id"]: one for one in descriptor["inputs"]}
    invocation = json.loads((repository / "workflow" / "nipoppy" / "invocation.json").read_text(encoding="utf-8"))
    assert set(invocation) <= set(inputs)
    assert {one["id"] for one in descriptor["inputs"] if not one["optional"]} <= set(invocation)
    assert all(f"{one['value-key']}" in descriptor["command-line"] for one in descriptor["inputs"])


def test_the_recipes_and_descriptors_name_this_version(repository):
    from CHARMSSRLib import __version__

    for name in ("containers/Dockerfile", "containers/charmssr.def", "workflow/nipoppy/config.json"):
        assert __version__ in (repository / name).read_text(encoding="utf-8"), name
    assert __version__.replace(".", "-") in (repository / "workflow" / "babs.yaml").read_text(encoding="utf-8")


def test_without_snakemake_one_sentence_says_how_to_get_it(app, monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda *arguments, **named: None)
    refused = app("--engine", "snakemake")
    assert refused.status == 2 and "Snakemake is not installed" in refused.err and not (tmp_path / "out").exists()


def test_shards_and_snakemake_do_not_go_together(app, monkeypatch):
    monkeypatch.setattr(snakemake, "snakemake_program", lambda: "snakemake")
    refused = app("--engine", "snakemake", "--shard", "1/2")
    assert refused.status == 2 and "use one of them" in refused.err


@pytest.mark.skipif(shutil.which("snakemake") is None, reason="needs Snakemake 9 on the PATH")
def test_snakemake_does_the_scans_in_batches_and_notices_new_ones(app, add, dataset, monkeypatch, tmp_path):
    import SimpleITK as sitk

    monkeypatch.setattr(snakemake, "COMMAND", f"{sys.executable} {STAND_IN}")
    monkeypatch.setenv("PYTHONPATH", str(Path(snakemake.__file__).parents[2]))
    done = app("--engine", "snakemake", "--parts", "2", "--profile", "local")
    assert done.status == 0 and "3 done, 0 not" in done.out
    add(dataset, "sub-01_T2w", 9)
    add(dataset, "sub-09_T1w", image=sitk.Image(40, 40, 20, sitk.sitkInt16))
    again = app("--engine", "snakemake", "--parts", "2", "--profile", "local")
    assert again.status == 3 and "4 done, 1 not" in again.out and "sub-09" in again.err
    logs = [path.read_text(encoding="utf-8") for path in (tmp_path / "out" / "logs").glob("sub-0[12]/*.log")]
    assert len(logs) == 4 and all(text.count(" done ") == 1 for text in logs)


@pytest.mark.skipif(os.name != "posix", reason="programs are scripts here")
@pytest.mark.parametrize("accounts, told", [(0, False), (1, True)])
def test_where_slurm_keeps_no_accounts_snakemake_asks_the_queue(tmp_path, monkeypatch, accounts, told):
    for name, status in (("sacct", accounts), ("snakemake", 0)):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/{name}.said\nexit {status}\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(snakemake, "snakemake_program", lambda: str(tmp_path / "snakemake"))
    snakemake.run_snakemake(tmp_path, tmp_path / "out", ["01"], [], "slurm", 1, {})
    said = (tmp_path / "snakemake.said").read_text(encoding="utf-8")
    assert ("--slurm-status-command squeue" in said) == told
