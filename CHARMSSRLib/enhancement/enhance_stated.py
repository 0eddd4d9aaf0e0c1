"""The steps from a scan that was checked, and whose every voxel was measured, to the result.

Arrays of the scan are stacks (n, h, w) float32 on the network's intensity scale, axis 0 across the slices; those of the
result have the size of the enlarged grid. They lie in one dict and leave it one by one, for along three axes each may
take gigabytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk

from ..engines.models import load_model
from ..files.uni_names import is_marked_as_uni
from ..grids.geometry import image_on_enlarged_grid
from ..grids.orientation import LPSFrame
from ..grids.slices import is_isotropic
from ..machine.allocator import give_back_freed_memory
from ..preprocessing.pipeline import preprocess
from ..settings import AUTOMATIC, EnhancementSettings
from ..task import Task
from .inference import SliceEnhancer
from .job import Job
from .loaded_model import Loaded, load
from .noise_choice import NoiseChoice, choose_share
from .region_means import means_over_regions
from .report_parts import NetworkRun, figures_of, grids_of, what_computed
from .result import Enhancement
from .slice_wise import SliceWise
from .three_axes_needs import refuse_what_does_not_fit, three_axes_report
from .three_planes import ThreePlanes
from .through_plane import ThroughPlane
from .variability import TurnedCopies
from .volume import Volume
from .work_shares import SliceTask

# How the progress bar is shared out: preprocessing ends here, the network ends there.
PREPROCESSED, ENHANCED = 0.3, 0.95


def enhance_stated(image: sitk.Image, settings: EnhancementSettings, mask: sitk.Image | None, job: Job) -> Enhancement:
    """Enhance a scan from its voxels as they are.

    Args:
        image: scalar 3-D, checked, any orientation; not changed.
        settings: with the checkpoint named.
        mask: of the brain on the image's grid, or None.
        job: whose warnings and stages are added to.

    Raises:
        CHARMSSRError: as ``enhance`` says.
    """
    frame = LPSFrame(image)
    loaded = load_checkpoint_of(settings, job)
    volume = prepare(image, mask, frame, settings, loaded.card, job)
    way = way_of(volume, settings)
    loaded, choice = choose_noise(volume, settings, loaded, job)
    output, run = run_network(volume, way, settings, loaded, job)
    stacks = {"image": output}
    del output  # the dict is to hold it alone
    give_back_freed_memory()
    consistency = compare_with_scan(volume, stacks["image"], job)
    with job.stages("finish"):
        stacks.update(maps_of(volume, way, stacks["image"], settings.maps))
        job.task.check()
        figures = figures_of(volume, stacks["image"], loaded.share, choice)
        volume.to_input_units(stacks["image"])
        stacks["mask"] = volume.large_mask
        images = on_the_grid_of(image, frame, volume, stacks)
    result = Enhancement(images.pop("image"), images.pop("mask"), images, {})
    result.report = {
        **what_computed(loaded, run, job),
        **grids_of(image, result, frame, volume),
        "slices": way.report,
        "data_consistency": consistency,
        **figures,
        "quality": "best" if run.turned else "plain",
        "raised_voxels": volume.raised,
        "skull_strip": volume.strip_report(mask is not None),
        "warnings": job.warnings,
        "notes": job.notes,
        **three_axes_report(volume, way, settings),
    }
    job.task.tell(1.0, "Done")
    return result


def load_checkpoint_of(settings: EnhancementSettings, job: Job) -> Loaded:
    """The checkpoint that the settings name, ready to run."""
    with job.stages("model"):
        job.task.tell(0.0, "Loading the model")
        loaded = load(job.engine.engine, settings.checkpoint, settings.denoise)
    job.task.check()
    return loaded


def prepare(
    image: sitk.Image,
    mask: sitk.Image | None,
    frame: LPSFrame,
    settings: EnhancementSettings,
    card: dict,
    job: Job,
) -> Volume:
    """Correct, strip and scale a scan; everything else that preprocessing makes is let go here.

    Args:
        image: as it came.
        mask: on its grid, or None.
        frame: of the image.
        settings: of the enhancement.
        card: of the checkpoint.
        job: whose warnings and stages are added to.
    """
    give_back_freed_memory()
    lps = frame.enter(sitk.Cast(image, sitk.sitkFloat32))
    refuse_what_does_not_fit(lps, settings, card["scale"])
    prepared = preprocess(
        lps,
        bias_correction=settings.bias_correction,
        skull_strip=settings.skull_strip,
        whole_head=settings.keep_skull,
        mask=None if mask is None else frame.enter(mask),
        device=job.device_of_torch,
        task=job.task.part(0, PREPROCESSED),
        named_uni=is_marked_as_uni(image),
        with_field=settings.restore_bias,
    )
    job.stages.seconds.update(prepared.stages)
    job.warnings += prepared.warnings
    return Volume(prepared, lps, settings, card)


def way_of(volume: Volume, settings: EnhancementSettings) -> SliceWise | ThreePlanes | ThroughPlane:
    """The object that enhances the volume as the setting for planes says."""
    if settings.planes != "three":
        return SliceWise(volume, settings.maps, whole=not volume.masked)
    return ThreePlanes(volume, settings.maps) if is_isotropic(volume.spacing) else ThroughPlane(volume)


def choose_noise(
    volume: Volume, settings: EnhancementSettings, loaded: Loaded, job: Job
) -> tuple[Loaded, NoiseChoice | None]:
    """The network with the share of the noise that suits the scan, where that is left to the program.

    Args:
        volume: the scan, on a few slices of which shares are tried.
        settings: of the enhancement.
        loaded: with the card's share.
        job: which computes.

    Returns:
        The network, and why this share; without a choice the one that was given, and None.
    """
    if settings.denoise != AUTOMATIC or not loaded.card.get("noise_control"):
        return loaded, None
    quietly = Task(is_cancelled=job.task.is_cancelled)  # its few slices are not those of the bar

    def run(share, stack, output, rows, columns):
        # Not kept: each takes some megabytes, one of them is loaded again.
        model, _ = load_model(job.engine.engine, settings.checkpoint, share)
        enhancer = SliceEnhancer(model, job.engine.device, job.engine.precision, settings.batch)
        enhancer.run(stack, range(len(stack)), output, rows, columns, quietly)

    with job.stages("noise"):
        job.task.tell(PREPROCESSED, "Measuring how much noise to take away")
        choice = choose_share(volume, run, loaded.share, quietly)
        give_back_freed_memory()  # of the networks that were tried
        return load(job.engine.engine, settings.checkpoint, str(choice.share)), choice


def run_network(
    volume: Volume, way: Any, settings: EnhancementSettings, loaded: Loaded, job: Job
) -> tuple[np.ndarray, NetworkRun]:
    """All slices through the network; what it held beside the result is let go.

    Args:
        volume: the scan.
        way: of :func:`way_of`; its ``maps`` are filled.
        settings: of the enhancement.
        loaded: the network.
        job: whose notes are added to where memory was short.

    Returns:
        (n', s*h, s*w) float32, normalised, not masked; and how the network ran.
    """
    enhancer = SliceEnhancer(loaded.model, job.engine.device, job.engine.precision, settings.batch)
    turned = settings.quality == "best" or (settings.maps and isinstance(way, SliceWise))
    slices = SliceTask(job.task.part(PREPROCESSED, ENHANCED), way.parts)
    with job.stages("network"):
        slices.count(0, way.slice_count)
        output = way.run(TurnedCopies(enhancer) if turned else enhancer, slices)
    job.notes += enhancer.fallbacks
    return output, NetworkRun(enhancer.device, enhancer.precision, enhancer.batch, turned)


def compare_with_scan(volume: Volume, output: np.ndarray, job: Job) -> dict:
    """How far the result, brought back to the scan's grid, is from the scan; with "project" it is made to agree.

    Args:
        volume: the scan.
        output: the enlarged stack (n', s*h, s*w), not masked yet; changed in place with "project".
        job: its task may stop.
    """
    job.task.tell(ENHANCED, "Comparing with the acquired data")
    with job.stages("data consistency"):
        return volume.consistency(output, job.task)


def maps_of(volume: Volume, way: Any, output: np.ndarray, wanted: bool) -> dict[str, np.ndarray]:
    """Stacks of the maps in input units, masked, by name.

    Args:
        volume: the scan.
        way: whose own maps are taken out of it.
        output: the enlarged stack (n', s*h, s*w), normalised and not masked yet.
        wanted: whether the maps of what was added and removed are.
    """
    maps = {}
    for name in list(way.maps):
        maps[name] = volume.to_input_units_map(means_over_regions(way.maps.pop(name), volume.large_mask))
    if wanted:
        maps["detail"] = volume.detail_map(output)
        maps["removed"] = volume.removed_map(output)
    return maps


def on_the_grid_of(
    image: sitk.Image, frame: LPSFrame, volume: Volume, stacks: dict[str, np.ndarray]
) -> dict[str, sitk.Image]:
    """The images of stacks (n', s*h, s*w) where the scan lies; each is taken out of its dict and turned as a view."""
    images = {}
    for name in list(stacks):
        turned = frame.restore_axes(np.moveaxis(stacks.pop(name), 0, volume.axis))
        images[name] = image_on_enlarged_grid(turned, frame, image, volume.lps_axes(volume.factors))
    return images
