"""A stand-in for the network alone: files, locks, logs and pages around it are the real ones."""

import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import SimpleITK as sitk

from CHARMSSRLib.enhancement.checks import check_image


class StandInWorker:
    """In the place of WarmWorker: returns the scan twice as fine. ``action(image)`` may raise, wait or count."""

    action = None
    seconds = 0.0

    def __init__(self, cores, memory_mb=None):
        self.calls = 0
        self.lock = threading.Lock()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass

    def enhance(self, image, settings=None, mask=None, progress=None, is_cancelled=None, tags=None):
        with self.lock:
            self.calls += 1
        check_image(image)
        progress(0.0, "Enhancing")
        if type(self).action is not None:
            type(self).action(image)
        time.sleep(type(self).seconds)
        fine = sitk.Expand(sitk.Cast(image, sitk.sitkFloat32), (2, 2, 1))
        array = sitk.GetArrayViewFromImage(fine)
        inside = sitk.Cast(fine > float(array.mean()), sitk.sitkUInt8)
        maps = {"detail": fine * 0.01} if settings.maps else {}
        report = {
            "checkpoint": {"name": settings.checkpoint, "sha256": CHECKPOINT_SHA256, "label": "super-resolved"},
            "input": {"size": list(image.GetSize()), "spacing_mm": list(image.GetSpacing())},
            "output": {"size": list(fine.GetSize()), "spacing_mm": list(fine.GetSpacing())},
            "data_consistency": {"before": 0.02, "after": 0.02 + 1e-5 * float(array.mean())},
            "banding": {"input": 0.01, "output": 0.0101},
            "through_plane_gradient_ratio": {"input": 1.0, "output": 0.9},
            "skull_strip": {"backend": "builtin", "volume_ml": 1200 + float(array.mean())},
            "slices": {"plane": "axial", "enhanced": image.GetSize()[2], "skipped": 0},
            "warnings": [],
        }
        return SimpleNamespace(image=fine, mask=inside, maps=maps, report=report)


def _bundled_sha256():
    from CHARMSSRLib.checkpoints.registry import read_card
    from CHARMSSRLib.settings import DEFAULT_CHECKPOINT

    return read_card(DEFAULT_CHECKPOINT)["sha256"]


CHECKPOINT_SHA256 = _bundled_sha256()


def install():
    """Put the stand-in in the worker's place, in this process."""
    from CHARMSSRLib.bids import snakemake, warm_worker

    warm_worker.WarmWorker = StandInWorker
    snakemake.COMMAND = f"{sys.executable} {Path(__file__).resolve()}"  # of its batches


if __name__ == "__main__":
    # The command line with the stand-in: what the tests with real processes and a real Slurm run.
    import os

    from CHARMSSRLib.cli import main

    install()
    StandInWorker.seconds = float(os.environ.get("STAND_IN_SECONDS", "0"))
    sys.exit(main())
