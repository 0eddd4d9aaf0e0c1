"""The one way in which networks are scored: degrade a volume's slices, enlarge them, compare with the volume.

Preparation (bias field, mask, true in-plane resolution, choice of slices) is that of the
training data; bicubic interpolation is scored beside every network on the same slices.
"""

import logging
import zlib
from dataclasses import dataclass
from typing import Optional

import numpy as np
import torch

from CHARMSSRLib.grids.resize import bicubic_upsample
from CHARMSSRLib.machine.devices import choose_batch
from CHARMSSRLib.measures.fidelity import brain_psnr, brain_ssim, slice_psnr, slice_ssim
from CHARMSSRLib.measures.tissue import (
    TISSUE_ORDER,
    contrast_to_noise,
    edge_sharpness,
    find_tissues,
    signal_to_noise,
)
from CHARMSSRLib.task import Task

from ..training.degradation_list import degradation as named_degradation
from ..training.degradations import degrade
from ..training.validation import channels_of, crop_to_multiple, with_neighbours

logger = logging.getLogger(__name__)

BICUBIC = "bicubic"
REFERENCE = "reference"  # the volume itself: only figures that need no comparison
PAPERS_SLICES = 100
LABELS = ("subject", "contrast", "plane", "degradation", "scale", "method")
COMPARISONS = ("brain_psnr", "brain_ssim", "slice_psnr", "slice_ssim")
ANATOMY = ("snr", "cnr", "sharpness")
FIGURES = COMPARISONS + ANATOMY


@dataclass(frozen=True)
class Candidate:
    """A network to be scored.

    Attributes:
        name: its label in the tables.
        network: (N, 1, H, W) -> (N, 1, sH, sW), in evaluation mode.
        intensity: the scale that it was trained on, "minmax" or "percentile".
    """

    name: str
    network: Optional[torch.nn.Module]
    intensity: str = "minmax"


BASELINE = Candidate(BICUBIC, None, "percentile")


def candidate_of(checkpoint):
    """The ``Candidate`` of a loaded ``Checkpoint``, in its form for inference."""
    card = checkpoint.card
    return Candidate(card["name"], checkpoint.network.for_inference(), card["intensity"]["kind"])


def score_prepared(volume, candidates, degradation, scale, central=None, device="cpu", batch=0, seed=0, task=None):
    """Score candidates on the slices of one volume in one plane.

    Every candidate reads the same degraded slices, each on the intensity scale that it
    knows. The 3-D scores cover all slices with enough brain; the whole-slice scores the
    central 100, after min-max and with the output's background at zero, as it is returned.

    Args:
        volume: ``PreparedVolume``.
        candidates: list of :class:`Candidate`.
        degradation: of the pair.
        scale: likewise.
        central: only this many central slices count, for a quick look; None for all.
        device: where the networks run; they are moved there.
        batch: slices at a time; 0 chooses by the device.
        seed: of noisy degradations; each volume draws its own noise from it.
        task: Task, asked before each candidate; None for nobody's.

    Returns:
        list of rows, one per candidate and one of the reference.
    """
    named_degradation(degradation)
    task = task or Task()
    chosen = slice(None) if central is None else central_slices(len(volume.slices), central)
    reference, mask = reference_of(volume, chosen, scale)
    measure = _Measure(volume, reference, mask)
    labels = {"subject": volume.subject, "contrast": volume.contrast, "plane": volume.plane}
    labels.update({"degradation": degradation, "scale": scale})
    rows = []
    for candidate in candidates:
        task.check()
        output = reconstruct(candidate, volume, chosen, degradation, scale, device, batch, seed)
        rows.append({**labels, "method": candidate.name, **measure(output)})
    rows.append({**labels, "method": REFERENCE, **measure(reference, compared=False)})
    return rows


def reference_of(volume, chosen, scale):
    """The chosen slices and their mask, cut so that ``scale`` divides their sizes: arrays (n, H, W)."""
    return crop_to_multiple(volume.slices[chosen], scale), crop_to_multiple(volume.mask[chosen], scale)


def reconstruct(candidate, volume, chosen, degradation, scale, device="cpu", batch=0, seed=0):
    """What a candidate makes of the degraded slices, in the units of the volume: array (n, H, W), float32.

    Arguments as :func:`score_prepared`; ``chosen`` is a slice object along the volume's slices.
    """
    reference, mask = reference_of(volume, chosen, scale)
    lower, upper = volume.limits(candidate.intensity)
    # Degraded per unit of one robust range, whatever the candidate's scale: all read the same noise.
    hr = np.where(mask, (reference - lower) / volume.percentile, 0).astype(np.float32)
    generator = torch.Generator().manual_seed(_seed_of(volume, seed))
    lr = degrade(torch.from_numpy(hr)[:, None], scale, degradation, generator) * (volume.percentile / (upper - lower))
    return enlarge(candidate.network, lr, scale, device, batch) * (upper - lower) + lower


@torch.no_grad()
def enlarge(network, slices, scale, device="cpu", batch=0):
    """Run slices through a network.

    Args:
        network: or None for bicubic interpolation.
        slices: (n, 1, h, w), neighbours in order.
        scale: enlargement, 2 or 4.
        device: where torch computes.
        batch: slices at a time, 0 for the device's default.

    Returns:
        array (n, scale*h, scale*w), float32.
    """
    if network is None:
        return bicubic_upsample(slices, scale)[:, 0].numpy()
    network, device = network.to(device), torch.device(device)
    slices = with_neighbours(slices, channels_of(network))
    parts = [network(part.to(device)).float().cpu() for part in slices.split(choose_batch(batch, device))]
    return torch.cat(parts)[:, 0].numpy()


class _Measure:
    """All figures of an output against one reference; what depends on the reference alone is worked out once."""

    def __init__(self, volume, reference, mask):
        self.volume, self.reference, self.mask = volume, reference, mask
        self.tissues = None
        if volume.contrast in TISSUE_ORDER:
            try:
                self.tissues = find_tissues(reference, mask, volume.spacing, volume.contrast)
            except ValueError as reason:
                logger.warning("%s %s gets no tissue figures: %s", volume.subject, volume.contrast, reason)

    def __call__(self, output, compared=True):
        """Figures of an output (slice, row, column) in the units of the volume."""
        figures = {}
        if compared:
            figures["brain_psnr"] = brain_psnr(output, self.reference, self.mask)
            figures["brain_ssim"] = brain_ssim(output, self.reference, self.mask)
            middle = central_slices(len(output), PAPERS_SLICES)
            pair = [self._papers_scale(image[middle], self.mask[middle]) for image in (output, self.reference)]
            figures["slice_psnr"] = float(slice_psnr(*pair).mean())
            figures["slice_ssim"] = float(slice_ssim(*pair).mean())
        if self.tissues is not None:
            figures["snr"] = signal_to_noise(output, self.tissues)
            figures["cnr"] = contrast_to_noise(output, self.tissues)
            figures["sharpness"] = edge_sharpness(output, self.reference, self.mask, self.tissues, self.volume.spacing)
        return figures

    def _papers_scale(self, image, mask):
        lower, upper = self.volume.limits("minmax")
        return np.where(mask, (image - lower) / (upper - lower), 0)


def central_slices(length, count):
    """The middle ``count`` of ``length`` slices, or all where there are fewer."""
    start = max(0, (length - count) // 2)
    return slice(start, start + count)


def _seed_of(volume, seed):
    # crc32, for Python's own hash of a text differs from process to process.
    return zlib.crc32(f"{seed}/{volume.subject}/{volume.contrast}/{volume.plane}".encode())
