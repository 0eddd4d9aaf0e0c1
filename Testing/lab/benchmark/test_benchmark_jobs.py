"""Whole enhancements in processes of their own, the naive way, and heads of a wanted size."""

import json
import subprocess
import sys

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLab.benchmark import timed_processes, whole_job
from CHARMSSRLab.benchmark.inputs import coarser, head_of_size
from CHARMSSRLab.benchmark.naive import enhance_naively
from CHARMSSRLib import EnhancementSettings, enhance, load_checkpoint
from CHARMSSRLib.enhancement.stages import Stages
from CHARMSSRLib.errors import BackendError, Cancelled, InputError, SettingsError
from CHARMSSRLib.machine.memory import peak_resident_bytes
from CHARMSSRLib.settings import DEFAULT_CHECKPOINT
from CHARMSSRLib.task import Task
from Testing.phantom import phantom_head

SIZE, SPACING = (34, 40, 24), (5.2, 5.5, 8.2)


@pytest.fixture(scope="module")
def head():
    image = phantom_head(size=SIZE, spacing=SPACING)
    image.SetDirection((0, -1, 0, 1, 0, 0, 0, 0, -1))
    return image


@pytest.fixture(scope="module")
def head_file(head, tmp_path_factory):
    path = tmp_path_factory.mktemp("head") / "head.nii.gz"
    sitk.WriteImage(head, str(path))
    return path


@pytest.fixture(scope="module")
def checkpoint():
    return load_checkpoint(DEFAULT_CHECKPOINT)


@pytest.fixture(scope="module")
def naive(head, checkpoint):
    stages = Stages()
    image, done, count = enhance_naively(head, checkpoint, stages, skull_strip="builtin")
    return image, done, count, stages


def test_the_naive_way_comes_to_the_same_result_on_the_same_grid(head, naive):
    image, done, count, stages = naive
    assert done == count == SIZE[2]
    assert list(stages.seconds) == ["bias correction", "skull strip", "network", "finish"]
    ours = enhance(head, EnhancementSettings(skull_strip="builtin", device="cpu")).image
    assert image.GetSize() == ours.GetSize()
    np.testing.assert_allclose(image.GetOrigin(), ours.GetOrigin(), atol=1e-6)
    np.testing.assert_allclose(image.GetSpacing(), ours.GetSpacing())
    np.testing.assert_allclose(image.GetDirection(), ours.GetDirection())
    a, b = (sitk.GetArrayFromImage(one) for one in (image, ours))
    both = (a > 0) & (b > 0)
    assert both.sum() > 0.7 * (b > 0).sum()
    # The bias corrections differ, and so do the masks' borders.
    assert np.corrcoef(a[both], b[both])[0, 1] > 0.95


def test_the_naive_way_can_do_a_part_evenly_spread(head, checkpoint):
    image, done, count = enhance_naively(head, checkpoint, Stages(), skull_strip="builtin", slices=3)
    assert (done, count) == (3, SIZE[2])
    values = sitk.GetArrayFromImage(image)
    varied = [i for i, one in enumerate(values) if (one > 0).any() and np.ptp(one[one > 0]) > 0]
    assert set(varied) <= {0, 11, 12, 23} and varied


def test_a_part_of_the_naive_way_is_scaled_up():
    figures = timed_processes._scaled_up({
        "seconds": 30.0, "stages": {"read": 10.0, "network": 20.0}, "slices": {"done": 4, "count": 10},
    })  # fmt: skip
    assert figures["stages"] == {"read": 10.0, "network": 50.0} and figures["seconds"] == 60.0


def test_a_job_that_fails_says_why(tmp_path):
    with pytest.raises(BackendError, match="nothing-here"):
        timed_processes.run_job(timed_processes.NAIVE, tmp_path / "nothing-here.nii.gz", 1, DEFAULT_CHECKPOINT)


def test_a_cancelled_job_leaves_no_process(head_file, monkeypatch):
    started = []
    real = timed_processes.subprocess.Popen
    monkeypatch.setattr(
        timed_processes.subprocess, "Popen", lambda *a, **k: started.append(real(*a, **k)) or started[-1]
    )
    with pytest.raises(Cancelled):
        timed_processes.run_job(
            timed_processes.NAIVE, head_file, 1, DEFAULT_CHECKPOINT, task=Task(is_cancelled=lambda: True)
        )
    assert len(started) == 1 and started[0].returncode is not None


def test_both_ways_take_turns_and_their_ratio_is_that_of_pairs(monkeypatch):
    order = []

    def run_job(way, path, threads, *rest):
        order.append(way)
        seconds = {"enhance": 10.0, "naive": 40.0}[way] * (1 + len(order) // 2)
        return {"seconds": seconds, "stages": {"network": seconds}, "peak_bytes": len(order), "threads": threads,
                "slices": {"done": 5, "count": 5}}  # fmt: skip

    monkeypatch.setattr(whole_job, "run_job", run_job)
    said = []
    result = whole_job.compare_whole_jobs("head", 2, "x", rounds=3, task=Task(lambda *one: said.append(one)))
    assert order == ["enhance", "naive"] * 3
    assert result["ratio"]["n"] == 3 and result["ratio"]["median"] == pytest.approx(1 / 6)
    assert result["enhance"]["seconds"]["n"] == 3 and result["enhance"]["peak_bytes"] == 5
    json.dumps(result)
    more = whole_job.compare_whole_jobs("head", 2, "x", rounds=1, earlier=result["runs"])
    assert more["ratio"]["n"] == 4 and more["runs"]["naive"][:3] == result["runs"]["naive"]


def test_a_worker_does_the_job_and_its_peak_is_its_own(head_file):
    figures = whole_job.in_worker(head_file, 1, DEFAULT_CHECKPOINT, "builtin")
    assert figures["seconds"] > figures["stages"]["network"] > 0 and 1e8 < figures["peak_bytes"] < 1e10


def test_a_process_knows_its_own_peak_not_that_of_its_parent():
    if peak_resident_bytes() is None:
        pytest.skip("the system does not tell a process's peak")
    code = "from CHARMSSRLib.machine.memory import peak_resident_bytes; print(peak_resident_bytes())"
    large = np.ones(2**26)  # half a GiB in this process
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 1e7 < int(answer.stdout) < large.nbytes < peak_resident_bytes()
    assert peak_resident_bytes("no-such-process") is None


@pytest.mark.parametrize("size", [(50, 40, 36), (32, 60, 40)])
def test_a_file_is_cropped_and_padded_in_its_middle(head_file, head, size):
    cut = head_of_size(head_file, size)
    assert cut.GetSize() == size
    middle = [(n - 1) / 2 for n in size]
    before = np.asarray(head.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in SIZE]))
    after = np.asarray(cut.TransformContinuousIndexToPhysicalPoint(middle))
    assert np.abs(before - after).max() <= 0.5 * max(SPACING) + 1e-6
    assert sitk.GetArrayFromImage(cut).max() == pytest.approx(sitk.GetArrayFromImage(head).max(), rel=0.2)


def test_a_generated_head_has_the_wanted_size_and_a_heads_extent():
    image = head_of_size("generated", (44, 64, 64))
    assert image.GetSize() == (44, 64, 64)
    assert [n * step for n, step in zip(image.GetSize(), image.GetSpacing())] == pytest.approx([176, 256, 256])


def test_heads_that_cannot_be_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="32 voxels"):
        head_of_size("generated", (16, 64, 64))
    with pytest.raises(InputError):
        head_of_size(tmp_path / "none.nii.gz")


def test_a_coarser_head_covers_the_same_space(head):
    image = coarser(head, 0.9)
    assert image.GetSize() == tuple(round(0.9 * n) if 0.9 * n > 32 else 32 for n in SIZE)
    for corner in ([-0.5] * 3, [n - 0.5 for n in SIZE]):
        other = [-0.5] * 3 if corner[0] < 0 else [n - 0.5 for n in image.GetSize()]
        np.testing.assert_allclose(
            image.TransformContinuousIndexToPhysicalPoint(other), head.TransformContinuousIndexToPhysicalPoint(corner),
            atol=1e-4,
        )  # fmt: skip
    assert coarser(head, 1.0) is head
