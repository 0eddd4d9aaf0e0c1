"""The report of a result as a structured report that lies beside it in the archive.

Source: DICOM PS3.3, A.35.1 (Basic Text SR).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..files.output_files import plain
from .derivation import MAKER, NOT_FOR_DIAGNOSIS, code
from .header import kept_from
from .kept_attributes import KEPT_OF_THE_STUDY, MAY_BE_EMPTY
from .series_writer import DerivedSeries, save
from .uids import uid_from

_BASIC_TEXT = "1.2.840.10008.5.1.4.1.1.88.11"
_OWN_CODES = "99CHARMSSR"
# Shown in this order; a report holds more, which the JSON file gives.
_SHOWN = (
    ("slices", "Slices"),
    ("data_consistency", "Difference from the acquired data"),
    ("banding", "Banding"),
    ("skull_strip", "Brain"),
    ("stages", "Seconds by stage"),
    ("notes", "Notes"),
    ("warnings", "Warnings"),
)


def write_report(series: DerivedSeries, report: dict[str, Any], path: Path) -> None:
    """Write the report of a result as a Basic Text SR of the same study, in a series of its own."""
    from pydicom.dataset import Dataset

    derivation = series.derivation
    document = kept_from(series.source.first, KEPT_OF_THE_STUDY, MAY_BE_EMPTY)
    document.SOPClassUID, document.SOPInstanceUID = _BASIC_TEXT, uid_from("report", derivation.series_uid)
    document.Modality, document.Manufacturer = "SR", MAKER
    document.SeriesInstanceUID = uid_from("report series", derivation.series_uid)
    document.SeriesNumber, document.InstanceNumber = derivation.number + 1, 1
    document.SeriesDescription = f"CHARMS x{derivation.checkpoint['scale']} report, research only"
    for name in ("Series", "Content", "InstanceCreation"):
        setattr(document, f"{name}Date", derivation.date)
        setattr(document, f"{name}Time", derivation.time)
    document.ReferencedPerformedProcedureStepSequence, document.PerformedProcedureCodeSequence = [], []
    document.CompletionFlag, document.VerificationFlag = "COMPLETE", "UNVERIFIED"
    document.ValueType, document.ContinuityOfContent = "CONTAINER", "SEPARATE"
    document.ConceptNameCodeSequence = [code("REPORT", "Super-resolution report", _OWN_CODES)]
    content = []
    for title, text in _paragraphs(series, report):
        item = Dataset()
        item.RelationshipType, item.ValueType = "CONTAINS", "TEXT"
        item.ConceptNameCodeSequence = [code(title.upper().replace(" ", "_")[:16], title, _OWN_CODES)]
        item.TextValue = text
        content.append(item)
    document.ContentSequence = content
    save(document, path)


def _paragraphs(series, report):
    yield "Use", NOT_FOR_DIAGNOSIS
    yield "Derivation", series.derivation.description
    yield "Series", f"SeriesInstanceUID {series.derivation.series_uid}, {series.image.GetSize()[2]} images"
    yield "Pixels", _sentence(series.report()["pixels"])
    for key, title in _SHOWN:
        if report.get(key):
            yield title, _sentence(report[key])


def _sentence(value):
    """Nested figures in one line."""
    value = plain(value)
    if isinstance(value, dict):
        return "; ".join(f"{name.replace('_', ' ')}: {_inner(one)}" for name, one in value.items())
    return _inner(value)


def _inner(value):
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')} {_inner(one)}" for name, one in value.items())
    if isinstance(value, list):
        return " | ".join(_inner(one) for one in value)
    if isinstance(value, float):
        return f"{value:.6g}"
    return "not measured" if value is None else str(value).encode("ascii", "replace").decode()
