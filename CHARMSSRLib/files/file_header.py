"""What a volume file's header alone shows, whatever program reads the file."""

from __future__ import annotations

from pathlib import Path

from .header_checks import first_bytes
from .nifti_geometry import check_nifti_header
from .nifti_header import parse_nifti
from .raw_header import check_raw_header


def check_header(path: Path | str) -> list[str]:
    """Refuse what a volume file's header alone shows to be unusable, also where another reader repaired it.

    Returns:
        Warnings, each one sentence; none for formats that are not known here.

    Raises:
        InputError: 4-D, RGB or complex data, label maps, sheared or contradictory geometry.
    """
    path = Path(path)
    start = first_bytes(path)
    nifti = parse_nifti(path, start)
    if nifti is not None:
        return check_nifti_header(path, nifti)
    return check_raw_header(path, start)
