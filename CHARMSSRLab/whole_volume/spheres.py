"""Spheres on even, noisy tissue: how much of a small focus is kept where nothing but its size and the noise matters."""

from itertools import product

import numpy as np
import torch

from CHARMSSRLib.grids.resize import kspace_truncate

from .enhanced import zero_filled
from .lesions import Lesion, distance_from, ring_around, sphere_share
from .noise import AS_IS, add_rician, enhanced_slices

SPACING = (4 / 3,) * 3  # mm of the fine grid
RADII = (2.0, 3.0, 4.0)  # mm
SIGMAS = (0.0, 0.01, 0.02, 0.04)  # SD of the noise on the fine grid, per unit of the intensity range
TISSUE, STRENGTH = 0.6, 0.3  # intensity, and the spheres' change of it
SHAPE = (14, 80, 120)  # fine voxels
PLACES = tuple(product((20, 60), (20, 60, 100)))  # (row, column) of the spheres, in the middle slice


def kept_on_even_tissue(network, card, radius, sigma, seed=0, device="cpu"):
    """Contrast that six spheres keep, half of them bright and half dark, k-space truncated in plane with their noise.

    Args:
        network: CHARMS in evaluation mode.
        card: its card; "margin" is read.
        radius: mm.
        sigma: SD of the Rician noise of the fine volume, per unit of the intensity range.
        seed: of the noise and of where between the voxels the spheres lie.
        device: where torch computes.

    Returns:
        dict of means over the spheres: ``kept``, ``kept_by_cubic``, ``kept_in_band`` (the truth cut to the
        frequencies that the input holds); and ``least``, the smallest of the first.
    """
    rng = np.random.default_rng(seed)
    clean, regions = np.full(SHAPE, TISSUE, np.float32), []
    for number, place in enumerate(PLACES):
        centre = np.array((SHAPE[0] // 2, *place)) + rng.uniform(-0.5, 0.5, 3)
        share = sphere_share(distance_from(centre * SPACING, SHAPE, SPACING), radius, SPACING)
        clean += share * np.float32((1 if number % 2 else -1) * STRENGTH * TISSUE)
        regions.append(share > 0.5)
    truth = add_rician(clean, sigma, seed)
    coarse = kspace_truncate(torch.from_numpy(truth)[:, None], network.scale).abs()[:, 0].numpy()
    everywhere = np.ones(coarse.shape, bool)
    cubic, added = enhanced_slices(network, card, coarse, everywhere, AS_IS, device)
    band = zero_filled(coarse, (1, network.scale, network.scale))
    inside = np.ones(SHAPE, bool)
    lesions = [Lesion("sphere", region, ring_around(region, inside, SPACING)) for region in regions]
    kept, by_cubic, in_band = (
        [lesion.kept(values, truth) for lesion in lesions] for values in (cubic + added, cubic, band)
    )
    return {
        "kept": float(np.mean(kept)), "least": float(min(kept)), "kept_by_cubic": float(np.mean(by_cubic)),
        "kept_in_band": float(np.mean(in_band)),
    }  # fmt: skip
