"""SynthStrip (Hoopes et al., NeuroImage 2022) with the weights of the user's FreeSurfer.

The weights are not part of CHARMSSR (FreeSurfer's licence). They are looked for in the file that
the environment variable CHARMSSR_SYNTHSTRIP_WEIGHTS names, then in
``$FREESURFER_HOME/models/synthstrip.1.pt``. Nothing is downloaded.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ...errors import BackendError
from ...grids.orientation import LPSFrame, bounding_box, image_like
from ...task import Task
from ..morphology import largest_component

if TYPE_CHECKING:
    from .synthstrip_network import SynthStripNetwork

WEIGHTS_VARIABLE = "CHARMSSR_SYNTHSTRIP_WEIGHTS"
# Of the public synthstrip.1.pt (30,851,709 bytes), as several public tools that fetch it pin it.
PUBLIC_SHA256 = "37417f802196186441aae3e7f385d94f8a98c64a88acaeaa2723af995c653e33"
HOW_TO_GET_IT = (
    "The skull-strip backend synthstrip needs PyTorch and FreeSurfer's file synthstrip.1.pt. Set FREESURFER_HOME, "
    f"or name the file in the environment variable {WEIGHTS_VARIABLE}."
)
_SMALLEST_SIZE, _LARGEST_SIZE = 192, 320
# The mask ends this many millimetres outside the brain's surface.
_BORDER_MM = 1.0
# What the distance map says outside the network's field of view.
_FAR_MM = 100.0


def is_available() -> bool:
    """Whether PyTorch and a weights file are there (its content is checked when it is loaded)."""
    return importlib.util.find_spec("torch") is not None and weights_file() is not None


def weights_file() -> Path | None:
    """Path of the weights, or None."""
    named = os.environ.get(WEIGHTS_VARIABLE)
    freesurfer = os.environ.get("FREESURFER_HOME")
    for candidate in ([Path(named)] if named else []) + (
        [Path(freesurfer) / "models" / "synthstrip.1.pt"] if freesurfer else []
    ):
        if candidate.is_file():
            return candidate
    return None


def strip(image: sitk.Image, head: sitk.Image, device: str = "cpu", task: Task | None = None) -> sitk.Image:
    """Brain mask, UInt8 on the grid of ``image``; ``head`` is not used.

    Raises:
        BackendError: the weights are missing or not the public ones, or no brain was found.
        Cancelled: the task was cancelled.
    """
    path = weights_file()
    if path is None:
        raise BackendError(HOW_TO_GET_IT)
    network = load_network(str(path))
    frame = LPSFrame(image)
    upright = frame.enter(sitk.Cast(image, sitk.sitkFloat32))
    conformed = conform(upright)
    (task or Task()).check()
    distance = image_like(_distances(network, sitk.GetArrayFromImage(conformed), device), conformed)
    return frame.leave(mask_from_distances(distance, upright))


@lru_cache(maxsize=1)
def load_network(path: Path, expected_sha256: str = PUBLIC_SHA256) -> SynthStripNetwork:
    """The network with the weights in ``path``, in eval mode.

    The file's SHA-256 is compared before it is opened, and it is opened as plain tensors only.
    """
    import torch

    from .synthstrip_network import SynthStripNetwork

    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    if digest != expected_sha256:
        raise BackendError(
            f"{path} is not the public synthstrip.1.pt (its SHA-256 is {digest}, not "
            f"{expected_sha256}). Get the file from FreeSurfer again."
        )
    try:
        network = SynthStripNetwork()
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True)["model_state_dict"])
    except Exception as error:
        raise BackendError(f"The SynthStrip weights in {path} cannot be read ({error}).") from error
    return network.eval()


def conform(upright: sitk.Image) -> sitk.Image:
    """``upright`` (LPS frame) as SynthStrip reads it, still in the LPS frame.

    1 mm voxels by nearest neighbour around the same centre, cropped to what is not zero, centred
    in a box whose sizes are multiples of 64 from 192 to 320.
    """
    spacing, size = np.array(upright.GetSpacing()), np.array(upright.GetSize())
    new_size = np.ceil(size * spacing - 1e-4).astype(int)
    origin = (size - 1) * spacing / 2 - (new_size - 1) / 2
    fine = sitk.Resample(
        upright,
        [int(count) for count in new_size],
        sitk.Transform(),
        sitk.sitkNearestNeighbor,
        origin.tolist(),
        (1.0, 1.0, 1.0),
    )
    values = sitk.GetArrayFromImage(fine)
    box = bounding_box(values != 0)
    if box is None:
        raise BackendError("SynthStrip found nothing in the image: it is zero everywhere.")
    start = np.array([axis.start for axis in box])
    shape = np.array([axis.stop - axis.start for axis in box])
    target = np.clip(np.ceil(shape / 64).astype(int) * 64, _SMALLEST_SIZE, _LARGEST_SIZE)
    # LIA runs against LPS along z and y: an odd surplus voxel goes to the other side there.
    spare = target - shape
    before = np.array([-(-spare[0] // 2), -(-spare[1] // 2), spare[2] // 2])
    result = _placed(values[box], before, target)
    placed = sitk.GetImageFromArray(result)
    corner = origin + (start - before)[::-1]
    placed.SetOrigin(corner.tolist())
    return placed


def _placed(values, before, shape):
    """``values`` padded with zeros (or cropped, where ``before`` is negative) to ``shape``."""
    result = np.zeros(shape, np.float32)
    source = tuple(
        slice(max(0, -shift), min(size, length - shift)) for shift, size, length in zip(before, values.shape, shape)
    )
    target = tuple(slice(max(0, shift), max(0, shift) + part.stop - part.start) for shift, part in zip(before, source))
    result[target] = values[source]
    return result


def _distances(network, values, device):
    """Signed distances in mm on the conformed grid, (z, y, x)."""
    import torch

    values = values - values.min()
    bright = np.percentile(values, 99)
    if bright <= 0:
        raise BackendError("SynthStrip cannot work on this image: less than 1 % of it is not zero.")
    # Its weights know heads in LIA order: x towards left, then inferior, then anterior.
    turned = np.clip(values / bright, 0, 1).transpose(2, 0, 1)[:, ::-1, ::-1].copy()
    batch = torch.from_numpy(turned.astype(np.float32))[None, None].to(torch.device(device))
    with torch.inference_mode():
        distances = network.to(torch.device(device))(batch)[0, 0].float().cpu().numpy()
    return np.ascontiguousarray(distances[:, ::-1, ::-1].transpose(1, 2, 0))


def mask_from_distances(distance: sitk.Image, upright: sitk.Image) -> sitk.Image:
    """The largest part nearer than 1 mm to the brain, holes filled, on the grid of ``upright``.

    Args:
        distance: float32 image of signed distances to the brain's surface in mm, on the network's grid.
        upright: the scan in LPS order.

    Returns:
        UInt8 image.
    """
    on_grid = sitk.Resample(distance, upright, sitk.Transform(), sitk.sitkLinear, _FAR_MM)
    inside = largest_component(sitk.GetArrayViewFromImage(on_grid) < _BORDER_MM)
    if not inside.any():
        raise BackendError("SynthStrip found no brain. Choose another skull-strip backend, or give a mask.")
    return image_like(ndimage.binary_fill_holes(inside).astype(np.uint8), upright)
