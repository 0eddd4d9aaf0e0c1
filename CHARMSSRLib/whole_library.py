"""Parts of the library that 3D Slicer does not install: neither its module nor its worker reaches them.

They read and write files of all kinds and are the commands; in Slicer, the scene holds the volumes. Whoever needs one
names it here instead of importing it, so that Slicer's copy can do without and says so in a sentence.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType

from .errors import BackendError

_ELSEWHERE = (
    "not part of what 3D Slicer installs: use PythonSlicer in a clone of the repository, or another Python after"
    " 'pip install .'"
)


def part_of_the_whole_library(module: str, what: str) -> ModuleType:
    """A module of the library that may be absent.

    Args:
        module: its dotted name below the library ("dicom.enhance_dicom").
        what: it does, the beginning of a sentence ("Reading scans from files").

    Raises:
        BackendError: this is the copy that 3D Slicer installs.
    """
    # Beside this file, and nowhere else: an editable installation of the whole library in the same Python would lend
    # its modules one by one to Slicer's copy.
    place = Path(__file__).parent.joinpath(*module.split("."))
    if not place.is_dir() and not place.with_suffix(".py").is_file():
        raise BackendError(f"{what} is {_ELSEWHERE}.")
    try:
        return import_module(f"{__package__}.{module}")
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith(f"{__package__}."):
            raise  # another package is missing
        raise BackendError(f"{what} is {_ELSEWHERE}.") from error
