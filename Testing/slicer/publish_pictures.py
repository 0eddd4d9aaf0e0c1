"""Puts the pictures that take_pictures.py has taken into Resources: in few colours, so that the history stays small.

``python Testing/slicer/publish_pictures.py FOLDER [NAME ...]``
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

RESOURCES = Path(__file__).resolve().parents[2] / "Resources"
NAMES = ("panel", "panel-maps", "panel-fine-tune")
GREYS, COLOURS = 18, 40
COLOURFUL = 24  # difference between a pixel's channels
LINE = 1  # pixels between two views, as in the application


def main(folder, *names):
    for name in names or NAMES:
        picture = maps_in_a_row(Path(folder)) if name == "panel-maps" else opened(Path(folder) / f"{name}.png")
        few = in_few_colours(picture)
        few.save(RESOURCES / f"{name}.png", optimize=True)
        sys.stdout.write(f"{name}.png: {(RESOURCES / f'{name}.png').stat().st_size // 1000} kB\n")


def opened(path):
    with Image.open(path) as picture:
        return picture.convert("RGB")


def maps_in_a_row(folder):
    """Scan, result and two maps: three views, and the third view of another picture beside them."""
    first, second = (opened(folder / f"panel-maps-{name}.png") for name in ("detail", "variability"))
    view = second.width // 3
    row = Image.new("RGB", (first.width + LINE + view, first.height), "white")
    row.paste(first, (0, 0))
    row.paste(second.crop((second.width - view, 0, second.width, second.height)), (first.width + LINE, 0))
    bright = np.asarray(row.convert("L"))[: row.height * 8 // 10] > 40
    filled = np.flatnonzero(bright.sum(axis=1) > 3 * LINE)  # more than the lines between the views
    return row.crop((0, 0, row.width, filled[-1] + 12))


def in_few_colours(picture):
    """Scans keep a ramp of greys of their own; what is coloured shares the rest."""
    pixels = np.asarray(picture).reshape(-1, 3)
    coloured = pixels[np.ptp(pixels.astype(int), axis=1) > COLOURFUL]
    greys = np.repeat(np.linspace(0, 255, GREYS).round().astype(int), 3).tolist()
    palette = greys
    if len(coloured):
        strip = Image.fromarray(coloured[None]).quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE)
        palette = greys + strip.getpalette()[: 3 * COLOURS]
    holder = Image.new("P", (1, 1))
    holder.putpalette(palette)
    return picture.quantize(palette=holder, dither=Image.Dither.NONE)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
