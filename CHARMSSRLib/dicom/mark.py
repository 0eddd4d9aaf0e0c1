"""A mark in the corner of an image that every viewer shows, since no viewer shows every attribute."""

from __future__ import annotations

import numpy as np

_HEIGHT, _WIDTH = 7, 5
# Of each letter its columns from the left, the lowest bit on top.
_LETTERS = {
    "A": (0x7E, 0x11, 0x11, 0x11, 0x7E),
    "C": (0x3E, 0x41, 0x41, 0x41, 0x22),
    "E": (0x7F, 0x49, 0x49, 0x49, 0x41),
    "H": (0x7F, 0x08, 0x08, 0x08, 0x7F),
    "L": (0x7F, 0x40, 0x40, 0x40, 0x40),
    "M": (0x7F, 0x02, 0x0C, 0x02, 0x7F),
    "N": (0x7F, 0x04, 0x08, 0x10, 0x7F),
    "O": (0x3E, 0x41, 0x41, 0x41, 0x3E),
    "R": (0x7F, 0x09, 0x19, 0x29, 0x46),
    "S": (0x46, 0x49, 0x49, 0x49, 0x31),
    "X": (0x63, 0x14, 0x08, 0x14, 0x63),
    "Y": (0x07, 0x08, 0x70, 0x08, 0x07),
    "2": (0x42, 0x61, 0x51, 0x49, 0x46),
    "3": (0x21, 0x41, 0x45, 0x4B, 0x31),
    "4": (0x18, 0x14, 0x12, 0x7F, 0x10),
    "8": (0x36, 0x49, 0x49, 0x49, 0x36),
    " ": (0, 0, 0, 0, 0),
}
# Of the image's rows for a line of text.
_SHARE = 0.025


def draw_mark(pixels: np.ndarray, scale: int, value: float) -> None:
    """Write "CHARMS X2" and "RESEARCH ONLY" into the lower left corner, in place.

    Args:
        pixels: (rows, columns).
        scale: of the checkpoint.
        value: of the letters; what lies behind them becomes the smallest value of the image.
    """
    for number, line in enumerate(("RESEARCH ONLY", f"CHARMS X{scale}")):
        letters = _bitmap(line)
        size = max(1, int(min(pixels.shape[0] * _SHARE / _HEIGHT, pixels.shape[1] / 2 / letters.shape[1])))
        letters = letters.repeat(size, axis=0).repeat(size, axis=1)
        bottom = pixels.shape[0] - 2 - number * (letters.shape[0] + 2 * size)
        area = pixels[max(0, bottom - letters.shape[0]) : bottom, 2 : 2 + letters.shape[1]]
        shown = letters[-area.shape[0] :, : area.shape[1]]
        area[...] = np.where(shown, pixels.dtype.type(value), area.min() if area.size else 0)


def _bitmap(text: str) -> np.ndarray:
    columns = [column for letter in text for column in (*_LETTERS[letter], 0)]
    return np.array([[bool(column >> row & 1) for column in columns] for row in range(_HEIGHT)])
