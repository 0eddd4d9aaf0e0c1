"""The built-in backend: our own small network on a 3 mm grid; needs no download and no GPU."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ...checkpoints.weights import read_safetensors
from ...engines.choice import has_ncnn
from ...errors import BackendError
from ...grids.orientation import LPSFrame, bounding_box, image_like
from ...task import Task
from ..morphology import fill_holes, largest_component
from .builtin_layout import SIZE_MULTIPLE
from .trim import trimmed

HOW_TO_GET_IT = "The weights of the built-in skull-strip are missing: CHARMSSR is damaged. Install it again."
WEIGHTS = Path(__file__).resolve().parents[2] / "checkpoints" / "skull-strip-builtin.safetensors"
SPACING_MM = 3.0
# Around the head, so that its border is seen as such.
_MARGIN_MM = 6.0
# From the top of the head down: what the network saw in training. Necks below it mislead it.
_DEPTH_MM = 192.0
# Adults' brains end 115 to 165 mm below the top of the head. Below the first of these depths a voxel
# needs more and more evidence, so that the mask does not run into neck muscles (logit per mm).
_DEEP_MM = 150.0
_DEEP_SLOPE = 0.3
# Probability 0.21 instead of 0.5: losing brain is worse than keeping some fluid.
_THRESHOLD_LOGIT = -1.3
_OUTSIDE_LOGIT = -10.0
# How far above the threshold filled holes are put.
_HOLE_MARGIN = 0.5


def is_available() -> bool:
    """Whether the weights are where the installation puts them."""
    return WEIGHTS.is_file() and WEIGHTS.with_suffix(".json").is_file()


def strip(image: sitk.Image, head: sitk.Image, device: str = "cpu", task: Task | None = None) -> sitk.Image:
    """Brain mask, UInt8 on the grid of ``image``.

    Raises:
        BackendError: the weights are damaged, or no brain was found.
        Cancelled: the task was cancelled.
    """
    return strip_with(WEIGHTS, image, head, device, task)


def strip_with(
    weights: Path, image: sitk.Image, head: sitk.Image, device: str = "cpu", task: Task | None = None
) -> sitk.Image:
    """:func:`strip` with the weights in another file.

    Args:
        weights: Path, with the card beside it.
        image: as for every backend.
        head: likewise.
        device: likewise.
        task: likewise.
    """
    frame = LPSFrame(image)
    upright = frame.enter(sitk.Cast(image, sitk.sitkFloat32))
    upright_head = frame.enter(head)
    values, grid = network_input(upright, upright_head)
    (task or Task()).check()
    logits = _logits(values, device, str(weights)) - _depth_penalty(grid, upright, upright_head)
    logits = _only_the_brain(logits)
    return frame.leave(_on_full_grid(image_like(logits, grid), upright))


def network_input(upright: sitk.Image, head: sitk.Image) -> tuple[np.ndarray, sitk.Image]:
    """What the network reads, and its grid.

    Args:
        upright: the scan in the LPS frame, float32.
        head: its head mask.

    Returns:
        tuple: float32 array (z, y, x) in which the head's 99th percentile is 1, clipped to
        [0, 1.5], and an image that defines its 3 mm grid.
    """
    inside = sitk.GetArrayViewFromImage(head) > 0
    bright = float(np.percentile(sitk.GetArrayViewFromImage(upright)[inside], 99)) if inside.any() else 0.0
    if bright <= 0:
        raise BackendError("The built-in skull-strip found no head. Check the image, or give a mask.")
    grid = _grid_around(bounding_box(inside), upright)
    factors = [
        max(1, min(int(SPACING_MM / step + 0.01), size // 4))
        for step, size in zip(upright.GetSpacing(), upright.GetSize())
    ]
    # Averaging first keeps fine texture and noise from aliasing onto the coarse grid.
    coarse = sitk.Resample(sitk.BinShrink(upright, factors), grid, sitk.Transform(), sitk.sitkLinear, 0.0)
    return np.clip(sitk.GetArrayFromImage(coarse) / bright, 0.0, 1.5).astype(np.float32), grid


def _grid_around(box, upright):
    """An empty 3 mm image around the head's box, its size divisible as the network needs."""
    spacing = np.array(upright.GetSpacing())
    low = np.array([axis.start for axis in box[::-1]]) * spacing - _MARGIN_MM
    high = np.array([axis.stop - 1 for axis in box[::-1]]) * spacing + _MARGIN_MM
    low[2] = max(low[2], high[2] - _DEPTH_MM)
    step = SPACING_MM * SIZE_MULTIPLE
    blocks = np.maximum(1, np.ceil((high - low) / step - 1e-6))
    spare = blocks * step - (high - low)
    # Surplus goes to both sides in the axial plane, and below.
    origin = low - spare * np.array([0.5, 0.5, 1.0]) + SPACING_MM / 2
    grid = sitk.Image([int(count) * SIZE_MULTIPLE for count in blocks], sitk.sitkFloat32)
    grid.SetSpacing([SPACING_MM] * 3)
    grid.SetOrigin(origin.tolist())
    return grid


def _depth_penalty(grid, upright, head):
    """What the logits of each 3 mm slice lose for lying deep below the top of the head; (z, 1, 1)."""
    slices = np.flatnonzero(sitk.GetArrayViewFromImage(head).any(axis=(1, 2)))
    top = (slices[-1] + 0.5) * upright.GetSpacing()[2]
    depth = top - (grid.GetOrigin()[2] + np.arange(grid.GetSize()[2]) * SPACING_MM)
    return (_DEEP_SLOPE * np.maximum(depth - _DEEP_MM, 0.0)).astype(np.float32)[:, None, None]


def _logits(values, device, weights):
    """The network's answer, averaged with that for the mirrored head; (z, y, x)."""
    both = np.stack([values, values[:, :, ::-1]])
    plain, mirrored = (
        _with_ncnn(both, weights) if device == "cpu" and has_ncnn() else _with_torch(both, device, weights)
    )
    return 0.5 * (plain + mirrored[:, :, ::-1])


def _with_ncnn(both, weights):
    network = _network(weights, "ncnn")
    return [network(np.ascontiguousarray(one)) for one in both]


def _with_torch(both, device, weights):
    import torch

    network = _network(weights, "torch").to(torch.device(device))
    with torch.inference_mode():
        return network(torch.from_numpy(both[:, None]).to(torch.device(device))).float().cpu().numpy()[:, 0]


def _network(weights, engine):
    try:
        card = json.loads(Path(weights).with_suffix(".json").read_text(encoding="utf-8"))
        digest = hashlib.sha256(Path(weights).read_bytes()).hexdigest()
        if digest != card["sha256"]:
            raise ValueError("its SHA-256 differs from the card's")
        arrays = read_safetensors(weights)
        if engine == "ncnn":
            from .builtin_ncnn import NcnnStripUNet

            return NcnnStripUNet(arrays)
        import torch

        from .builtin_network import StripUNet

        network = StripUNet()
        network.load_state_dict({name: torch.from_numpy(value) for name, value in arrays.items()})
        return network.eval()
    except Exception as error:
        raise BackendError(
            f"The weights of the built-in skull-strip are damaged ({error}). Install CHARMSSR "
            "again, or choose another skull-strip backend."
        ) from error


def _only_the_brain(logits):
    """Logits with every part but the largest switched off and its holes switched on."""
    brain = fill_holes(largest_component(logits > _THRESHOLD_LOGIT))
    if not brain.any():
        raise BackendError("The built-in skull-strip found no brain. Choose another backend, or give a mask.")
    # One voxel around stays as it is: it shapes the border between the voxels.
    rim = ndimage.binary_dilation(brain) & ~brain
    outside = np.where(rim, np.minimum(logits, _THRESHOLD_LOGIT), _OUTSIDE_LOGIT)
    return np.where(brain, np.maximum(logits, _THRESHOLD_LOGIT + _HOLE_MARGIN), outside).astype(np.float32)


def _on_full_grid(logits, upright):
    fine = sitk.Resample(logits, upright, sitk.Transform(), sitk.sitkLinear, _OUTSIDE_LOGIT)
    mask = sitk.GetArrayViewFromImage(fine) > _THRESHOLD_LOGIT
    box = bounding_box(mask)
    if box is None:
        raise BackendError("The built-in skull-strip found no brain. Choose another backend, or give a mask.")
    generous = np.zeros(mask.shape, bool)
    generous[box] = fill_holes(largest_component(mask[box]))
    values, spacing = sitk.GetArrayViewFromImage(upright), upright.GetSpacing()[::-1]
    brain = trimmed(generous, sitk.GetArrayViewFromImage(fine), values, spacing)
    return image_like(brain.astype(np.uint8), upright)
