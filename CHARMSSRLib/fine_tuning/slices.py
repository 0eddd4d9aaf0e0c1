"""A registered pair as slices on disk: what the network reads, what it should write, what scores it.

A pair is registered once; its slices lie in the work folder as .npy files and are read through
memory maps, so that any number of pairs fits into the memory.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk
import torch

from ..errors import InputError
from ..files.atomic import replacing
from ..grids.geometry import enlarged_geometry
from ..grids.resize import bicubic_upsample
from ..grids.slices import plan_slices, slice_axis
from ..preprocessing.intensity import fit_intensity_scale
from .pairs.pair_picture import write_pair_picture

if TYPE_CHECKING:
    from .pairs.registration import RegisteredPair

MIN_BRAIN = 0.05  # a slice counts when more than this share of its box is brain
ABOUT = "about.json"  # written last: a folder that holds it is complete
PICTURE = "registration.png"
MIDDLE_SHARE = 0.2  # of the slices: the block that is held out when there is one subject only
GAP = 2  # slices on each side of the block that are neither trained on nor scored


def write_slices(registered: RegisteredPair, card: dict, folder: Path | str) -> PairSlices:
    """Cut a registered pair into slices, exactly as ``enhance`` would cut its 3T volume.

    The input is scaled as the checkpoint's card says by the 3T volume's statistics; the target is
    the 7T volume scaled by the same rule with its own: the change of contrast is to be learned,
    the scanner's arbitrary gain is not.

    Args:
        registered: RegisteredPair.
        card: model card (scale, intensity, margin).
        folder: made here; holds the files afterwards.

    Returns:
        PairSlices.

    Raises:
        InputError: no slice has enough brain in both images.
    """
    folder, scale = Path(folder), card["scale"]
    folder.mkdir(parents=True, exist_ok=True)
    volume = registered.image_3t
    values, brain = sitk.GetArrayFromImage(volume), sitk.GetArrayFromImage(registered.mask) > 0
    axis = slice_axis(volume)
    plan = plan_slices(brain, axis, card["margin"])
    box = (slice(plan.indices[0], plan.indices[-1] + 1), plan.rows, plan.columns)
    large_box = (box[0], *(slice(one.start * scale, one.stop * scale) for one in box[1:]))

    def cut(array, where):
        return np.ascontiguousarray(np.moveaxis(array, axis, 0)[where])

    acquired = cut(fit_intensity_scale(values, brain, card["intensity"]).apply(values), box)
    inside = cut(brain, box)
    seven, seven_mask = sitk.GetArrayFromImage(registered.image_7t), sitk.GetArrayFromImage(registered.mask_7t) > 0
    intensity = fit_intensity_scale(seven, seven_mask, card["intensity"])
    target = cut(intensity.apply(sitk.GetArrayFromImage(registered.target(scale))), large_box)
    common = cut(sitk.GetArrayFromImage(registered.target_mask(scale)) > 0, large_box)
    common &= inside.repeat(scale, 1).repeat(scale, 2)
    usable = np.flatnonzero(common.mean(axis=(1, 2)) > MIN_BRAIN)
    if not len(usable):
        raise InputError(
            f"The pair {registered.subject} {registered.contrast} shares no slice with enough brain: check both masks."
        )

    np.save(folder / "acquired.npy", acquired.astype(np.float32))
    np.save(folder / "brain.npy", inside.astype(np.uint8))
    np.save(folder / "target.npy", target.astype(np.float16))
    np.save(folder / "common.npy", common.astype(np.uint8))
    np.save(folder / "seven.npy", intensity.apply(seven).astype(np.float16))
    np.save(folder / "seven_mask.npy", seven_mask.astype(np.uint8))
    sitk.WriteTransform(registered.transform, str(folder / "transform.tfm"))
    write_pair_picture(registered, folder / PICTURE)
    start = [0, 0, 0]
    for array_axis, one in zip([axis, *(i for i in range(3) if i != axis)], box):
        start[2 - array_axis] = int(one.start)
    about = {
        "subject": registered.subject, "contrast": registered.contrast, "scale": scale, "axis": axis,
        "usable": [int(i) for i in usable], "dropped": int(len(acquired) - len(usable)),
        "quality": registered.quality, "warnings": list(registered.warnings),
        "geometry": _geometry(volume, volume.TransformIndexToPhysicalPoint(start)),
        "geometry_7t": _geometry(registered.image_7t, registered.image_7t.GetOrigin()),
    }  # fmt: skip
    with replacing(folder / ABOUT) as partial:
        partial.write_text(json.dumps(about), encoding="utf-8")
    return PairSlices(folder)


def _geometry(image, origin):
    return {"spacing": list(image.GetSpacing()), "origin": list(origin), "direction": list(image.GetDirection())}


class PairSlices:
    """The slices of one pair, read from a folder of ``write_slices``.

    Attributes:
        subject, contrast, scale: labels.
        acquired: float32 (n, h, w), the 3T slices inside the box, normalised, not masked.
        brain: uint8 (n, h, w), the 3T brain mask.
        target: float16 (n, s*h, s*w), the registered 7T, normalised by its own statistics.
        common: uint8 (n, s*h, s*w), where both hold brain: the loss counts there.
        seven, seven_mask: float16 and uint8 (z, y, x), the 7T volume on its own grid.
        usable: slices with enough common brain.
        about: everything else (dict), with the pair's quality and warnings.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self.about = json.loads((self.folder / ABOUT).read_text(encoding="utf-8"))
        self.subject, self.contrast, self.scale = (self.about[key] for key in ("subject", "contrast", "scale"))
        self.axis, self.usable = self.about["axis"], np.array(self.about["usable"])
        names = ("acquired", "brain", "target", "common", "seven", "seven_mask")
        self.acquired, self.brain, self.target, self.common, self.seven, self.seven_mask = (
            np.load(self.folder / f"{name}.npy", mmap_mode="r") for name in names
        )

    def close(self) -> None:
        """Let go of the files: where they are mapped, Windows removes no folder."""
        self.acquired = self.brain = self.target = self.common = self.seven = self.seven_mask = None

    @property
    def picture(self) -> Path:
        """PNG file that shows how the two scans fit: see ``pair_picture``."""
        return self.folder / PICTURE

    @property
    def label(self) -> str:
        return f"{self.subject} {self.contrast}".strip()

    @property
    def has_square_pixels(self) -> bool:
        spacing = [step for i, step in enumerate(self.about["geometry"]["spacing"][::-1]) if i != self.axis]
        return max(spacing) < 1.05 * min(spacing)

    def network_input(self, number: int, channels: int = 1) -> np.ndarray:
        """A slice with its neighbours as the network reads it: float32 (channels, h, w)."""
        reach = channels // 2
        chosen = np.clip(np.arange(number - reach, number + reach + 1), 0, len(self.acquired) - 1)
        return np.array(self.acquired[chosen], np.float32)

    def interpolated(self, number: int) -> np.ndarray:
        """A 3T slice on the target's grid: float32 (s*h, s*w), the network's own skip."""
        one = torch.from_numpy(np.array(self.acquired[number]))[None, None]
        return bicubic_upsample(one, self.scale)[0, 0].numpy()

    def split_middle(self) -> tuple[np.ndarray, np.ndarray]:
        """(training slices, held-out slices): a block in the middle is kept apart, with a gap."""
        count = max(1, round(MIDDLE_SHARE * len(self.usable)))
        start = (len(self.usable) - count) // 2
        held_out = self.usable[start : start + count]
        apart = (self.usable < held_out[0] - GAP) | (self.usable > held_out[-1] + GAP)
        return self.usable[apart], held_out

    def image_3t(self, stack: np.ndarray) -> sitk.Image:
        """A stack on the box's own or enlarged grid, (n, h, w) or (n, s*h, s*w), as an image in 3T space."""
        image = sitk.GetImageFromArray(np.ascontiguousarray(np.moveaxis(stack, 0, self.axis)))
        small = sitk.Image([2, 2, 2], sitk.sitkUInt8)
        _place(small, **self.about["geometry"])
        factor = stack.shape[1] // self.acquired.shape[1]
        factors = tuple(1 if 2 - i == self.axis else factor for i in range(3))
        _place(image, *enlarged_geometry(small, factors))
        return image

    def on_7t_grid(self, stack: np.ndarray, interpolator: int = sitk.sitkBSpline) -> np.ndarray:
        """A stack in 3T space on the 7T's own grid: float32 (z, y, x), zero outside the stack."""
        reference = sitk.GetImageFromArray(np.asarray(self.seven_mask))
        _place(reference, **self.about["geometry_7t"])
        to_3t = sitk.ReadTransform(str(self.folder / "transform.tfm")).GetInverse()
        image = self.image_3t(np.asarray(stack, np.float32))
        return sitk.GetArrayFromImage(sitk.Resample(image, reference, to_3t, interpolator, 0.0, sitk.sitkFloat32))

    @property
    def spacing_7t(self) -> tuple[float, ...]:
        """mm along (z, y, x) of the 7T volume."""
        return tuple(self.about["geometry_7t"]["spacing"][::-1])


def _place(image, spacing, origin, direction):
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    image.SetDirection(direction)


class Patches:
    """Training patches; those of a step are a function of (seed, step) alone, so a run can go on anywhere.

    A patch is a random pair, a random slice, a window around a random brain voxel, flipped at
    random (and turned where the pixels are square). Windows never reach beyond the box: where a
    box is smaller than the patch, all windows are as small.

    Args:
        parts: list of (PairSlices, slice numbers to draw from).
        patch: window size in 3T pixels.
        batch: patches per step.
        seed: of the run.
        channels: neighbouring slices that the network reads.
    """

    def __init__(self, parts: Sequence[tuple], patch: int, batch: int, seed: int, channels: int = 1) -> None:
        self.parts, self.batch, self.seed, self.channels = parts, batch, seed, channels
        self.scale = parts[0][0].scale
        self.size = tuple(min(patch, *(pair.acquired.shape[i] for pair, _ in parts)) for i in (1, 2))
        square = self.size[0] == self.size[1] and all(pair.has_square_pixels for pair, _ in parts)
        self.turns = 4 if square else 1

    def of_step(self, step: int) -> tuple[torch.Tensor, ...]:
        """(input (batch, channels, h, w), target and mask (batch, 1, s*h, s*w)): float32 tensors."""
        rng = np.random.default_rng((self.seed, step))
        drawn = zip(*(self._draw(rng) for _ in range(self.batch)))
        return tuple(torch.from_numpy(np.stack(one).astype(np.float32)) for one in drawn)

    def _draw(self, rng):
        pair, numbers = self.parts[rng.integers(len(self.parts))]
        number = int(numbers[rng.integers(len(numbers))])
        brain = np.flatnonzero(pair.brain[number])
        height, width = pair.brain.shape[1:]
        centre = divmod(int(brain[rng.integers(len(brain))]), width)
        window = []
        for at, size, length in zip(centre, self.size, (height, width)):
            start = int(np.clip(at - size // 2 + rng.integers(-size // 4, size // 4 + 1), 0, length - size))
            window.append(slice(start, start + size))
        large = tuple(slice(one.start * self.scale, one.stop * self.scale) for one in window)
        turn, flips = rng.integers(self.turns), rng.integers(2, size=2)

        def oriented(array):
            array = np.rot90(array, turn, (-2, -1))
            return np.flip(array, [axis for axis in (-2, -1) if flips[axis]])

        slices = pair.network_input(number, self.channels)[:, window[0], window[1]]
        images = (slices, pair.target[number][large][None], pair.common[number][large][None])
        return tuple(oriented(image) for image in images)
