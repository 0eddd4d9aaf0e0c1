"""The compared methods by name."""

from collections.abc import Callable
from dataclasses import dataclass

from CHARMSSRLib.errors import SettingsError
from CHARMSSRLib.network.charms import CHARMS

from .bicubic import Bicubic
from .edsr import EDSR
from .fmen import FMEN
from .pan import PAN
from .srcnn import SRCNN
from .vdsr import VDSR
from .w2amsn import W2AMSN


@dataclass(frozen=True)
class Method:
    """One row of the comparison.

    Attributes:
        title: the name in tables.
        build: ``build(scale, image_skip)`` -> network.
        published_millions: parameters (millions) that the CHARMS paper prints for x2 and x4.
        remark: what a reader of the table must know, or "".
    """

    title: str
    build: Callable
    published_millions: tuple[float, float]
    remark: str = ""


def _charms(scale, image_skip=True):
    """CHARMS has the image skip by its own design: there is no other form of it."""
    return CHARMS(scale)


METHODS = {
    "bicubic": Method("Bicubic", Bicubic, (0.0, 0.0)),
    "srcnn": Method("SRCNN", SRCNN, (0.82, 0.82), "the cited network has 0.06 M parameters, not the printed 0.82 M"),
    "vdsr": Method("VDSR", VDSR, (0.37, 0.37), "48 channels; its own skip from the interpolated image"),
    "edsr": Method("EDSR", EDSR, (1.36, 1.51), "the small EDSR: 16 blocks of 64 channels"),
    "pan": Method("PAN", PAN, (0.78, 0.92), "64 channels; published with a bilinear image skip"),
    "w2amsn": Method("W2AMSN-S", W2AMSN, (11.37, 11.41), "no code published: the layout is ours"),
    "fmen": Method("FMEN", FMEN, (3.80, 3.95), "parameters while training; folded for inference"),
    "charms": Method("CHARMS", _charms, (1.74, 1.89)),
}


def method_names():
    """Names of all methods in the order of the tables, CHARMS last."""
    return list(METHODS)


def build_method(name, scale, image_skip=True):
    """A new, untrained network of the method.

    Args:
        name: one of :func:`method_names`.
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
