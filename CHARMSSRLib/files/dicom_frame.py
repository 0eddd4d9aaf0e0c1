"""What is known about one DICOM image, and how its values are read from texts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError

_CT = "1.2.840.10008.5.1.4.1.1.2"


@dataclass(frozen=True)
class Frame:
    """One image of a series.

    Attributes:
        path: file that holds it.
        index: its place in a multi-frame file, from 0; None in a classic file.
        series, number, description, modality, uid: of the series and the image, as texts.
        study: identifier of the study.
        size: columns and rows.
        pixel_type: SimpleITK's, after the scaling.
        components: values per pixel.
        position, orientation: LPS, mm (3 and 6 numbers); None where the file gives none.
        spacing: mm along the rows and along the columns (x, y); None where the file gives none.
        slice_spacing: mm from slice to slice, as the file says; None where it does not.
        slope, intercept: scaling of the stored values (multi-frame only; SimpleITK applies a classic file's).
        padding: stored value that stands for "no data"; None where none is declared.
        traits: what tells images of different kinds at one place apart, by name; texts, "" where unknown.
    """

    path: Path
    index: int | None
    series: str
    number: str
    description: str
    modality: str
    uid: str
    study: str
    size: tuple[int, int]
    pixel_type: int
    components: int
    position: np.ndarray | None
    orientation: np.ndarray | None
    spacing: tuple[float, float] | None = None
    slice_spacing: float | None = None
    slope: float = 1.0
    intercept: float = 0.0
    padding: float | None = None
    traits: dict[str, str] = field(default_factory=dict)


def no_scale(path: Path) -> InputError:
    """The refusal of a file whose scaling is by 0."""
    return InputError(
        f"The DICOM file {path.name} says that its values are to be multiplied by 0 (RescaleSlope): nothing would be"
        " left of them; export it again, or correct the slope."
    )


def modality_of(class_uid: str, stated: str) -> str:
    """CT by its class, too, whatever a converter wrote."""
    return "CT" if class_uid == _CT or class_uid.startswith(f"{_CT}.") else stated


def plain_text(value: Any) -> str:
    """A value as DICOM writes it: several with backslashes between them, "" for none."""
    if value is None:
        return ""
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return str(value)
    return "\\".join(str(one) for one in value)


def array_of(values: Any, count: int) -> np.ndarray | None:
    """(count,) finite numbers, or None where these are not that."""
    try:
        numbers = np.array([float(number) for number in values])
    except (TypeError, ValueError):
        return None
    return numbers if numbers.size == count and np.isfinite(numbers).all() else None


def number_of(text: Any) -> float | None:
    """A finite number, or None."""
    try:
        number = float(text)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None
