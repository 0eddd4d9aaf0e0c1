"""The border of the built-in brain mask: muscle beyond a dark line goes, cortex stays."""

import numpy as np
import pytest

from CHARMSSRLib.preprocessing.skull_strip.trim import trimmed

SHAPE, SPACING = (24, 60, 60), (1.5, 1.0, 1.0)


@pytest.fixture
def head():
    """(scan, brain, generous mask, logits): a bright ball, a dark shell of 2 mm, muscle as bright as the brain."""
    z, y, x = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    depth = np.sqrt(((z - 12) * 1.5) ** 2 + (y - 30) ** 2 + (x - 30) ** 2)
    brain = depth < 15
    tissue = 100 - 25 * np.cos(x / 3) * np.cos(y / 4)  # grey and white
    scan = np.where(brain, tissue, np.where(depth < 17, 10.0, 95.0))
    scan = (scan + np.random.default_rng(1).normal(0, 4, SHAPE)).astype(np.float32)
    # Sure well inside the brain, unsure where cortex ends, and still not refused in the muscle.
    logits = (4 - np.maximum(depth - 9, 0) * 0.75).astype(np.float32)
    return scan, brain, logits > -4, logits


def test_muscle_behind_a_dark_line_is_taken_off_and_the_brain_stays(head):
    scan, brain, generous, logits = head
    assert (generous & ~brain).sum() > 0.5 * brain.sum()
    mask = trimmed(generous, logits, scan, SPACING)
    assert (mask & brain).sum() > 0.9 * brain.sum()  # half a voxel of so small a ball is a twelfth of it
    assert (mask & ~brain).sum() < 0.08 * brain.sum()
    assert not (mask & ~generous).any()


def test_a_mask_of_which_nothing_is_sure_stays_as_it_is(head):
    scan, _, generous, logits = head
    assert np.array_equal(trimmed(generous, logits - 20, scan, SPACING), generous)


def test_a_dark_lesion_inside_the_brain_stays_in_the_mask(head):
    scan, brain, generous, logits = head
    lesion = np.zeros(SHAPE, bool)
    lesion[10:14, 24:30, 24:30] = True
    mask = trimmed(generous, logits, np.where(lesion, np.float32(10), scan), SPACING)
    assert mask[lesion].all()
