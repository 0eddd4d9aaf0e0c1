"""The command line and the worker with the real enhancement, on a phantom and a tiny network."""

import json
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib import EnhancementSettings, enhance
from CHARMSSRLib.errors import Cancelled, CheckpointError, InputError
from CHARMSSRLib.files.volume_writer import write_volume
from CHARMSSRLib.files.volumes import read_volume
from CHARMSSRLib.worker.client import WorkerClient
from Testing.small_checkpoint import small_checkpoint

REPOSITORY = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(REPOSITORY)}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    card = {"intensity": {"kind": "minmax"}, "margin": 8}
    return Path(small_checkpoint(tmp_path_factory.mktemp("checkpoint"), "tiny", seed=0, spread=0.01, card=card))


@pytest.fixture(scope="module")
def worker():
    with WorkerClient(environment=ENVIRONMENT) as running:
        yield running


@pytest.fixture
def mask(tmp_path, phantom_brain):
    """A mask of the central slices: little work."""
    array = sitk.GetArrayFromImage(phantom_brain)
    array[:6] = array[12:] = 0
    few = sitk.GetImageFromArray(array)
    few.CopyInformation(phantom_brain)
    write_volume(few, tmp_path / "mask.nii.gz")
    return few


def bounds(image):
    """Two opposite corners of the image, voxel edges."""
    return [
        image.TransformContinuousIndexToPhysicalPoint([-0.5] * 3),
        image.TransformContinuousIndexToPhysicalPoint([size - 0.5 for size in image.GetSize()]),
    ]


def test_a_file_is_enhanced_with_all_its_outputs(charmssr, checkpoint, scan, mask, tmp_path):
    done = charmssr(
        "enhance", scan, tmp_path / "out.nii.gz", "--checkpoint", checkpoint, "--mask", tmp_path / "mask.nii.gz",
        "--report", tmp_path / "r.json", "--maps", tmp_path / "maps", "--no-bias-correction",
    )  # fmt: skip
    assert done.status == 0, done.err
    source, result = read_volume(scan), read_volume(tmp_path / "out.nii.gz")
    assert result.GetSize() == (80, 80, 18) and result.GetPixelID() == sitk.sitkFloat32
    assert np.allclose(bounds(result), bounds(source), atol=1e-4)
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert report["checkpoint"]["name"] == "tiny" and report["slices"]["enhanced"] == 6
    assert report["data_consistency"]["before"] > 0 and report["settings"]["bias_correction"] is False
    for name in ("mask", "detail"):
        assert read_volume(tmp_path / "maps" / f"out_{name}.nii.gz").GetSize() == result.GetSize()
    same = enhance(source, EnhancementSettings(checkpoint=str(checkpoint), bias_correction=False, maps=True), mask=mask)
    assert np.array_equal(sitk.GetArrayFromImage(same.image), sitk.GetArrayFromImage(result))


def test_the_worker_gives_the_same_voxels_as_the_library(worker, checkpoint, phantom_head, mask):
    settings = EnhancementSettings(checkpoint=str(checkpoint), bias_correction=False, maps=True)
    told = []
    there = worker.enhance(phantom_head, settings, mask=mask, progress=lambda fraction, message: told.append(fraction))
    here = enhance(phantom_head, settings, mask=mask)
    assert worker.hello["pid"] != os.getpid()
    one, other = sitk.GetArrayFromImage(there.image), sitk.GetArrayFromImage(here.image)
    assert np.array_equal(one, other)
    assert there.image.GetDirection() == here.image.GetDirection()
    assert there.image.GetOrigin() == here.image.GetOrigin()
    assert set(there.maps) == set(here.maps) == {"detail", "removed", "variability"}
    assert there.report["checkpoint"] == here.report["checkpoint"]
    assert told == sorted(told) and told[-1] == 1.0


def test_the_worker_stops_in_the_middle_and_goes_on_with_the_next_job(
    worker, checkpoint, phantom_head, phantom_brain, mask
):
    settings = EnhancementSettings(checkpoint=str(checkpoint), bias_correction=False)
    reached = []
    with pytest.raises(Cancelled):
        worker.enhance(
            phantom_head,
            settings,
            mask=phantom_brain,
            progress=lambda fraction, message: reached.append(fraction),
            is_cancelled=lambda: bool(reached) and reached[-1] > 0.3,
        )
    assert 0.3 < reached[-1] < 0.95
    worker.enhance(phantom_head, settings, mask=mask)


def test_the_workers_refusals_are_the_librarys(worker, checkpoint, phantom_head):
    with pytest.raises(InputError, match="constant"):
        worker.enhance(phantom_head * 0)
    with pytest.raises(CheckpointError, match="no checkpoint 'unheard-of'"):
        worker.enhance(phantom_head, EnhancementSettings(checkpoint="unheard-of"))


class Harmful:
    def __reduce__(self):
        return os.mkdir, ("harm",)


@pytest.mark.parametrize("kind", ["cut", "flipped", "other architecture", "no card", "broken card", "pickle"])
def test_bad_checkpoints_are_refused_in_one_line(charmssr, checkpoint, scan, tmp_path, listing, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bad.safetensors"
    data, card = (
        bytearray(checkpoint.read_bytes()),
        json.loads(checkpoint.with_suffix(".json").read_text(encoding="utf-8")),
    )
    if kind == "cut":
        data = data[: len(data) // 2]
    elif kind == "flipped":
        data[-5] ^= 1
    elif kind == "other architecture":
        card["architecture"]["units"] = 2
    elif kind == "pickle":
        path, data = tmp_path / "bad.pt", pickle.dumps(Harmful())
    path.write_bytes(data)
    if kind != "no card":
        (tmp_path / "bad.json").write_text("{" if kind == "broken card" else json.dumps(card))
    before = listing()
    done = charmssr("enhance", scan, tmp_path / "out.nii.gz", "--checkpoint", path)
    assert done.status == 2 and done.err.startswith("charmssr: error: ") and done.err.count("\n") == 1
    assert "bad" in done.err and listing() == before


def test_ctrl_c_in_the_middle_of_the_real_work_leaves_nothing(checkpoint, _phantom, tmp_path):
    scan, output = tmp_path / "scan.nii.gz", tmp_path / "out.nii.gz"
    write_volume(_phantom[0], scan)  # the whole head, so that there is work left to be cancelled

    process = subprocess.Popen(
        [sys.executable, "-m", "CHARMSSRLib", "enhance", str(scan), str(output), "--checkpoint", str(checkpoint),
         "--skull-strip", "none", "--no-bias-correction"],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT,
    )  # fmt: skip
    try:
        first = process.stderr.readline()
        assert " %  " in first, first
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=600)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert out == "" and err.splitlines()[-1] == "charmssr: cancelled; nothing was written."
    assert sorted(os.listdir(tmp_path)) == ["scan.nii.gz"]
