"""The whole job: a loaded scan becomes a super-resolved volume."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from .. import __version__
from ..acquisition.scan_settings import filled_in
from ..checkpoints.noise_control import share_of
from ..checkpoints.registry import find_weights, label, read_card
from ..engines.choice import choose_engine
from ..engines.models import load_model
from ..errors import SettingsError
from ..files.uni_names import is_marked_as_uni
from ..grids.geometry import image_on_enlarged_grid
from ..grids.orientation import LPSFrame
from ..grids.slices import enlargement, is_isotropic
from ..machine import memory
from ..machine.allocator import give_back_freed_memory
from ..machine.cores import use_threads
from ..machine.memory import peak_memory
from ..preprocessing.pipeline import preprocess
from ..preprocessing.skull_strip import check_backend
from ..settings import AUTOMATIC, EnhancementSettings
from ..task import IsCancelled, Progress, Task
from .checks import check_image, match_mask
from .fusion import FUSION
from .inference import SliceEnhancer
from .noise_choice import choose_share
from .region_means import means_over_regions
from .slice_wise import SliceWise
from .stages import Stages
from .three_planes import ThreePlanes
from .through_plane import ThroughPlane
from .true_resolution import enhance_measured, measured
from .variability import TurnedCopies
from .volume import Volume, chosen_axis, stacked_axes
from .work_shares import SliceTask

# How the progress bar is shared out: preprocessing ends here, the network ends there.
PREPROCESSED, ENHANCED = 0.3, 0.95
THINNEST, THICKEST = 0.2, 5.0  # slices by their distance


@dataclass
class Enhancement:
    """What ``enhance`` returns.

    Attributes:
        image: float32, input orientation and physical bounds, in-plane axes refined by the
            checkpoint's scale (with planes "three" all axes); (bias-corrected) input units.
        mask: UInt8 on the same grid, 1 where the result holds.
        maps: further images on the same grid, when asked for: "detail" (signed, what lies beyond the input's
            band), "removed" (signed, what of the scan is gone within that band), "variability" (slice-wise:
            SD over turned slices), "disagreement" (three planes of an isotropic scan: SD between them);
            input units. The last two are means over 3 x 3 x 3 voxels: they tell regions, not voxels.
        report: what was done and how far to trust it; see docs/reference/report.md for its keys.
    """

    image: sitk.Image
    mask: sitk.Image
    maps: dict[str, sitk.Image]
    report: dict


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
    task, stages = Task(progress, is_cancelled), Stages()
    with stages("check"):
        warnings = list(check_image(image))
        chosen = choose_engine(settings.engine, settings.device, settings.precision)
        check_backend(settings.skull_strip)
        if mask is not None:
            mask = match_mask(mask, image)
        told = filled_in(settings, image, tags)
        settings = told.settings
        what = None if settings.resolution == "stated" else measured(image, settings, told.axes)

    def as_stated(image, settings, mask):
        return _enhance_stated(image, settings, mask, chosen, warnings, stages, task)

    if what is not None and what.grid.differs:
        result = enhance_measured(as_stated, image, what, mask)
    else:
        result = as_stated(image, settings, mask)
    if told.choice is not None:
        result.report["checkpoint"]["chosen"] = told.choice.reason
    return result


def _enhance_stated(image, settings, mask, chosen, warnings, stages, task):
    """``enhance`` for an image that was checked and whose every voxel was measured."""
    with stages("model"):
        task.tell(0.0, "Loading the model")
        share, model, card = _loaded(chosen.engine, *_identity(settings.checkpoint), settings.denoise)
    task.check()

    frame = LPSFrame(image)
    volume = _prepared(image, mask, frame, settings, card, chosen, warnings, stages, task.part(0, PREPROCESSED))
    way = _way(volume, settings)
    choice = None
    if settings.denoise == AUTOMATIC and card.get("noise_control"):
        with stages("noise"):
            task.tell(PREPROCESSED, "Measuring how much noise to take away")
            quietly = Task(is_cancelled=task.is_cancelled)  # its few slices are not those of the bar
            choice = choose_share(volume, _tried(chosen, settings, quietly), share, quietly)
            share, model, card = _loaded(chosen.engine, *_identity(settings.checkpoint), str(choice.share))
    enhancer = SliceEnhancer(model, chosen.device, chosen.precision, settings.batch)
    slices = SliceTask(task.part(PREPROCESSED, ENHANCED), way.parts)
    with stages("network"):
        slices.count(0, way.slice_count)
        turned = settings.quality == "best" or (settings.maps and isinstance(way, SliceWise))
        output = way.run(TurnedCopies(enhancer) if turned else enhancer, slices)
    warnings += enhancer.fallbacks
    computed_by = {name: getattr(enhancer, name) for name in ("device", "precision", "batch")}
    del enhancer  # and with it the network's images
    give_back_freed_memory()
    task.tell(ENHANCED, "Comparing with the acquired data")
    with stages("data consistency"):
        consistency = volume.consistency(output, task)
    with stages("finish"):
        maps = {
            name: volume.to_input_units_map(means_over_regions(way.maps.pop(name), volume.large_mask))
            for name in list(way.maps)
        }
        if settings.maps:
            maps["detail"] = volume.detail_map(output)
            maps["removed"] = volume.removed_map(output)
        task.check()
        report_banding = volume.banding(output)
        gradient_ratio = volume.gradient_ratio(output)
        noise = volume.noise(output, share)
        if choice is not None:
            noise.update(chosen=choice.reason, tried=choice.tried)
        volume.to_input_units(output)

    stacks = {"image": output, "mask": volume.large_mask, **maps}
    del output, maps

    def on_grid(name):
        # Along three axes each copy may take gigabytes: turned as a view.
        turned = frame.restore_axes(np.moveaxis(stacks.pop(name), 0, volume.axis))
        return image_on_enlarged_grid(turned, frame, image, volume.lps_axes(volume.factors))

    with stages("finish"):
        images = {name: on_grid(name) for name in list(stacks)}
        result = Enhancement(images.pop("image"), images.pop("mask"), images, {})
    result.report = {
        "version": __version__,
        "checkpoint": {"name": card["name"], "sha256": card["sha256"], "scale": card["scale"], "label": label(card)},
        "engine": {"name": model.engine, "version": model.version},
        **computed_by,
        "stages": {name: round(seconds, 3) for name, seconds in stages.seconds.items()},
        "peak_memory_bytes": peak_memory(chosen.device),
        "input": {"size": list(image.GetSize()), "spacing_mm": list(image.GetSpacing())},
        "output": {"size": list(result.image.GetSize()), "spacing_mm": list(result.image.GetSpacing())},
        "factors": list(frame.image_axes(volume.lps_axes(volume.factors)[::-1])),
        "slices": way.report,
        "data_consistency": consistency,
        "banding": report_banding,
        "through_plane_gradient_ratio": gradient_ratio,
        "noise": noise,
        "quality": "best" if turned else "plain",
        "raised_voxels": volume.raised,
        "skull_strip": volume.strip_report(mask is not None),
        "warnings": warnings,
        **_three_planes_report(volume, way, settings),
    }
    task.tell(1.0, "Done")
    return result


def _tried(chosen, settings, task):
    """A function that enhances a few slices with a share of the noise taken away, for ``choose_share``."""

    def run(share, stack, output, rows, columns):
        _, model, _ = _loaded(chosen.engine, *_identity(settings.checkpoint), str(share))
        enhancer = SliceEnhancer(model, chosen.device, chosen.precision, settings.batch)
        enhancer.run(stack, range(len(stack)), output, rows, columns, task)

    return run


def _prepared(image, mask, frame, settings, card, chosen, warnings, stages, task):
    """The ``Volume`` of an image; everything else that preprocessing makes is let go here."""
    give_back_freed_memory()
    lps = frame.enter(sitk.Cast(image, sitk.sitkFloat32))
    _refuse_what_does_not_fit(lps, settings, card["scale"])
    prepared = preprocess(
        lps,
        bias_correction=settings.bias_correction,
        skull_strip=settings.skull_strip,
        whole_head=settings.keep_skull,
        mask=None if mask is None else frame.enter(mask),
        device=_device_of_torch(chosen),
        task=task,
        named_uni=is_marked_as_uni(image),
        with_field=settings.restore_bias,
    )
    stages.seconds.update(prepared.stages)
    warnings += prepared.warnings
    return Volume(prepared, lps, settings, card)


def _way(volume, settings):
    """The object that enhances the volume as the setting for planes says."""
    if settings.planes != "three":
        return SliceWise(volume, settings.maps, whole=not volume.masked)
    return ThreePlanes(volume, settings.maps) if is_isotropic(volume.spacing) else ThroughPlane(volume)


def _refuse_what_does_not_fit(lps, settings, scale):
    """Size a job along three axes before any work; the brain's box is not known yet, so the frame stands for it."""
    if settings.planes == "three":
        axis = chosen_axis(lps, settings.planes)
        size, spacing = (stacked_axes(one[::-1], axis) for one in (lps.GetSize(), lps.GetSpacing()))
        factors = enlargement(spacing, scale, "three")
        _refuse_thickness(settings.slice_thickness, spacing)
        memory.require_memory(memory.estimate_bytes(size, size, factors, *_extras(settings)))


def _refuse_thickness(thickness, spacing):
    if thickness and not is_isotropic(spacing) and not THINNEST <= thickness / spacing[0] <= THICKEST:
        raise SettingsError(
            f"Slices {thickness:g} mm thick do not fit a scan with one every {spacing[0]:.3g} mm: give the thickness of"
            " the slices in mm, or 0."
        )


def _extras(settings):
    """What else takes memory along three axes: (maps, turned copies)."""
    return settings.maps, settings.quality == "best"


def _three_planes_report(volume, way, settings):
    if settings.planes != "three":
        return {}
    box = [part.stop - part.start for part in volume.box]
    report = {
        "memory_estimate_bytes": memory.estimate_bytes(volume.acquired.shape, box, volume.factors, *_extras(settings)),
    }
    if volume.thickness is not None:
        distance = volume.spacing[0]
        report["slice_profile"] = {"thickness_mm": volume.thickness * distance, "distance_mm": distance}
    if isinstance(way, ThreePlanes):
        report["fusion"] = FUSION
    return report


def _identity(name_or_path):
    """What identifies a checkpoint's content: a file that is replaced is loaded again."""
    path = find_weights(name_or_path)
    status = path.stat()
    return str(path), status.st_mtime_ns, status.st_size


@functools.lru_cache(maxsize=6)  # the shares that are tried, and one more
def _loaded(engine, path, modified, size, denoise):
    """(percent of the noise to take away, model, card); kept between calls, so that the worker's model stays warm."""
    share = share_of(read_card(path), denoise)
    return (share, *load_model(engine, path, share))


def _device_of_torch(chosen):
    """Where a skull-strip that needs torch computes."""
    return chosen.device if chosen.engine == "torch" else "cpu"
