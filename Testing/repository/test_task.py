"""A task fills its part of the bar, stops when it is asked to, and hands both on."""

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
