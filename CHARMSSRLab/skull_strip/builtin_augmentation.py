"""Training examples of the built-in network: real heads in random poses, contrasts and damage.

There are few heads, so contrast is what varies most: half of the examples get random intensity
curves, one inside the brain and one outside, as in synthetic-contrast training (SynthStrip,
Hoopes et al., NeuroImage 2022). T2w and FLAIR then need not be in the training data.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

# (z, y, x) voxels of 3 mm: 192 x 240 x 192 mm.
PATCH = (64, 80, 64)


def random_example(head: dict, generator):
    """One random training example.

    Args:
        head: ``image`` and ``brain`` and ``head``, each a (1, 1, D, H, W) float tensor on a
            2 mm grid cropped to the head (its last z index is the top), ``spacing`` in mm.
        generator: torch.Generator; source of all randomness.

    Returns:
        tuple of Tensor: input and target, each (1, 1) + PATCH.
    """
    grid = _random_grid(head, generator)
    image, brain, inside = (
        F.grid_sample(head[name], grid, align_corners=False, padding_mode="zeros")
        for name in ("image", "brain", "head")
    )
    if _chance(0.55, generator):
        image = _random_contrast(image, brain, inside, generator)
    elif _chance(0.5, generator):
        image = image.clamp(min=0) ** math.exp(_normal(0.3, generator))
    image = image * _random_bias(generator)
    image = _random_resolution(image, generator)
    if _chance(0.3, generator):
        image = image * (inside > 0.5)
    image = _random_noise(image, generator)
    image, brain = _random_field_of_view(image, brain, generator)
    bright = torch.quantile(image[inside > 0.5][::7], 0.99).clamp(min=1e-3)
    return (image / bright * math.exp(_normal(0.1, generator))).clamp(0, 1.5), brain


def _random_grid(head, generator):
    """Sampling positions: rotated, scaled, sheared, mirrored; the top of the head near the top."""
    wide = _chance(0.25, generator)
    angles = [_normal(0.35 if wide else 0.15, generator) for _ in range(3)]
    matrix = _rotation(angles) @ torch.diag(torch.tensor([math.exp(_normal(0.08, generator)) for _ in range(3)]))
    matrix = matrix + torch.tensor([[0 if i == j else _normal(0.03, generator) for j in range(3)] for i in range(3)])
    if _chance(0.5, generator):
        matrix = matrix @ torch.diag(torch.tensor([-1.0, 1.0, 1.0]))
    axes = [(torch.arange(size) - (size - 1) / 2) * 3.0 for size in PATCH]
    z, y, x = torch.meshgrid(*axes, indexing="ij")
    offset = torch.tensor([_normal(6.0, generator), _normal(8.0, generator), _normal(8.0, generator)])
    position = torch.stack([x, y, z], dim=-1) @ matrix.T + offset
    extent = torch.tensor([size * head["spacing"] for size in head["image"].shape[:1:-1]])
    # The patch is centred in the axial plane, and its top lies 6 mm above the head's.
    position[..., 2] += extent[2] / 2 - (PATCH[0] * 3.0 / 2) + 6.0
    return (position * 2.0 / extent)[None]


def _rotation(angles):
    result = torch.eye(3)
    for axis, angle in enumerate(angles):
        first, second = [other for other in range(3) if other != axis]
        turn = torch.eye(3)
        turn[first, first] = turn[second, second] = math.cos(angle)
        turn[first, second], turn[second, first] = -math.sin(angle), math.sin(angle)
        result = result @ turn
    return result


def _random_contrast(image, brain, inside, generator):
    """Each side of the brain's border through a random curve of its own; air stays dark."""
    within = _curve(image, torch.rand(7, generator=generator))
    knots = torch.rand(7, generator=generator) * _uniform(0.5, 1.5, generator)
    knots[0] = _uniform(0.0, 0.25, generator)
    without = _curve(image, knots)
    air = image * _uniform(0.2, 1.0, generator)
    mixed = brain * within + (1 - brain) * without
    return inside * mixed + (1 - inside) * air


def _curve(image, knots):
    """Piecewise linear through equally spaced knots over [0, 1.2]."""
    position = (image.clamp(0, 1.2) / 1.2) * (len(knots) - 1)
    index = position.floor().clamp(max=len(knots) - 2).long()
    share = position - index
    return knots[index] * (1 - share) + knots[index + 1] * share


def _random_bias(generator):
    coarse = torch.randn((1, 1, 4, 4, 4), generator=generator) * _uniform(0.0, 0.35, generator)
    return F.interpolate(coarse, PATCH, mode="trilinear", align_corners=True).exp()


def _random_resolution(image, generator):
    """Thick slices along one axis, or an overall blur, or neither."""
    if _chance(0.35, generator):
        sizes = list(PATCH)
        axis = int(torch.randint(3, (1,), generator=generator))
        sizes[axis] = int(sizes[axis] / _uniform(1.2, 2.2, generator))
        image = F.interpolate(F.interpolate(image, sizes, mode="trilinear"), PATCH, mode="trilinear")
    elif _chance(0.4, generator):
        share = _uniform(0.2, 1.0, generator)
        image = (1 - share) * image + share * F.avg_pool3d(image, 3, 1, 1)
    return image


def _random_noise(image, generator):
    level = _uniform(0.0, 0.07, generator)
    first, second = (torch.randn(image.shape, generator=generator) * level for _ in range(2))
    return ((image + first) ** 2 + second**2).sqrt()


def _random_field_of_view(image, brain, generator):
    """Slabs cut off at the faces, as by a small field of view; what is cut is no target either."""
    keep = torch.ones_like(image)
    for axis in range(3):
        for end in (False, True):
            if _chance(0.12, generator):
                width = int(_uniform(0.03, 0.3, generator) * PATCH[axis])
                start = PATCH[axis] - width if end else 0
                keep.narrow(axis + 2, start, width).zero_()
    return image * keep, brain * keep


def _chance(probability, generator):
    return bool(torch.rand((), generator=generator) < probability)


def _uniform(low, high, generator):
    return low + (high - low) * float(torch.rand((), generator=generator))


def _normal(deviation, generator):
    return deviation * float(torch.randn((), generator=generator))
