"""Puts the pictures that take_pictures.py has taken into Resources: in few colours, so that the history stays small.

``python Testing/slicer/publish_pictures.py FOLDER [NAME ...]``
"""

import sys
from pathlib import Path

from PIL import Image

RESOURCES = Path(__file__).resolve().parents[2] / "Resources"
COLOURS = {"panel": 16, "panel-maps": 24, "panel-fine-tune": 12}


def main(folder, *names):
    for name in names or COLOURS:
        with Image.open(Path(folder) / f"{name}.png") as picture:
            few = picture.convert("RGB").quantize(COLOURS[name], dither=Image.Dither.NONE)
        few.save(RESOURCES / f"{name}.png", optimize=True)
        sys.stdout.write(f"{name}.png: {(RESOURCES / f'{name}.png').stat().st_size // 1000} kB\n")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
