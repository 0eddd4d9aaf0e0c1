"""Pairs made of formulas and a small checkpoint, so that a whole fine-tuning takes a second or two."""

from dataclasses import dataclass, field

import numpy as np
import SimpleITK as sitk
import torch

from CHARMSSRLib.fine_tuning.pairs.pair import Pair
from CHARMSSRLib.settings import FineTuningSettings
from Testing.small_checkpoint import small_checkpoint as random_checkpoint

SLICES, SIZE = 10, 48  # of the 7T; the 3T has half the size


def small_checkpoint(folder, name="small", **arguments):
    """A small checkpoint whose card tells what it was trained on; path of its weights."""
    card = {
        "margin": 4, "licence": "Apache-2.0",
        "training_data": [{"name": "formulas", "licence": "CC0", "subjects": 3, "contrasts": ["T1w"]}],
    }  # fmt: skip
    return random_checkpoint(folder, name, card=card, **arguments)


def formula_volumes(seed, size=SIZE, curve=0.7, noise=0.01, slices=SLICES):
    """(3T, its mask, 7T, its mask): the 3T is the 7T with half the in-plane resolution and another contrast."""
    rng = np.random.default_rng(seed)
    z, y, x = np.mgrid[:slices, :size, :size].astype(np.float64)
    a, b, c = rng.uniform(1.6, 3.2, 3)
    pattern = np.sin(x / a + z / 5 + seed) * np.cos(y / b - z / 7) + 0.5 * np.sin((x + y) / c)
    middle = (size - 1) / 2
    mask = ((x - middle) / (0.44 * size)) ** 2 + ((y - middle) / (0.46 * size)) ** 2 < 1
    seven = np.where(mask, 0.5 + 0.22 * pattern, 0)
    small = torch.from_numpy(seven[:, None]).float()
    three = torch.nn.functional.interpolate(small, scale_factor=0.5, mode="bicubic", antialias=True)[:, 0].numpy()
    three = np.clip(three, 0.001, None) ** curve + noise * rng.standard_normal(three.shape)
    small_mask = mask[:, ::2, ::2] & mask[:, 1::2, 1::2] & mask[:, ::2, 1::2] & mask[:, 1::2, ::2]
    images = (
        _image(900 * np.where(small_mask, three, 0), 2.0), _image(small_mask, 2.0), _image(1500 * seven, 1.0),
        _image(mask, 1.0),
    )  # fmt: skip
    return images


def _image(array, pixel):
    image = sitk.GetImageFromArray(array.astype(np.uint8 if array.dtype == bool else np.float32))
    image.SetSpacing((pixel, pixel, 2.5))
    image.SetOrigin((10 + pixel / 2, -20 + pixel / 2, 5))  # voxel edges of both grids coincide
    return image


@dataclass(eq=False)
class FakeRegisteredPair:
    """What ``register_pair`` returns, without any registration: the grids lie on each other already."""

    subject: str
    contrast: str
    image_3t: sitk.Image
    mask: sitk.Image
    image_7t: sitk.Image
    mask_7t: sitk.Image
    transform: sitk.Transform = field(default_factory=lambda: sitk.Euler3DTransform())
    quality: dict = field(default_factory=lambda: {"mask_overlap": 0.97})
    warnings: list = field(default_factory=list)

    def target(self, scale):
        return self.image_7t

    def target_mask(self, scale):
        return self.mask_7t


def fake_register(pair, settings=None, task=None):
    """Stands in for ``register_pair``; the pair's images are those of ``formula_volumes``."""
    three, mask, seven, mask_7t = pair.image_3t
    return FakeRegisteredPair(pair.subject, pair.contrast, three, mask, seven, mask_7t)


@dataclass(frozen=True, eq=False)
class FormulaPair(Pair):
    """A Pair whose 3T "image" carries all that ``fake_register`` needs."""


def formula_pairs(count=3, contrast="T1w"):
    return [FormulaPair(f"s{seed}", contrast, formula_volumes(seed), None) for seed in range(count)]


def tiny_settings(folder, checkpoint, **changes):
    """Four steps on small patches, on the CPU."""
    values = {
        "name": "tuned", "folder": str(folder), "checkpoint": checkpoint, "learning_rate": 2e-3, "steps": 4,
        "batch": 2, "patch": 16, "validate_every": 2, "patience": 5, "device": "cpu",
    }  # fmt: skip
    return FineTuningSettings(**{**values, **changes})
