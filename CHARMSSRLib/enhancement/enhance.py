"""The whole job: a loaded scan becomes a super-resolved volume."""

from __future__ import annotations

import functools

import SimpleITK as sitk

from ..acquisition.scan_settings import filled_in
from ..engines.choice import choose_engine
from ..machine.cores import use_threads
from ..preprocessing.skull_strip import check_backend
from ..settings import EnhancementSettings
from ..task import IsCancelled, Progress, Task
from .checks import check_image, match_mask
from .enhance_stated import enhance_stated
from .job import Job
from .result import Enhancement
from .stages import Stages
from .true_resolution import enhance_measured, measured

__all__ = ["Enhancement", "enhance"]


def enhance(
    image: sitk.Image,
    settings: EnhancementSettings | None = None,
    mask: sitk.Image | None = None,
    progress: Progress | None = None,
    is_cancelled: IsCancelled | None = None,
    tags: dict | None = None,
) -> Enhancement:
    """Super-resolve a T1w or T2w brain volume: slice by slice, or along all three axes.

    Args:
        image: scalar 3-D SimpleITK image, any orientation; not changed.
        settings: EnhancementSettings, or None for the defaults.
        mask: brain mask as SimpleITK image, or None; replaces head mask and skull-strip and is
            resampled when it lies on another grid that overlaps.
        progress: called with (fraction 0 to 1, message).
        is_cancelled: asked at least between batches of slices.
        tags: what the scan's files claim about how it was taken (``acquisition.tags.tags_of``): heard where the
            settings leave resolution, checkpoint or slice thickness to the scan.

    Returns:
        Enhancement.

    Raises:
        InputError: the image or the mask cannot be used; the message says why.
        CheckpointError, BackendError, SettingsError: as their names say.
        Cancelled: ``is_cancelled()`` answered true.
    """
    settings = settings or EnhancementSettings()
    use_threads(settings.threads)
    stages = Stages()
    with stages("check"):
        warnings = list(check_image(image))
        engine = choose_engine(settings.engine, settings.device, settings.precision)
        check_backend(settings.skull_strip)
        mask = None if mask is None else match_mask(mask, image)
        told = filled_in(settings, image, tags)
        settings = told.settings
        what = None if settings.resolution == "stated" else measured(image, settings, told.axes)
    job = Job(engine, Task(progress, is_cancelled), stages, warnings)
    if what is not None and what.grid.differs:
        result = enhance_measured(functools.partial(enhance_stated, job=job), image, what, mask)
    else:
        result = enhance_stated(image, settings, mask, job)
    if told.choice is not None:
        result.report["checkpoint"]["chosen"] = told.choice.reason
    return result
