"""The tags of a multi-frame DICOM object, which keeps them in nested groups (functional groups) that ITK does not show.

They get the names and the forms that a classic image has for them, so that nobody after this needs to know the kind.

Source: DICOM PS3.3, C.7.6.16 and C.8.13 (Enhanced MR), C.7.6.16.2.25 (what was converted from classic images).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..files.functional_groups import classic_frame, functional_macro

_UNREADABLE = (
    OSError, EOFError, AttributeError, ValueError, IndexError, KeyError, TypeError, NotImplementedError, OverflowError,
)  # fmt: skip


def multi_frame_tags(path: Path, names: Iterable[str]) -> dict:
    """The tags of the first frame of a multi-frame object.

    Args:
        path: DICOM file.
        names: keywords that are wanted.

    Returns:
        dict of keyword -> text, several values with a backslash between them; {} where pydicom is missing, or where
        nothing can be read. Besides ``names`` there are "PartialFourierDirection" (where partial Fourier was used:
        PHASE, FREQUENCY, SLICE_SELECT, COMBINATION, or UNKNOWN) and "KSpaceFiltering".
    """
    try:
        import pydicom
        from pydicom.errors import InvalidDicomError
    except ModuleNotFoundError:
        return {}
    try:
        dataset = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        frame, macro = classic_frame(dataset, 0), functional_macro(dataset, 0)
        found = {name: _text(frame.get(name)) for name in (*names, "KSpaceFiltering")}
        if macro("MRModifierSequence", "PartialFourier") == "YES":
            found["PartialFourierDirection"] = (
                _text(macro("MRModifierSequence", "PartialFourierDirection")) or "UNKNOWN"
            )
    except (InvalidDicomError, *_UNREADABLE):
        return {}
    return {name: text for name, text in found.items() if text}


def _text(value: Any) -> str:
    if value is None or hasattr(value, "walk"):  # a nested data set is no text
        return ""
    if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        return str(value).strip()
    return "\\".join(str(one).strip() for one in value)
