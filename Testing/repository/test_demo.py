"""`make demo` at a small size: a generated head through the MRML scene and the worker process."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from CHARMSSRLib.settings import DEFAULT_CHECKPOINT
from Testing.phantom import phantom_head


@pytest.fixture(scope="module")
def demo(repository, tmp_path_factory):
    """Folder that the demo wrote, with its input in it."""
    folder = tmp_path_factory.mktemp("demo")
    scan = folder / "scan.nii.gz"
    sitk.WriteImage(phantom_head(size=(48, 48, 26), spacing=(4.2, 4.4, 6.6)), str(scan))
    command = [sys.executable, str(repository / "Testing" / "demo.py"), "--input", str(scan), "--output", str(folder)]
    # As `make demo` installs it: without another skull-strip than the built-in one.
    (folder / "deepbet.py").write_text("raise ModuleNotFoundError\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(repository)])}
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_demo_writes_a_volume_with_half_the_pixel_size(demo):
    scan, result = sitk.ReadImage(str(demo / "scan.nii.gz")), sitk.ReadImage(str(demo / "enhanced.nii.gz"))
    assert np.allclose(result.GetSpacing(), np.divide(scan.GetSpacing(), (2, 2, 1)))
    assert result.GetSize() == tuple(np.multiply(scan.GetSize(), (2, 2, 1)))
    voxels = sitk.GetArrayViewFromImage(result)
    assert np.isfinite(voxels).all() and voxels.std() > 0


def test_the_demos_report_names_the_default_checkpoint(demo):
    report = json.loads((demo / "report.json").read_text(encoding="utf-8"))
    assert report["checkpoint"]["name"] == DEFAULT_CHECKPOINT
    assert report["slices"]["enhanced"] > 12


def test_the_demos_scene_holds_source_and_result(demo):
    scene = (demo / "scene.mrml").read_text(encoding="utf-8")
    assert 'name="scan"' in scene and 'name="scan CHARMS x2"' in scene
    assert "CHARMSSR.Checkpoint" in scene


def test_the_demos_picture_shows_three_different_panels(demo):
    with Image.open(demo / "comparison.png") as picture:
        pixels = np.asarray(picture.convert("L"), dtype=float)
    panels = np.array_split(pixels[len(pixels) // 2 :, : pixels.shape[1] // 3 * 3], 3, axis=1)
    assert all(panel.std() > 10 for panel in panels)
    assert np.abs(panels[0] - panels[1]).mean() > 0.5 and np.abs(panels[1] - panels[2]).mean() > 0.2
