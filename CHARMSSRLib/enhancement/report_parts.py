"""The parts of an enhancement's report; docs/reference/report.md has its keys."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import SimpleITK as sitk

from .. import __version__
from ..checkpoints.registry import label
from ..grids.orientation import LPSFrame
from ..machine.memory import peak_memory
from .job import Job
from .loaded_model import Loaded
from .noise_choice import NoiseChoice
from .result import Enhancement
from .volume import Volume


class NetworkRun(NamedTuple):
    """How the network ran: device, precision and batch it ended with, and whether over turned copies."""

    device: str
    precision: str
    batch: int
    turned: bool


def figures_of(volume: Volume, output: np.ndarray, share: int, choice: NoiseChoice | None) -> dict:
    """What is measured on the result: bands between slices, gradients across them, noise.

    Args:
        volume: the scan.
        output: the enlarged stack (n', s*h, s*w), normalised and not masked yet.
        share: percent of the noise that was taken away.
        choice: why, where the program chose it.
    """
    report = {
        "banding": volume.banding(output),
        "through_plane_gradient_ratio": volume.gradient_ratio(output),
        "noise": volume.noise(output, share),
    }
    if choice is not None:
        report["noise"].update(chosen=choice.reason, tried=choice.tried)
    return report


def what_computed(loaded: Loaded, run: NetworkRun, job: Job) -> dict:
    """The report's part about versions, network, engine, times and memory."""
    card, model = loaded.card, loaded.model
    return {
        "version": __version__,
        "checkpoint": {"name": card["name"], "sha256": card["sha256"], "scale": card["scale"], "label": label(card)},
        "engine": {"name": model.engine, "version": model.version},
        "device": run.device,
        "precision": run.precision,
        "batch": run.batch,
        "stages": {name: round(seconds, 3) for name, seconds in job.stages.seconds.items()},
        "peak_memory_bytes": peak_memory(job.engine.device),
    }


def grids_of(image: sitk.Image, result: Enhancement, frame: LPSFrame, volume: Volume) -> dict:
    """The report's part about the grids of scan and result: voxels and mm along the image's axes."""
    return {
        "input": {"size": list(image.GetSize()), "spacing_mm": list(image.GetSpacing())},
        "output": {"size": list(result.image.GetSize()), "spacing_mm": list(result.image.GetSpacing())},
        "factors": list(frame.image_axes(volume.lps_axes(volume.factors)[::-1])),
    }
