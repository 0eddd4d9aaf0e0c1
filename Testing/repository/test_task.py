"""A task fills its part of the bar, stops when it is asked to, and hands both on."""

import ast
from pathlib import Path

import pytest

from CHARMSSRLib.errors import Cancelled
from CHARMSSRLib.task import Task


def test_a_part_of_a_part_fills_its_share_of_the_whole_bar():
    told = []
    whole = Task(lambda fraction, message: told.append((round(fraction, 6), message)))
    whole.part(0.2, 0.7).part(0.5, 1.0).tell(0.5, "middle")
    whole.tell(1.0, "end")
    assert told == [(0.575, "middle"), (1.0, "end")]


def test_a_part_is_cancelled_with_the_whole():
    part = Task(is_cancelled=lambda: True).part(0, 0.5)
    with pytest.raises(Cancelled):
        part.check()
    with pytest.raises(Cancelled):
        part.step(0.5, "never told")


def test_steps_are_told_one_by_one_until_the_user_has_enough():
    told, answers = [], iter([False, False, True])
    task = Task(lambda fraction, message: told.append((fraction, message)), lambda: next(answers))
    with pytest.raises(Cancelled):
        for item in task.over("abcd", "{done} of {count}"):
            assert item in "ab"
    assert told == [(0.0, "1 of 4"), (0.25, "2 of 4")]


def test_without_listeners_nothing_happens():
    task = Task()
    task.step(0.5, "said to nobody")
    assert list(task.over([], "nothing")) == [] and not task.is_cancelled()


def test_a_count_is_told_as_a_share_and_a_sentence_is_the_cancelled_ones():
    told = []
    task = Task(lambda *one: told.append(one), lambda: bool(told))
    task.share(1, 2, "second: ").count(3, 4)
    assert told == [(0.875, "second: 3 of 4")]
    with pytest.raises(Cancelled, match="start it again"):
        task.check("Stopped; start it again to go on.")


# What a user calls, or what stands in for it in another process: these keep the two functions, everything inside takes
# one Task.
PUBLIC = {
    "CHARMSSRLib.task.Task",
    "CHARMSSRLib.enhancement.enhance.enhance",
    "CHARMSSRLib.fine_tuning.fine_tune.fine_tune",
    "CHARMSSRLib.dicom.enhance_dicom.enhance_dicom",
    "CHARMSSRLib.worker.client.WorkerClient",
    "CHARMSSRLib.bids.warm_worker.WarmWorker",
    "CHARMSSRLib.bids.participant.ParticipantRun",
    "CHARMSSRLab.training.trainer.train",
    "CHARMSSRLab.training.training_run.run_training",
    "CHARMSSRLab.training.prepare.prepare",
    "CHARMSSRLab.whole_volume.study_of_volumes.run_study",
    "CHARMSSRLab.benchmark.measure_parts.run",
    "CHARMSSRLab.reproduction.run_experiments.carry_out",
}


def test_inside_one_task_is_handed_on_instead_of_two_functions():
    root = Path(__file__).resolve().parents[2]
    found = set()
    for path in (*root.glob("CHARMSSRLib/**/*.py"), *root.glob("CHARMSSRLab/**/*.py")):
        module = ".".join(path.relative_to(root).with_suffix("").parts)
        for top in ast.parse(path.read_text(encoding="utf-8")).body:
            for node in ast.walk(top):
                if isinstance(node, ast.FunctionDef):
                    names = {one.arg for one in (*node.args.args, *node.args.kwonlyargs)}
                    if names & {"is_cancelled", "progress"}:
                        found.add(f"{module}.{top.name}")
    assert found == PUBLIC
