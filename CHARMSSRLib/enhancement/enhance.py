"""The whole job: a loaded scan becomes a super-resolved volume."""

import functools
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
import torch
import torch.nn.functional as F

from .. import __version__
from ..checkpoint import load_checkpoint
from ..checkpoint_registry import find_weights, label
from ..errors import Cancelled, InputError
from ..network.charms import bicubic_upsample
from ..preprocessing.intensity import fit_intensity_scale
from ..preprocessing.orientation import LPSFrame
from ..preprocessing.pipeline import preprocess
from ..preprocessing.skull_strip import check_backend
from ..settings import EnhancementSettings
from .banding import banding
from .checks import check_image, match_mask
from .data_consistency import Operator, project, residual
from .detail_map import added_detail
from .devices import choose_device, choose_precision
from .geometry import image_on_enlarged_grid
from .inference import SliceEnhancer
from .report import Stages, peak_memory
from .slices import plan_slices, plane_axis, slice_axis

# How the progress bar is shared out: preprocessing ends here, the network ends there.
PREPROCESSED, ENHANCED = 0.3, 0.95


@dataclass
class Enhancement:
    """What ``enhance`` returns.

    Attributes:
        image: float32, input orientation and physical bounds, in-plane axes refined by the
            checkpoint's scale; (bias-corrected) input units.
        mask: UInt8 on the same grid, 1 where the result holds.
        maps: further images on the same grid by name ("detail"), when asked for.
        report: what was done and how far to trust it; see docs/report.md for its keys.
    """

    image: sitk.Image
    mask: sitk.Image
    maps: dict[str, sitk.Image]
    report: dict


def enhance(image, settings=None, mask=None, progress=None, is_cancelled=None):
    """Super-resolve a T1w or T2w brain volume slice by slice.

    Args:
        image: scalar 3-D SimpleITK image, any orientation; not changed.
        settings: EnhancementSettings, or None for the defaults.
        mask: brain mask as SimpleITK image, or None; replaces head mask and skull-strip and is
            resampled when it lies on another grid that overlaps.
        progress: called with (fraction 0 to 1, message).
        is_cancelled: asked at least between batches of slices.

    Returns:
        Enhancement.

    Raises:
        InputError: the image or the mask cannot be used; the message says why.
        CheckpointError, BackendError, SettingsError: as their names say.
        Cancelled: ``is_cancelled()`` answered true.
    """
    settings = settings or EnhancementSettings()
    tell = progress or (lambda fraction, message: None)
    stages = Stages()
    with stages("check"):
        warnings = list(check_image(image))
        device = choose_device(settings.device)
        check_backend(settings.skull_strip)
        if mask is not None:
            mask = match_mask(mask, image)
    with stages("model"):
        tell(0.0, "Loading the model")
        network, card = _loaded(*_identity(settings.checkpoint))
    _raise_if(is_cancelled)

    frame = LPSFrame(image)
    lps = frame.enter(sitk.Cast(image, sitk.sitkFloat32))
    prepared = preprocess(
        lps,
        bias_correction=settings.bias_correction,
        skull_strip=settings.skull_strip,
        mask=None if mask is None else frame.enter(mask),
        device=str(device),
        progress=lambda fraction, message: tell(PREPROCESSED * fraction, message),
        is_cancelled=is_cancelled,
    )
    stages.seconds.update(prepared.stages)
    warnings += prepared.warnings

    volume = _Volume(prepared, lps, settings, card)
    enhancer = SliceEnhancer(network, device, choose_precision(settings.precision, device), settings.batch)
    with stages("network"):
        output = volume.run(enhancer, tell, is_cancelled)
    warnings += enhancer.fallbacks
    tell(ENHANCED, "Comparing with the acquired data")
    with stages("data consistency"):
        consistency = volume.consistency(output, is_cancelled)
    with stages("finish"):
        volume.mask_background(output)
        report_banding = volume.banding(output)
        maps = {"detail": volume.to_input_units_map(added_detail(output, card["scale"]))} if settings.maps else {}
        volume.to_input_units(output)

    def on_grid(stack):
        array = np.ascontiguousarray(np.moveaxis(stack, 0, volume.plan.axis))
        return image_on_enlarged_grid(array, frame, image, volume.factors)

    with stages("finish"):
        result = Enhancement(on_grid(output), on_grid(volume.large_mask), {k: on_grid(v) for k, v in maps.items()}, {})
    result.report = {
        "version": __version__,
        "checkpoint": {"name": card["name"], "sha256": card["sha256"], "scale": card["scale"], "label": label(card)},
        "device": str(enhancer.device),
        "precision": str(enhancer.dtype).replace("torch.", ""),
        "batch": enhancer.batch,
        "stages": {name: round(seconds, 3) for name, seconds in stages.seconds.items()},
        "peak_memory_bytes": peak_memory(device),
        "input": {"size": list(image.GetSize()), "spacing_mm": list(image.GetSpacing())},
        "output": {"size": list(result.image.GetSize()), "spacing_mm": list(result.image.GetSpacing())},
        "slices": {
            "plane": {0: "axial", 1: "coronal", 2: "sagittal"}[volume.plan.axis],
            "enhanced": len(volume.plan.indices),
            "skipped": volume.plan.skipped,
            "frame_share": round(volume.share_of_frame, 4),
        },
        "data_consistency": consistency,
        "banding": report_banding,
        "skull_strip": volume.strip_report(settings, mask is not None),
        "warnings": warnings,
    }
    tell(1.0, "Done")
    return result


class _Volume:
    """One volume in the LPS frame, as a stack of slices on the network's intensity scale."""

    def __init__(self, prepared, lps, settings, card):
        self.prepared, self.settings, self.scale = prepared, settings, card["scale"]
        values = sitk.GetArrayFromImage(prepared.image)
        brain = sitk.GetArrayFromImage(prepared.mask) > 0
        if not brain.any():
            raise InputError("No brain was found in the image; give a mask (--mask), or check that it is a head.")
        foreground = sitk.GetArrayFromImage(prepared.head) > 0 if settings.keep_skull else brain
        axis = slice_axis(lps) if settings.planes == "acquisition" else plane_axis(settings.planes)
        self.plan = plan_slices(foreground, axis, card["margin"])
        self.intensity = fit_intensity_scale(values, brain, card["intensity"])
        self.operator = Operator(card["data_consistency_operator"], self.scale)
        # in: bias-corrected, normalised, before masking; the reference of the data consistency.
        self.acquired = np.moveaxis(self.intensity.apply(values), axis, 0)
        self.brain = np.moveaxis(brain, axis, 0)
        # With the skull kept there is no edge to mask: the network sees everything inside the box.
        self.foreground = None if settings.keep_skull else self.brain
        self.factors = tuple(1 if i == axis else self.scale for i in range(3))
        self.large_mask = _enlarge_mask(np.moveaxis(foreground, axis, 0), self.scale)

    @property
    def share_of_frame(self):
        """Share of all in-plane pixels of the volume that go through the network."""
        n, h, w = self.acquired.shape
        box = (self.plan.rows.stop - self.plan.rows.start) * (self.plan.columns.stop - self.plan.columns.start)
        return len(self.plan.indices) * box / (n * h * w)

    def run(self, enhancer, tell, is_cancelled):
        """The enhanced stack (n, s*h, s*w) on the uncropped frame, before masking."""
        network_input = self.acquired
        if self.foreground is not None:
            network_input = np.where(self.foreground, self.acquired, np.float32(0))

        def step(done, count):
            tell(PREPROCESSED + (ENHANCED - PREPROCESSED) * done / count, f"Enhancing slice {done} of {count}")

        step(0, len(self.plan.indices))
        output = self._interpolated(is_cancelled)
        inside = output if self.foreground is None else np.empty_like(output)
        enhancer.run(network_input, self.plan.indices, inside, self.plan.rows, self.plan.columns, step, is_cancelled)
        if inside is not output:
            # Outside the brain the frame holds interpolated input, so that no artificial edge
            # enters the comparison with the acquired data.
            for i in self.plan.indices:
                np.copyto(output[i], inside[i], where=self.large_mask[i] > 0)
        return output

    def _interpolated(self, is_cancelled):
        n, h, w = self.acquired.shape
        output = np.zeros((n, h * self.scale, w * self.scale), np.float32)
        needed = range(n) if self.settings.keep_skull else self.plan.indices
        for i in needed:
            if i % 16 == 0:
                _raise_if(is_cancelled)
            one = torch.from_numpy(np.ascontiguousarray(self.acquired[i]))[None, None]
            output[i] = bicubic_upsample(one, self.scale)[0, 0].numpy()
        return output

    def consistency(self, output, is_cancelled):
        """Measure (and with "project" enforce, in place) that the degraded output is the input."""
        mode = self.settings.data_consistency
        report = {"mode": mode, "operator": self.operator.name, "before": None, "after": None}
        if mode == "none":
            return report
        report["before"] = report["after"] = residual(output, self.acquired, self.brain, self.operator)
        if mode == "project":
            project(output, self.acquired, self.brain, self.operator, is_cancelled)
            report["after"] = residual(output, self.acquired, self.brain, self.operator)
        return report

    def mask_background(self, output):
        if self.foreground is not None:
            output *= self.large_mask

    def banding(self, output):
        """The banding figure of the masked input and of the output, both on the input's grid."""
        masked = np.where(self.brain, self.acquired, np.float32(0))
        down = np.zeros_like(masked)
        for i in self.plan.indices:
            one = torch.from_numpy(output[i])[None, None]
            down[i] = self.operator.down(one)[0, 0].numpy()
        return {"input": banding(masked, self.brain), "output": banding(np.where(self.brain, down, 0), self.brain)}

    def to_input_units(self, output):
        """Undo the intensity scaling in place (and the bias correction when that was asked for)."""
        output *= np.float32(self.intensity.upper - self.intensity.lower)
        output += np.float32(self.intensity.lower)
        if self.settings.restore_bias and self.prepared.field is not None:
            field = np.moveaxis(sitk.GetArrayFromImage(self.prepared.field), self.plan.axis, 0)
            for i in range(len(output)):
                one = torch.from_numpy(np.ascontiguousarray(field[i]))[None, None]
                output[i] *= bicubic_upsample(one, self.scale)[0, 0].numpy()
        self.mask_background(output)

    def to_input_units_map(self, stack):
        return stack * np.float32(self.intensity.upper - self.intensity.lower) * self.large_mask

    def strip_report(self, settings, has_user_mask):
        strip = self.prepared.strip
        backend = "user mask" if has_user_mask else strip.backend if strip is not None else "none"
        voxel_ml = float(np.prod(self.prepared.mask.GetSpacing())) / 1000
        volume_ml = round(float(self.brain.sum()) * voxel_ml, 1)
        return {"backend": backend, "volume_ml": volume_ml, "skull_kept": settings.keep_skull}


def _enlarge_mask(stack, scale):
    """UInt8 (n, s*h, s*w): the mask's half level after bilinear interpolation, so its edge is not in steps."""
    large = np.empty((len(stack), stack.shape[1] * scale, stack.shape[2] * scale), np.uint8)
    for i, one in enumerate(stack):
        if not one.any():
            large[i] = 0
            continue
        tensor = torch.from_numpy(one.astype(np.float32))[None, None]
        smooth = F.interpolate(tensor, scale_factor=float(scale), mode="bilinear", align_corners=False)
        large[i] = (smooth[0, 0] >= 0.5).numpy()
    return large


def _identity(name_or_path):
    """What identifies a checkpoint's content: a file that is replaced is loaded again."""
    path = find_weights(name_or_path)
    status = path.stat()
    return str(path), status.st_mtime_ns, status.st_size


@functools.lru_cache(maxsize=2)
def _loaded(path, modified, size):
    """Kept between calls, so that the worker's model stays warm."""
    checkpoint = load_checkpoint(path)
    return checkpoint.network, checkpoint.card


def _raise_if(is_cancelled):
    if is_cancelled is not None and is_cancelled():
        raise Cancelled()
