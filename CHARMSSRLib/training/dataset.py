"""Prepared slices -> pairs of patches, each a function of (seed, number) alone.

Because a sample depends on nothing else, a run can stop anywhere and go on, use any
number of loader workers, or be split over processes, and still see the same patches.
"""

import numpy as np
import torch
from torch.utils.data import Dataset

from .degradations import degrade

CONTRAST_SHARE = {"T1w": 5, "T2w": 4, "FLAIR": 1}
HALO = 16  # HR pixels around a patch that are degraded with it and cut off: no wrap-around or edge enters


class PatchDataset(Dataset):
    """Sample i is (LR, HR): float32 (1, p, p) and (1, s*p, s*p).

    A sample draws a contrast (5:4:1 for T1w, T2w, FLAIR), a subject, a volume, a slice and
    a patch centred inside the brain; then flips and quarter turns; then the degradation.

    Args:
        volumes: list of PreparedVolume.
        length: number of samples (steps x batch).
        patch: LR patch size; scale, degradation: of the pair.
        normalisation: "minmax" or "percentile".
        gain_jitter: the intensity of a sample is multiplied by 1 +- this share.
        seed: of the whole run.
    """

    def __init__(self, volumes, length, patch, scale, degradation, normalisation="minmax", gain_jitter=0.0, seed=0):
        if not volumes:
            raise ValueError("no volumes to train on")
        self.length, self.patch, self.scale, self.seed = length, patch, scale, seed
        self.degradation, self.gain_jitter = degradation, gain_jitter
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
        hr = np.rot90(hr, rng.integers(4))
        if rng.integers(2):
            hr = np.fliplr(hr)
        gain = 1 + self.gain_jitter * rng.uniform(-1, 1)
        hr = torch.from_numpy(np.ascontiguousarray(hr, np.float32) * np.float32(gain))[None, None]
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        lr = degrade(hr, self.scale, self.degradation, generator)
        halo = HALO // self.scale
        lr = lr[0, :, halo : halo + self.patch, halo : halo + self.patch]
        size = self.patch * self.scale
        return lr.contiguous(), hr[0, :, HALO : HALO + size, HALO : HALO + size].contiguous()

    def _draw_hr(self, rng):
        subjects = self.tree[self.contrasts[rng.choice(len(self.contrasts), p=self.contrast_probability)]]
        volumes = subjects[sorted(subjects)[rng.integers(len(subjects))]]
        index = volumes[rng.integers(len(volumes))]
        stack, mask = self.stacks[index], self.masks[index]
        number = rng.integers(len(stack))
        brain = np.flatnonzero(mask[number])
        width = mask.shape[2]
        centre = divmod(int(brain[rng.integers(len(brain))]), width) if len(brain) else (0, 0)
        size = self.patch * self.scale + 2 * HALO
        return _window(stack[number], centre, size, rng)


def _window(image, centre, size, rng):
    """A size x size window that holds ``centre``, zero outside the image (as outside the brain)."""
    jitter = size // 4
    window = np.zeros((size, size), np.float32)
    source, target = [], []
    for c in (0, 1):
        start = centre[c] - size // 2 + int(rng.integers(-jitter, jitter + 1))
        low, high = max(0, start), min(image.shape[c], start + size)
        source.append(slice(low, high))
        target.append(slice(low - start, high - start))
    window[tuple(target)] = image[tuple(source)]
    return window
