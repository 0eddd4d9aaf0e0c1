"""The compared methods by name. Free of torch: a network's file is imported when one is built."""

from dataclasses import dataclass
from importlib import import_module
from typing import Optional

from CHARMSSRLib.errors import SettingsError


@dataclass(frozen=True)
class Method:
    """One row of the comparison.

    Attributes:
        title: the name in tables.
        home: "file:Class" in this folder; the class is built with (scale, image_skip).
        published_millions: parameters (millions) that the CHARMS paper prints for x2 and x4; None where it has none.
        remark: what a reader of the table must know, or "".
    """

    title: str
    home: str
    published_millions: Optional[tuple[float, float]] = None
    remark: str = ""

    def build(self, scale, image_skip=True):
        """A new, untrained network."""
        file, _, name = self.home.partition(":")
        return getattr(import_module(f".{file}", __package__), name)(scale, image_skip)


METHODS = {
    "bicubic": Method("Bicubic", "bicubic:Bicubic", (0.0, 0.0)),
    "srcnn": Method(
        "SRCNN", "srcnn:SRCNN", (0.82, 0.82), "the cited network has 0.06 M parameters, not the printed 0.82 M"
    ),
    "vdsr": Method("VDSR", "vdsr:VDSR", (0.37, 0.37), "48 channels; its own skip from the interpolated image"),
    "edsr": Method("EDSR", "edsr:EDSR", (1.36, 1.51), "the small EDSR: 16 blocks of 64 channels"),
    "pan": Method("PAN", "pan:PAN", (0.78, 0.92), "64 channels; published with a bilinear image skip"),
    "w2amsn": Method("W2AMSN-S", "w2amsn:W2AMSN", (11.37, 11.41), "no code published: the layout is ours"),
    "fmen": Method("FMEN", "fmen:FMEN", (3.80, 3.95), "parameters while training; folded for inference"),
    "charms": Method("CHARMS", "charms:build", (1.74, 1.89)),
}


def build_method(name, scale, image_skip=True):
    """A new, untrained network of the method.

    Args:
        name: of ``METHODS``.
        scale: 2 or 4.
        image_skip: with the image skip and zero tail of CHARMS (the main comparison), or
            as published. CHARMS and bicubic have one form.

    Raises:
        SettingsError: for an unknown name.
        ValueError: for another scale.
    """
    if name not in METHODS:
        raise SettingsError(f"Unknown method {name!r}; choose one of: {', '.join(METHODS)}.")
    return METHODS[name].build(scale, image_skip)
