"""The commands and the Python of the README, run as they stand there on a small generated head.

What needs a network, another computer or minutes is held by a test of its own, which Testing/repository/
test_readme_promises.py names.
"""

import re
import shlex
import shutil
from pathlib import Path

import pytest
import SimpleITK as sitk

from CHARMSSRLib.cli.entry import build_parser
from CHARMSSRLib.files.volumes import read_volume

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
SECTION = README[README.index("## Tutorial: command line") : README.index("## What happens to a scan")]
COMMANDS = [line.partition(" #")[0].strip() for line in re.findall(r"^charmssr .*$", SECTION, re.MULTILINE)]
ELSEWHERE = ("DICOM_FOLDER", "charmssr node", "charmssr bids", "charmssr fine-tune", "charmssr export")


@pytest.fixture
def small_head():
    """36 x 40 x 18 voxels of a head with something in it."""
    voxels = sitk.GaussianSource(sitk.sitkFloat32, (36, 40, 18), [12, 13, 6], [18, 20, 9], 600.0)
    noise = sitk.AdditiveGaussianNoise(voxels, 8.0, 0.0, 1)
    noise.SetSpacing((4.0, 4.0, 8.0))
    return sitk.Cast(sitk.Clamp(noise, lowerBound=0), sitk.sitkInt16)


@pytest.fixture
def place(tmp_path, monkeypatch, small_head):
    """The working folder of a reader of the README."""
    folder = tmp_path / "work"
    (folder / "STUDY_FOLDER").mkdir(parents=True)
    sitk.WriteImage(small_head, str(folder / "scan.nii.gz"))  # not our writer: its files count as results
    shutil.copy(folder / "scan.nii.gz", folder / "STUDY_FOLDER" / "one.nii.gz")
    (folder / "list.csv").write_text("input\nscan.nii.gz\n", encoding="utf-8")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_the_parser_takes_every_command_of_the_readme(command):
    arguments = shlex.split(command)[1:]
    if "--help" in arguments:
        with pytest.raises(SystemExit) as left:
            build_parser().parse_args(arguments)
        assert left.value.code == 0
    else:
        assert build_parser().parse_args(arguments).command == arguments[0]


@pytest.mark.parametrize("command", [one for one in COMMANDS if not any(word in one for word in ELSEWHERE)])
def test_every_command_of_the_readme_that_can_run_here_does_what_stands_there(charmssr, place, command):
    arguments = shlex.split(command)[1:]
    if arguments[0] in ("enhance", "batch") and "--help" not in arguments:
        arguments += ["--skull-strip", "none", "--no-bias-correction"]  # the head is no head: only the way is tested
    done = charmssr(*arguments)
    assert done.status == 0, done.err
    for expected in ("enhanced.nii.gz", "report.json", "MAPS_FOLDER", "RESULTS"):
        if expected in arguments:
            assert (place / expected).exists()
    if "RESULTS" in arguments:
        assert (place / "RESULTS" / "summary.csv").is_file()
    if "enhanced.nii.gz" in arguments:
        before, after = (read_volume(place / name) for name in ("scan.nii.gz", "enhanced.nii.gz"))
        for index in (lambda image: [-0.5] * 3, lambda image: [size - 0.5 for size in image.GetSize()]):
            corners = [one.TransformContinuousIndexToPhysicalPoint(index(one)) for one in (before, after)]
            assert corners[1] == pytest.approx(corners[0], abs=1e-3)


def test_the_python_of_the_readme_runs(place, capsys, monkeypatch):
    # Every part runs, the two that take longest for a shorter time: the head is no head.
    monkeypatch.setattr("CHARMSSRLib.preprocessing.bias_field.ITERATIONS", (3, 3, 3))
    monkeypatch.setattr("CHARMSSRLib.preprocessing.skull_strip.deepbet_backend.is_available", lambda: False)
    _console, library = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    exec(compile(library, "README.md", "exec"), {})
    assert (place / "enhanced.nii.gz").is_file() and "before" in capsys.readouterr().out
