"""A stand-in for the network part, so that the tests of the command line take no time."""

from types import SimpleNamespace

import pytest
import SimpleITK as sitk

from CHARMSSRLab.cli import main
from CHARMSSRLib.errors import Cancelled
from CHARMSSRLib.files.volume_writer import write_volume
from Testing.commands import put_in_place, run_command
from Testing.phantom import piece_of


class FakeEnhance:
    """Records its calls; returns the image twice as fine, or does what ``action`` says."""

    def __init__(self):
        self.calls = []
        self.action = None

    def __call__(self, image, settings=None, mask=None, progress=None, is_cancelled=None, tags=None):
        self.calls.append(SimpleNamespace(image=image, settings=settings, mask=mask))
        for step in range(5):
            progress(step / 5, f"Enhancing slice {step} of 5")
            if self.action is not None:
                self.action(step, image)
            if is_cancelled():
                raise Cancelled()
        fine = sitk.Expand(sitk.Cast(image, sitk.sitkFloat32), (2, 2, 1))
        mask = sitk.Cast(fine > 300, sitk.sitkUInt8)
        maps = {"detail": fine - 1} if settings.maps else {}
        report = {"checkpoint": {"name": settings.checkpoint}, "input": {"size": [1]}, "warnings": ["a doubt"]}
        return SimpleNamespace(image=fine, mask=mask, maps=maps, report=report)


@pytest.fixture
def fake_enhance(monkeypatch):
    """The stand-in, in the place of CHARMSSRLib.enhancement.enhance."""
    return put_in_place(monkeypatch, "CHARMSSRLib.enhancement.enhance", enhance=FakeEnhance())


@pytest.fixture
def phantom_head(phantom_head):
    """A piece is enough here: 40 x 40 voxels, 18 slices, with the field of view of a head."""
    return piece_of(phantom_head)


@pytest.fixture
def phantom_brain(phantom_brain):
    """Of the same piece."""
    return piece_of(phantom_brain)


@pytest.fixture
def scan(tmp_path, phantom_head):
    """A readable volume in the temporary folder."""
    path = tmp_path / "scan.nii.gz"
    write_volume(phantom_head, path)
    return path


@pytest.fixture
def charmssr(tmp_path, monkeypatch, capfd):
    """Function: run the command line; returns its status, standard output and standard error.

    A checkpoint "any" exists for it (its content matters to the real network only).
    """
    home = tmp_path / ".home"
    home.mkdir()
    (home / "any.safetensors").write_bytes(b"")
    monkeypatch.setenv("CHARMSSR_HOME", str(home))

    def run(*arguments):
        return run_command(main, capfd, *arguments)

    return run


@pytest.fixture
def listing(tmp_path):
    """Function: names of all files below the temporary folder, hidden ones of the set-up left out."""

    def names():
        return sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if ".home" not in path.parts)

    return names
