"""Runs of slices, each in a box of its own, leave no bands: their borders step no further than what lies within."""

from types import SimpleNamespace

import numpy as np
from scipy import ndimage

from CHARMSSRLib.engines.models import load_model
from CHARMSSRLib.enhancement import slice_wise
from CHARMSSRLib.enhancement.inference import SliceEnhancer
from CHARMSSRLib.enhancement.work_shares import SliceTask
from CHARMSSRLib.settings import DEFAULT_CHECKPOINT
from CHARMSSRLib.task import Task

NOISE = 0.04  # of the range, as in the heads of docs/studies/speed.md


def cone():
    """What ``SliceWise`` reads of a volume: a brain that grows smaller from slice to slice, in a head, with noise."""
    n, y, x = np.mgrid[:12, :64, :68]
    distance, random = np.hypot(y - 30, x - 36), np.random.default_rng(5)
    brain = distance < 24 - 1.5 * n
    folds = ndimage.gaussian_filter(random.normal(size=brain.shape), (2, 1.5, 1.5))
    values = np.where(brain, 0.5 + 2 * folds, np.where(distance < 30, 0.25, 0.02))
    values = (values + random.normal(0, NOISE, values.shape)).clip(0).astype(np.float32)
    return SimpleNamespace(acquired=values, foreground=brain, axis=0, scale=2, margin=16, network_input=lambda: values)


def enhanced(volume):
    way = slice_wise.SliceWise(volume)
    model, _ = load_model("ncnn", DEFAULT_CHECKPOINT, 65)
    return way.run(SliceEnhancer(model), SliceTask(Task(), way.parts)), way.report["frame_share"]


def test_from_one_run_of_slices_to_the_next_there_is_no_step(monkeypatch):
    volume = cone()
    result, share = enhanced(volume)
    monkeypatch.setattr(slice_wise, "RUN", 100)
    monkeypatch.setattr(slice_wise, "MARGIN", 16)
    in_one_box, whole = enhanced(volume)
    assert share < 0.8 * whole
    inside = volume.foreground.repeat(2, 1).repeat(2, 2)
    changed = result - in_one_box
    assert np.abs(changed[inside]).mean() < NOISE / 4
    steps = [np.abs((b - a)[own]).mean() for a, b, own in zip(changed, changed[1:], inside[1:])]
    borders, within = steps[3::4], [one for i, one in enumerate(steps) if i % 4 != 3]
    assert len(borders) == 2 and max(borders) < max(1.5 * np.mean(within), NOISE / 10)
