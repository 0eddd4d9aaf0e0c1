"""Draws CHARMSSR.png: a brain slice, coarse pixels on its left half and fine folds on its right.

``python Resources/draw_icon.py [SIDE]`` writes CHARMSSR.png (128 x 128) into the root.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

OVERSAMPLING = 16
BLOCKS = 15  # coarse pixels across the icon
BACKGROUND = np.array([18, 24, 38]) / 255
SHADES = [  # tone of the slice -> colour: dark blue, teal, near white
    (0.0, (18, 24, 38)),
    (0.35, (38, 84, 124)),
    (0.7, (106, 196, 200)),
    (1.0, (246, 250, 244)),
]
WIDTH, HEIGHT, CORTEX = 0.78, 0.90, 0.062  # half axes of the brain and thickness of its cortex, in half icons
SULCI = [  # angle from the right in degrees (downwards), depth, bend
    (-70, 0.26, 0.10),
    (-53, 0.40, 0.14),
    (-36, 0.24, 0.10),
    (-20, 0.38, 0.04),
    (-1, 0.24, 0.10),
    (18, 0.36, -0.04),
    (35, 0.24, -0.10),
    (53, 0.38, -0.16),
    (71, 0.24, -0.10),
]
SEAM = np.array([255, 178, 62]) / 255


def slice_tone(fine):
    """(fine, fine) tones in [0, 1] of the drawn slice: fluid 0, cortex 0.62, white matter 1."""
    grid = (np.arange(fine) + 0.5) / fine * 2 - 1
    x, y = np.meshgrid(grid, grid)
    hull = np.hypot(x / WIDTH, y / HEIGHT) < 1
    canvas = Image.new("L", (fine, fine), 0)
    for angle, depth, bend in SULCI:
        for mirror in (-1, 1):
            line = [sulcus_point(angle, depth, bend, share, mirror, fine) for share in np.linspace(0, 1, 24)]
            ImageDraw.Draw(canvas).line(line, fill=255, width=max(1, fine // 50), joint="curve")
    fissure = (np.abs(x) < 0.014) & (np.abs(y) > 0.33 * HEIGHT)
    ventricle = np.hypot((np.abs(x) - 0.10 - 0.25 * y * y) / 0.06, (y + 0.03) / 0.27) < 1
    brain = hull & (np.asarray(canvas) == 0) & ~fissure
    depth = ndimage.distance_transform_edt(brain) / fine * 2
    tone = 0.62 * smooth_step(depth - 0.008, 0.008) + 0.38 * smooth_step(depth - CORTEX, 0.012)
    nucleus = np.hypot((np.abs(x) - 0.30) / 0.075, (y - 0.02) / 0.17) < 1
    return np.where(ventricle, 0.18, np.where(nucleus & (tone > 0.9), 0.72, tone))


def sulcus_point(angle, depth, bend, share, mirror, fine):
    """Pixel of a fold that starts on the hull (share 0) and ends `depth` inside it (share 1)."""
    turned = np.radians(angle) + bend * share**1.5
    radius = 1.06 - (depth + 0.06) * share
    x, y = mirror * WIDTH * radius * np.cos(turned), HEIGHT * radius * np.sin(turned)
    return ((x + 1) / 2 * fine, (y + 1) / 2 * fine)


def smooth_step(value, width):
    """0 below -width, 1 above width, smooth between."""
    t = np.clip((value / width + 1) / 2, 0, 1)
    return t * t * (3 - 2 * t)


def coloured(tone):
    """(H, W) tones -> (H, W, 3) colours in [0, 1]."""
    stops = [stop for stop, _ in SHADES]
    return np.stack([np.interp(tone, stops, [c[i] / 255 for _, c in SHADES]) for i in range(3)], axis=-1)


def draw(side):
    """(side, side, 4) picture, 8 bits."""
    fine = side * OVERSAMPLING
    grid = (np.arange(fine) + 0.5) / fine * 2 - 1
    x, y = np.meshgrid(grid, grid)
    tone = slice_tone(fine)

    block = np.floor((grid + 1) / 2 * BLOCKS).astype(int)
    labels = block[:, None] * BLOCKS + block[None, :]
    coarse = ndimage.mean(tone, labels, np.arange(BLOCKS * BLOCKS))[labels]
    picture = coloured(np.where(x < 0, coarse, tone))
    seam = smooth_step(0.012 - np.abs(x), 0.006) * smooth_step(0.93 - np.abs(y), 0.03)
    picture = picture * (1 - seam[..., None]) + SEAM * seam[..., None]

    corner = 0.22  # rounded square
    outside = np.hypot(np.clip(np.abs(x) - 1 + corner, 0, None), np.clip(np.abs(y) - 1 + corner, 0, None))
    opaque = (outside < corner).astype(float)
    image = np.concatenate([picture * opaque[..., None], opaque[..., None]], axis=-1)
    image = image.reshape(side, OVERSAMPLING, side, OVERSAMPLING, 4).mean(axis=(1, 3))
    image[..., :3] = np.where(image[..., 3:] > 0, image[..., :3] / np.maximum(image[..., 3:], 1e-6), BACKGROUND)
    return np.round(image * 255).astype(np.uint8)


if __name__ == "__main__":
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 128
    Image.fromarray(draw(size)).save(Path(__file__).resolve().parent.parent / "CHARMSSR.png", optimize=True)
