"""A head made of formulas: scalp, skull, fluid, folded cortex, white matter, ventricles, eyes.

It stands in for a scan where no real volume is at hand (tests, ``make demo``, ``charmssr benchmark``).
All shapes are functions of the position in millimetres, so any grid samples the
same head; tissue borders are as wide as a voxel, which gives partial volumes.
"""

import numpy as np
import SimpleITK as sitk

# Signal of each tissue, arbitrary scanner units.
SIGNALS = {
    "T1w": {"scalp": 820.0, "skull": 70.0, "fluid": 130.0, "grey": 430.0, "white": 640.0, "muscle": 330.0},
    "T2w": {"scalp": 420.0, "skull": 50.0, "fluid": 900.0, "grey": 460.0, "white": 330.0, "muscle": 200.0},
}
HEAD_RADII = (78.0, 98.0, 92.0)  # half axes of the scalp's outside: left-right, front-back, down-up, mm
SCALP_MM, SKULL_MM, FLUID_MM, CORTEX_MM = 6.0, 6.0, 2.5, 5.0
SULCUS_MM = 16.0  # how deep the folds reach
BRAIN_FLOOR_MM = -52.0  # below this height there is neck and face, no brain


def phantom_head_and_brain(size=(96, 96, 48), spacing=(2.1, 2.2, 3.6), contrast="T1w", bias=0.15, noise=8.0, seed=0):
    """Head phantom with its true brain mask.

    Args:
        size: voxels along x (to the left), y (to the back), z (upwards).
        spacing: voxel size along x, y, z in mm.
        contrast: "T1w" or "T2w".
        bias: relative depth of the bias field (0: none).
        noise: standard deviation of the complex noise in signal units; the result is Rician.
        seed: seed of the noise.

    Returns:
        (image, brain): float32 image centred on the origin, and UInt8 mask (1 = brain, its
        sulci and ventricles filled), both with identity directions (LPS).
    """
    x, y, z = _millimetres(size, spacing)
    soft = float(np.max(spacing))
    signal = SIGNALS[contrast]

    head_depth = _ellipsoid_depth(x, y, z, HEAD_RADII)
    neck_depth = np.minimum(46.0 - np.hypot(x, 0.8 * (y - 12.0)), -z - 20.0)
    head = _inside(np.maximum(head_depth, neck_depth), soft)
    image = signal["scalp"] * head
    image = _paint(image, signal["muscle"], np.maximum(neck_depth, np.minimum(head_depth, -z - 40.0)) - SCALP_MM, soft)

    floor = z - BRAIN_FLOOR_MM
    vault = np.minimum(head_depth, floor + SCALP_MM + SKULL_MM)
    image = _paint(image, signal["skull"], vault - SCALP_MM, soft)
    fluid_depth = vault - SCALP_MM - SKULL_MM
    image = _paint(image, signal["fluid"], fluid_depth, soft)

    folds = _folds(x, y, z)
    hull_depth = fluid_depth - FLUID_MM
    brain_depth = hull_depth - SULCUS_MM * np.clip((folds - 0.3) / 0.7, 0.0, 1.0)
    image = _paint(image, signal["grey"], brain_depth, soft)
    image = _paint(image, signal["white"], brain_depth - CORTEX_MM - 3.0 * (1.0 + folds), soft)
    for side in (-1.0, 1.0):
        nucleus = _ellipsoid_depth(x - side * 22.0, y - 4.0, z - 2.0, (8.0, 18.0, 12.0))
        ventricle = _ellipsoid_depth(x - side * (7.0 + 0.06 * np.abs(y)), y - 2.0, z - 14.0, (5.0, 30.0, 9.0))
        image = _paint(image, signal["grey"], nucleus, soft)
        image = _paint(image, signal["fluid"], ventricle, soft)
        eye = _ellipsoid_depth(x - side * 30.0, y + 72.0, z + 36.0, (12.0, 12.0, 12.0))
        image = _paint(image, signal["fluid"], eye, soft)
    image = _paint(image, signal["fluid"], np.minimum(1.2 - np.abs(x), brain_depth + FLUID_MM) + np.minimum(0, z), soft)

    image *= 1.0 + bias * (np.sin(x / 70.0 + 0.4) + np.cos(y / 80.0) - 0.5 + z / 200.0)
    generator = np.random.default_rng(seed)
    real = image + noise * generator.standard_normal(image.shape)
    image = np.hypot(real, noise * generator.standard_normal(image.shape)) if noise > 0 else np.abs(real)
    return _volume(image.astype(np.float32), spacing), _volume((hull_depth > 0).astype(np.uint8), spacing)


def phantom_head(**options):
    """The image of :func:`phantom_head_and_brain` alone."""
    return phantom_head_and_brain(**options)[0]


def _millimetres(size, spacing):
    axes = [(np.arange(n) - (n - 1) / 2) * step for n, step in zip(size, spacing)]
    z, y, x = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij", sparse=True)
    return x, y, z


def _ellipsoid_depth(x, y, z, radii):
    """About the distance in mm to the ellipsoid's surface, positive inside."""
    scaled = np.sqrt((x / radii[0]) ** 2 + (y / radii[1]) ** 2 + (z / radii[2]) ** 2)
    return (1.0 - scaled) * float(np.mean(radii))


def _folds(x, y, z):
    """Pattern in about [-1, 1] whose crests are the sulci, 15-25 mm apart."""
    first = np.sin(x / 3.4 + 2.0 * np.sin(y / 14.0)) * np.cos(y / 3.9 + 1.5 * np.sin(z / 12.0))
    second = np.cos(z / 3.6 + 1.5 * np.sin(x / 13.0)) * np.sin(y / 4.3 + np.sin(x / 9.0))
    return np.clip(0.8 * (first + second), -1.0, 1.0)


def _inside(depth, soft):
    return np.clip(depth / soft + 0.5, 0.0, 1.0)


def _paint(image, value, depth, soft):
    share = _inside(depth, soft)
    return image * (1.0 - share) + value * share


def _volume(array, spacing):
    image = sitk.GetImageFromArray(array)
    image.SetSpacing([float(step) for step in spacing])
    image.SetOrigin([-(n - 1) / 2 * step for n, step in zip(image.GetSize(), spacing)])
    return image
