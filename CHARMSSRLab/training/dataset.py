"""Prepared slices -> pairs of patches, each a function of (seed, number) alone.

Because a sample depends on nothing else, a run can stop anywhere and go on, use any
number of loader workers, or be split over processes, and still see the same patches.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import avg_pool2d
from torch.utils.data import Dataset

from CHARMSSRLib.grids.resize import bicubic_upsample

from .degradations import coloured_rician, degrade_in_parts, kspace_rician
from .synthetic_lesions import with_synthetic_lesions

CONTRAST_SHARE = {"T1w": 5, "T2w": 4, "FLAIR": 1}
HALO = 16  # HR pixels around a patch that are degraded with it and cut off: no wrap-around or edge enters


@dataclass(frozen=True)
class Augmentation:
    """What is done to a sample beside the degradation.

    Attributes:
        gain: its intensity is multiplied by 1 +- this share.
        keep_noise: the target is the clean HR patch plus the interpolated LR noise, so that the
            network learns to leave noise as it was measured: neither sharpened into structure
            nor smoothed away. Half of the samples get more noise then, white or smooth, up to
            MORE_NOISE.
        remove_noise: the same noise is added, and the target is without: the network learns to take noise away.
            The slices are to be quiet themselves then (``quiet_targets``).
        noise_alone: share of the samples without anatomy, nothing but noise, half of them on an even signal;
            with ``keep_noise`` or ``remove_noise``.
        noise_scaled: noise without a signal is brought to the range that a volume of nothing but noise
            would have: its 99.9th percentile is 1.
        noise_masked: noise alone, and the signal under it, keep the brain's shape; outside the input is nil,
            as it is when a volume is enhanced.
        noise_from_kspace: half of the coloured noise is as a measured part of k-space leaves it, not smooth by a
            Gaussian.
        coarse_pixels: share of the samples that get oblong pixels: 2 or 3 HR pixels of one axis
            are averaged, as a thick slice does, so that planes across thick slices look familiar.
        lesions: share of the samples that get made-up lesions (``synthetic_lesions``).
        lesion_kind: of ``synthetic_lesions.LESION_KINDS``.
        lesions_cut: they are cut at any height, so that caps of lesions are seen too.
        even_tissue: share of the samples whose anatomy is even tissue of some intensity: what is seen
            there are made-up lesions and noise.
        stripped: share of the samples of whole heads that are shown without what surrounds the brain, as
            stripped volumes come.
        anywhere: share of the samples that are centred anywhere in the slice instead of in the brain.
    """

    gain: float = 0.0
    keep_noise: bool = False
    remove_noise: bool = False
    noise_alone: float = 0.06
    noise_scaled: bool = False
    noise_masked: bool = False
    noise_from_kspace: bool = False
    coarse_pixels: float = 0.0
    lesions: float = 0.0
    lesion_kind: str = "mixed"
    lesions_cut: bool = False
    even_tissue: float = 0.0
    stripped: float = 0.0
    anywhere: float = 0.0


MORE_NOISE = 0.08  # largest SD of the additional noise, per unit of the intensity range
LOUDEST = 0.3  # largest SD of noise without anatomy
EVEN = (0.2, 0.7)  # intensity of even tissue
MEASURED = (0.5, 1.0)  # share of each axis's k-space that was measured, the rest zero-filled
WHITE = 0.5  # share of white noise; the rest is smooth by up to 2 pixels


class PatchDataset(Dataset):
    """Sample i is (LR, HR): float32 (c, p, p) and (1, s*p, s*p).

    A sample draws a contrast (5:4:1 for T1w, T2w, FLAIR), a subject, a volume, a slice and
    a patch centred inside the brain; then lesions, flips and quarter turns; then the degradation.

    Args:
        volumes: list of PreparedVolume.
        length: number of samples (steps x batch).
        patch: LR patch size.
        scale: of the pair.
        degradation: likewise.
        normalisation: "minmax" or "percentile".
        augmentation: Augmentation.
        seed: of the whole run.
        channels: c, an odd number of neighbouring slices (2.5-D); the middle one is the target's.
    """

    def __init__(
        self, volumes, length, patch, scale, degradation, normalisation="minmax", augmentation=None, seed=0, channels=1
    ):
        if not volumes:
            raise ValueError("no volumes to train on")
        self.length, self.patch, self.scale, self.seed = length, patch, scale, seed
        self.degradation, self.augmentation = degradation, augmentation or Augmentation()
        self.channels = channels
        # float16 holds 11 bits, more than these volumes carry, and halves the memory.
        self.stacks = [volume.normalised(normalisation).astype(np.float16) for volume in volumes]
        self.masks = [volume.mask for volume in volumes]
        self.tree = {}
        for i, volume in enumerate(volumes):
            self.tree.setdefault(volume.contrast, {}).setdefault(volume.subject, []).append(i)
        self.contrasts = sorted(self.tree)
        share = np.array([CONTRAST_SHARE.get(contrast, 1) for contrast in self.contrasts], float)
        self.contrast_probability = share / share.sum()

    def __len__(self):
        return self.length

    def __getitem__(self, number):
        rng = np.random.default_rng((self.seed, number))
        hr = self._draw_hr(rng)
        if self.augmentation.even_tissue and rng.random() < self.augmentation.even_tissue:
            hr = np.full_like(hr, rng.uniform(*EVEN))
        if self.augmentation.lesions and rng.random() < self.augmentation.lesions:
            hr = with_synthetic_lesions(hr, rng, self.augmentation.lesion_kind, self.augmentation.lesions_cut)
        hr = np.rot90(hr, rng.integers(4), axes=(1, 2))
        if rng.integers(2):
            hr = hr[:, :, ::-1]
        gain = 1 + self.augmentation.gain * rng.uniform(-1, 1)
        hr = torch.from_numpy(np.ascontiguousarray(hr, np.float32) * np.float32(gain))[:, None]
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        noisy = self.augmentation.keep_noise or self.augmentation.remove_noise
        alone = noisy and rng.random() < self.augmentation.noise_alone
        shape = (hr > 0).float() if alone and self.augmentation.noise_masked else torch.ones_like(hr)
        if alone:
            hr = shape * np.float32(rng.uniform(0, 0.7) * rng.integers(2))
        lr, clean = degrade_in_parts(hr, self.scale, self.degradation, generator)
        middle = self.channels // 2
        target = hr[middle]
        if noisy:
            within = avg_pool2d(shape, self.scale) > 0.5
            lr, clean = within * self._more_noise(lr, hr, rng, generator), within * clean
            if self.augmentation.keep_noise:
                target = target + bicubic_upsample((lr - clean)[middle][None], self.scale)[0]
        halo = HALO // self.scale
        lr = lr[:, 0, halo : halo + self.patch, halo : halo + self.patch]
        size = self.patch * self.scale
        return lr.contiguous(), target[:, HALO : HALO + size, HALO : HALO + size].contiguous()

    def _more_noise(self, lr, hr, rng, generator):
        # On an even signal rounding mostly makes this a little more than nil: noise is weaker there.
        alone = bool(hr[self.channels // 2].std() == 0)
        if not alone and rng.random() < 0.5:
            return lr
        # Squared: weak noise is the rule, strong noise the exception.
        sigma = (LOUDEST if alone else MORE_NOISE) * rng.random() ** 2
        fwhm = 0.0 if rng.random() < WHITE else rng.uniform(0.5, 2.0)
        if fwhm and self.augmentation.noise_from_kspace and rng.random() < 0.5:
            kept, apodised = rng.uniform(*MEASURED, 2), bool(rng.integers(2))
            noisy = torch.cat([kspace_rician(one[None], sigma, kept, apodised, generator) for one in lr])
        else:
            noisy = torch.cat([coloured_rician(one[None], sigma, fwhm, generator) for one in lr])
        if self.augmentation.noise_scaled and not hr.any():
            noisy /= torch.quantile(noisy, 0.999).clamp_min(1e-6)
        return noisy

    def _draw_hr(self, rng):
        """A window (channels, size, size) of neighbouring slices, patch and halo together."""
        subjects = self.tree[self.contrasts[rng.choice(len(self.contrasts), p=self.contrast_probability)]]
        volumes = subjects[sorted(subjects)[rng.integers(len(subjects))]]
        index = volumes[rng.integers(len(volumes))]
        stack, mask = self.stacks[index], self.masks[index]
        number = rng.integers(len(stack))
        anywhere = self.augmentation.anywhere and rng.random() < self.augmentation.anywhere
        brain = np.arange(mask[number].size) if anywhere else np.flatnonzero(mask[number])
        width = mask.shape[2]
        centre = divmod(int(brain[rng.integers(len(brain))]), width) if len(brain) else (0, 0)
        size = self.patch * self.scale + 2 * HALO
        coarse = [1, 1]
        if self.augmentation.coarse_pixels and rng.random() < self.augmentation.coarse_pixels:
            coarse[rng.integers(2)] = int(rng.integers(2, 4))
        reach = self.channels // 2
        chosen = np.clip(np.arange(number - reach, number + reach + 1), 0, len(stack) - 1)
        images = stack[chosen]
        if self.augmentation.stripped and rng.random() < self.augmentation.stripped:
            images = np.where(mask[chosen], images, np.float16(0))
        window = _window(images, centre, (size * coarse[0], size * coarse[1]), rng)
        if coarse != [1, 1]:
            window = window.reshape(-1, size, coarse[0], size, coarse[1]).mean(axis=(2, 4))
        return window


def _window(images, centre, sizes, rng):
    """The window (c, *sizes) of the images (c, h, w) that holds ``centre``; zero beyond a slice smaller than it."""
    window = np.zeros((len(images), *sizes), np.float32)
    source, target = [slice(None)], [slice(None)]
    for c, size in enumerate(sizes):
        jitter = size // 4
        start = centre[c] - size // 2 + int(rng.integers(-jitter, jitter + 1))
        # Within the slice where it is large enough: its border would be an edge that no scan has.
        if images.shape[c + 1] >= size:
            start = min(max(start, 0), images.shape[c + 1] - size)
        low, high = max(0, start), min(images.shape[c + 1], start + size)
        source.append(slice(low, high))
        target.append(slice(low - start, high - start))
    window[tuple(target)] = images[tuple(source)]
    return window
