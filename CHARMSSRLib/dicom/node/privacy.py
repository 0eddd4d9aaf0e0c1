"""What is recorded outside the images tells nothing about patients.

Messages of errors may quote values of a header. The images in the inbox carry these anyway, and so may the reasons
that lie beside them; the record and the terminal (which a service writes into the system's log) may not.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...errors import BackendError, CheckpointError, OutputError

# Errors that a series is not to blame for: the disk, an installation, weights.
OF_THE_MACHINE = (OutputError, BackendError, CheckpointError)
_PERSONAL = """
PatientName PatientID PatientBirthDate OtherPatientIDs OtherPatientNames PatientComments PatientAddress
AccessionNumber StudyID StudyDescription SeriesDescription ProtocolName ReferringPhysicianName OperatorsName
PerformingPhysicianName InstitutionName ImageComments RequestedProcedureDescription AdditionalPatientHistory
""".split()
_SHORTEST = 3


class Accident(RuntimeError):
    """Something unforeseen in an enhancement.

    Attributes:
        kind: what it was, without any values.
    """

    def __init__(self, kind: str, message: str = "") -> None:
        super().__init__(message or kind)
        self.kind = kind


def kind_of(error: Exception) -> str:
    """What went wrong, for the record: without text that may quote a header."""
    if isinstance(error, Accident):
        return error.kind
    if isinstance(error, OF_THE_MACHINE):
        return str(error)
    name = type(error).__name__
    return f"{name}: {error.strerror}" if isinstance(error, OSError) and error.strerror else name


def without_patient(text: str, images: Sequence[Path]) -> str:
    """A message in which nothing remains of what the first image says about the patient."""
    for value in sorted(_values(images), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "...", text, flags=re.IGNORECASE)
    return text


def keep_values_out_of_logs() -> None:
    """Silence the libraries that read headers: what they warn of quotes values."""
    warnings.simplefilter("ignore")
    for name in ("pydicom", "pynetdicom", "highdicom"):
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False


def _values(images: Sequence[Path]) -> set[str]:
    from pydicom import dcmread

    found: set[str] = set()
    for path in images[:1]:
        try:
            header = dcmread(path, specific_tags=list(_PERSONAL), stop_before_pixels=True, force=True)
        except Exception:  # what cannot be read cannot have been quoted
            continue
        for name in _PERSONAL:
            found |= _texts(header, name)
    return found


def _texts(header: Any, name: str) -> set[str]:
    try:
        whole = str(header.get(name, "") or "")
    except Exception:
        return set()
    parts = [whole, *re.split(r"[\^=\\]", whole), *whole.split()]
    return {one.strip() for one in parts if len(one.strip()) >= _SHORTEST}
