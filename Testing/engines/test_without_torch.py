"""With ncnn nothing loads torch, from the first import to the last file."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib.settings import EnhancementSettings
from CHARMSSRLib.worker.client import WorkerClient

REPOSITORY = Path(__file__).resolve().parents[2]
AT_THE_END = (
    "import sys\nfrom CHARMSSRLib.cli import main\nstatus = main(sys.argv[1:])\nprint('torch' in sys.modules)\n"
)


@pytest.fixture
def head(tmp_path, phantom_head):
    """A small piece of the phantom as a file, with its whole frame as mask."""
    image = sitk.RegionOfInterest(phantom_head, [32, 36, 16], [20, 18, 12])
    sitk.WriteImage(image, str(tmp_path / "head.nii.gz"))
    mask = sitk.GetImageFromArray(np.ones(image.GetSize()[::-1], np.uint8))
    mask.CopyInformation(image)
    sitk.WriteImage(mask, str(tmp_path / "mask.nii.gz"))
    return tmp_path / "head.nii.gz"


def run(*words, blocked=()):
    """(status, whether torch was loaded, stderr) of a command in a process of its own."""
    code = "".join(f"import sys; sys.modules[{name!r}] = None\n" for name in blocked) + AT_THE_END
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1] == "True", done.stderr


@pytest.mark.parametrize("planes", ["acquisition", "three"])
def test_a_whole_job_with_every_figure_and_map_loads_no_torch(head, tmp_path, planes):
    torch_loaded, messages = run(
        "enhance", head, tmp_path / "out.nii.gz", "--mask", tmp_path / "mask.nii.gz", "--engine", "ncnn",
        "--planes", planes, "--data-consistency", "project", "--maps", tmp_path / "maps",
        "--report", tmp_path / "report.json",
    )  # fmt: skip
    assert (tmp_path / "out.nii.gz").exists(), messages
    assert not torch_loaded
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["engine"]["name"] == "ncnn" and report["precision"] == "float32"


def test_a_whole_head_is_stripped_and_enhanced_where_there_is_no_torch(tmp_path, phantom_head):
    coarse = sitk.BinShrink(phantom_head, [2, 2, 2])
    sitk.WriteImage(coarse, str(tmp_path / "scan.nii.gz"))
    torch_loaded, messages = run(
        "enhance", tmp_path / "scan.nii.gz", tmp_path / "out.nii.gz", "--no-bias-correction",
        "--skull-strip", "builtin", blocked=["torch"],
    )  # fmt: skip
    assert (tmp_path / "out.nii.gz").exists(), messages


def test_a_batch_loads_no_torch(head, tmp_path):
    (tmp_path / "scans").mkdir()
    head.rename(tmp_path / "scans" / "head.nii.gz")
    torch_loaded, messages = run(
        "batch", tmp_path / "scans", tmp_path / "results", "--engine", "ncnn", "--skull-strip", "none",
        "--no-bias-correction",
    )  # fmt: skip
    assert list((tmp_path / "results").glob("*.nii.gz")), messages
    assert not torch_loaded


def test_the_worker_says_hello_without_torch():
    code = (
        "import sys, threading\n"
        "from CHARMSSRLib.worker import server\n"
        "hello = server.hello()\n"
        "print(hello['engine'], 'torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.stdout.split() == ["ncnn", "False"], done.stderr


def test_a_whole_job_of_the_worker_loads_no_torch(head, tmp_path):
    seen = tmp_path / "modules.txt"
    code = (
        "import sys\nfrom CHARMSSRLib.worker import channel, server\nsend = channel.Channel.send\n"
        "def noting(self, type, id='', **fields):\n"
        "    if type == 'result':\n"
        f"        with open({str(seen)!r}, 'w', encoding='utf-8') as file:\n"
        "            file.write(' '.join(name for name in ('torch', 'ncnn') if name in sys.modules))\n"
        "    send(self, type, id, **fields)\n"
        "channel.Channel.send = noting\nserver.serve()\n"
    )
    worker = WorkerClient(environment={**os.environ, "PYTHONPATH": str(REPOSITORY)})
    worker._command = [sys.executable, "-c", code]
    with worker:
        settings = EnhancementSettings(engine="ncnn", checkpoint="charms-x2-bicubic", bias_correction=False, maps=True)
        image, mask = sitk.ReadImage(str(head)), sitk.ReadImage(str(tmp_path / "mask.nii.gz"))
        answer = worker.enhance(image, settings, mask=mask)
    assert answer.report["engine"]["name"] == "ncnn" and set(answer.maps) >= {"detail", "variability"}
    assert seen.read_text(encoding="utf-8") == "ncnn"


@pytest.mark.parametrize("said, wanted", [(None, ["PASSIVE", "5000"]), ("ACTIVE", ["ACTIVE", "None"])])
def test_waiting_threads_sleep_soon_unless_the_user_says_otherwise(said, wanted):
    names = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    environment.update({} if said is None else {"OMP_WAIT_POLICY": said})
    code = (
        "import os\nfrom CHARMSSRLib.engines.ncnn_engine import usable_ncnn\n"
        "usable_ncnn()\nprint(os.environ['OMP_WAIT_POLICY'], os.environ.get('GOMP_SPINCOUNT'))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert done.stdout.split() == wanted, done.stderr


def test_what_needs_torch_says_so_in_a_sentence_where_there_is_none(head, tmp_path):
    _, messages = run("enhance", head, tmp_path / "out.nii.gz", "--engine", "torch", blocked=["torch"])
    assert "PyTorch is not installed" in messages and not (tmp_path / "out.nii.gz").exists()


def test_a_broken_ncnn_is_one_sentence_and_nothing_is_written(head, tmp_path):
    _, messages = run("enhance", head, tmp_path / "out.nii.gz", "--engine", "ncnn", blocked=["ncnn"])
    assert len(messages.strip().splitlines()) == 1 and "choose the engine torch" in messages
    assert not (tmp_path / "out.nii.gz").exists()
