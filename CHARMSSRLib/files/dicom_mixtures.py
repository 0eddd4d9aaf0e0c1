"""One volume holds images of one kind: what a series mixes is found and named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..errors import InputError
from .dicom_frame import Frame

# Slices of one volume may come from several acquisitions (packages of slices).
_MAY_DIFFER = "acquisition number"
# What may change from slice to slice by the way a scanner works; told where several images lie at one place.
_BY_SLICE = ("repetition time", "trigger time", "flip angle", "diffusion direction", "title")
_COUNTS = "temporal position"
_UNITS = {
    "echo time": " ms", "inversion time": " ms", "repetition time": " ms", "trigger time": " ms", "b-value": " s/mm2",
    "flip angle": " degrees",
}  # fmt: skip
_MOST_NAMED = 5


def refuse_mixtures(name: str, frames: Sequence[Frame], places_repeat: bool) -> list[str]:
    """Refuse images of several kinds in one series.

    Args:
        name: how the message names the series.
        frames: its images.
        places_repeat: whether several images lie at one place.

    Returns:
        Warnings, each one sentence.

    Raises:
        InputError: magnitude and phase, several echoes, inversion times, b-values, points in time or
            other image types; or several acquisitions of the same slices.
    """
    found = mixtures(frames)
    if not places_repeat and sum(found.get(_COUNTS, {}).values()) == len(found.get(_COUNTS, {})):
        found.pop(_COUNTS, None)  # one to each slice: it counts slices, not points in time
    for trait in () if places_repeat else _BY_SLICE:
        found.pop(trait, None)
    warnings = []
    if not places_repeat and _MAY_DIFFER in found:
        warnings.append(
            f"{name} was taken in several acquisitions ({_counted(_MAY_DIFFER, found.pop(_MAY_DIFFER))}), each with "
            "slices of its own; they were put together."
        )
    if found:
        named = "; ".join(f"{trait}: {_counted(trait, values)}" for trait, values in found.items())
        raise InputError(
            f"{name} mixes images of several kinds ({named}); put the ones of a single volume in a folder of their "
            "own (dcm2niix sorts them)."
        )
    return warnings


def mixtures(frames: Sequence[Frame]) -> dict[str, Counter]:
    """The traits in which the images differ: name -> how many images have which value."""
    found = {}
    for trait in dict.fromkeys(name for frame in frames for name in frame.traits):
        values = Counter(_comparable(frame.traits.get(trait, "")) for frame in frames)
        values.pop("", None)  # an image that does not tell contradicts nothing
        if len(values) > 1:
            found[trait] = values
    return found


def _comparable(value):
    """Numbers that are written differently are the same ("2.50" and "2.5")."""
    try:
        return f"{float(value):.6g}"
    except ValueError:
        return value.upper()


def _counted(trait, values):
    unit = _UNITS.get(trait, "")
    parts = [
        f"{value}{unit} ({count} image{'s' if count > 1 else ''})" for value, count in values.most_common(_MOST_NAMED)
    ]
    more = len(values) - _MOST_NAMED
    return ", ".join(parts) + (f" and {more} more" if more > 0 else "")
