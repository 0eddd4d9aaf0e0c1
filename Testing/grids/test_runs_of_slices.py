"""What goes through the network of a volume: runs of neighbouring slices, each in a box of its own."""

import numpy as np
import pytest

from CHARMSSRLib.grids.slices import plan_runs, plan_slices


@pytest.fixture
def ball():
    """A boolean (24, 40, 44), a ball with one empty slice inside."""
    n, y, x = np.ogrid[:24, :40, :44]
    inside = (n - 12) ** 2 + (y - 18) ** 2 + (x - 20) ** 2 < 81
    inside[9] = False
    return inside


@pytest.mark.parametrize("longest", [1, 4, 100])
def test_every_slice_with_foreground_is_in_one_run_and_its_box_holds_it_and_the_margin(ball, longest):
    runs = plan_runs(ball, 3, longest)
    assert [i for run in runs for i in run.indices] == [i for i in range(24) if ball[i].any()]
    for run in runs:
        assert 0 < len(run.indices) <= longest and run.count == 24
        rows, columns = (np.flatnonzero(ball[list(run.indices)].any(axis=(0, 3 - axis))) for axis in (1, 2))
        assert (run.rows, run.columns) == (slice(rows[0] - 3, rows[-1] + 4), slice(columns[0] - 3, columns[-1] + 4))


def test_short_runs_have_fewer_pixels_than_one_box_for_all(ball):
    whole = plan_slices(ball, 0, 3)
    pixels = [sum(len(run.indices) * run.pixels for run in plan_runs(ball, 3, longest)) for longest in (1, 4, 100)]
    assert pixels[0] < pixels[1] < pixels[2] == len(whole.indices) * whole.pixels


def test_without_foreground_there_is_nothing_to_plan():
    with pytest.raises(ValueError, match="empty"):
        plan_runs(np.zeros((3, 4, 5), bool), 1, 4)
