"""Progress: one rewritten line on a terminal, a few plain ones elsewhere, a sane estimate of the time left."""

import io

import pytest

from CHARMSSRLib.cli.progress import ProgressLine
from CHARMSSRLib.remaining_time import RemainingTime, spoken


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_a_file_gets_about_ten_lines():
    stream = io.StringIO()
    with ProgressLine(stream) as progress:
        for step in range(1001):
            progress(step / 1000, f"slice {step}")
    lines = stream.getvalue().splitlines()
    assert 9 <= len(lines) <= 11
    assert lines[0].strip().startswith("10 %") and lines[-1].strip().startswith("100 %")


def test_the_mere_start_is_not_worth_a_line():
    """Input that is refused right away leaves its one line of error alone."""
    stream = io.StringIO()
    with ProgressLine(stream) as progress:
        progress(0.0, "Loading the model")
    assert stream.getvalue() == ""


def test_a_terminal_gets_one_line_that_is_cleared_at_the_end():
    stream = Terminal()
    with ProgressLine(stream) as progress:
        progress(0.25, "Enhancing slice 10 of 40 " + "x" * 500)
    text = stream.getvalue()
    assert "\n" not in text and "25 %  Enhancing" in text and text.endswith("\r\033[K")
    assert len(text.split("\r\033[K")[1]) < 500


def test_the_time_left_of_a_steady_task_is_exact():
    clock = Clock()
    remaining = RemainingTime(clock)
    assert remaining.update(0.0) is None
    for second in range(1, 41):
        clock.now = 100.0 + second
        left = remaining.update(second / 100)
    assert left == pytest.approx(60, rel=0.02)
    assert remaining.update(1.0) == 0.0


def test_the_time_left_follows_a_change_of_speed():
    clock = Clock()
    remaining = RemainingTime(clock)
    for second in range(1, 11):  # a fast stage: half of it in ten seconds
        clock.now = 100.0 + second
        remaining.update(0.05 * second)
    for second in range(11, 91):  # then 0.5 % a second
        clock.now = 100.0 + second
        left = remaining.update(0.5 + 0.005 * (second - 10))
    assert left == pytest.approx(20, rel=0.25)


def estimates(parts, seconds_per_pixel=1e-5, preprocessing=5.0):
    """(share of the slices done, seconds left as estimated) of a run whose bar is shared out as ``enhance`` does."""
    from CHARMSSRLib.enhancement.work_shares import share_of_work

    clock, told, count = Clock(), [], sum(slices for slices, _ in parts)
    remaining = RemainingTime(clock)
    for step in range(11):
        remaining.update(0.03 * step, "Correcting the bias field")
        clock.now += preprocessing / 10
    done = 0
    for slices, pixels in parts:
        for _ in range(slices):
            left = remaining.update(0.3 + 0.65 * share_of_work(parts, done), f"Enhancing slice {done} of {count}")
            told.append((done / count, left, clock.now))
            clock.now += pixels * seconds_per_pixel
            done += 1
    return told, clock.now


@pytest.mark.parametrize(
    "parts",
    [
        [(176, 40000)],  # slice by slice
        [(4 * 176, 40000)],  # with maps: each slice turned three times more
        [(140, 27000), (180, 21000), (150, 25200)],  # three planes
        [(30, 40000), (200, 6000), (200, 6000)],  # thick slices, then across them
    ],
)
def test_the_time_left_never_grows_by_more_than_a_quarter_after_the_first_tenth_of_the_slices(parts):
    told, end = estimates(parts)
    told = [(left, now) for share, left, now in told if share >= 0.1]
    assert all(left is not None for left, _ in told)
    least = told[0][0]
    for left, _ in told:
        assert left <= 1.25 * least
        least = min(least, left)
    left, now = told[0]
    assert left == pytest.approx(end - now, rel=0.25)


def test_preprocessing_foretells_nothing_about_the_network():
    remaining = RemainingTime(Clock())
    assert remaining.update(0.2, "Correcting the bias field") is None
    assert remaining.update(0.3, "Enhancing slice 0 of 100") is None


def test_durations_are_told_in_fitting_units():
    assert [spoken(s) for s in (0.2, 44.6, 200, 8000)] == ["1 s", "45 s", "3 min", "2 h 13 min"]
