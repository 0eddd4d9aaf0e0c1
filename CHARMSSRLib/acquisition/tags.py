"""What DICOM headers and BIDS sidecars say about an acquisition; nothing that they say is taken for granted."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from ..errors import CHARMSSRError
from ..files.dicom_header import header_reader, is_dicom
from ..files.header_checks import first_bytes
from ..files.output_files import plain
from .multi_frame_tags import multi_frame_tags

# DICOM's tag (as SimpleITK writes it) -> the keyword.
_DICOM = {
    "0020|000e": "SeriesInstanceUID", "0020|0011": "SeriesNumber",
    "0018|1310": "AcquisitionMatrix", "0018|0093": "PercentSampling", "0018|0094": "PercentPhaseFieldOfView",
    "0018|1100": "ReconstructionDiameter", "0028|0010": "Rows", "0028|0011": "Columns",
    "0018|0050": "SliceThickness", "0018|0088": "SpacingBetweenSlices", "0018|1312": "InPlanePhaseEncodingDirection",
    "0028|0030": "PixelSpacing", "0028|0101": "BitsStored", "0008|0008": "ImageType", "0008|103e": "SeriesDescription",
    "0018|1030": "ProtocolName", "0008|0070": "Manufacturer", "0018|1020": "SoftwareVersions",
    "0018|0080": "RepetitionTime", "0018|0081": "EchoTime", "0018|0082": "InversionTime",
    "0010|1010": "PatientAge", "0018|0015": "BodyPartExamined", "0018|0022": "ScanOptions",
    "0018|0023": "MRAcquisitionType", "0008|2111": "DerivationDescription",
}  # fmt: skip
_NUMBER_OF_FRAMES = "0028|0008"
_SIDECAR = (
    "AcquisitionMatrixPE", "ReconMatrixPE", "BaseResolution", "PartialFourier", "SliceThickness",
    "SpacingBetweenSlices", "PercentSampling", "PercentPhaseFOV", "InPlanePhaseEncodingDirectionDICOM",
    "PhaseEncodingDirection", "PhaseEncodingAxis", "FrequencyEncodingSteps", "PartialFourierEnabled",
    "PartialFourierDirection", "ImageType",
    "SeriesDescription", "ProtocolName", "Manufacturer", "SoftwareVersions", "MRAcquisitionType", "RepetitionTime",
    "EchoTime", "InversionTime", "BodyPartExamined", "ScanOptions", "NonlinearGradientCorrection", "GeneratedBy",
    "Sources", "PhaseResolution",
)  # fmt: skip
_VENDOR_NETWORKS = (
    "DEEP RESOLVE", "DEEPRESOLVE", "DRB", "DRG", "DRS", "DLR", "AIR RECON", "AIRRECON", "AIR_RECON", "SMARTSPEED",
    "AICE", "PIQE", "SUBTLE", "SWIFTMR", "UAIFI", "ACS_AI", "DEEPRECON",
)  # fmt: skip
_OURS = "CHARMSSR"
_CONTRASTS = (("FLAIR", ("FLAIR", "DARK-FLUID", "DARK_FLUID")), ("T2w", ("T2W", "T2_", "_T2", "T2 ")),
              ("T1w", ("T1W", "MPRAGE", "BRAVO", "T1_", "_T1", "T1 ", "TFE", "SPGR")))  # fmt: skip


def tags_of(path: Path | str, series: str = "") -> dict:
    """The tags of a file (DICOM, or its BIDS sidecar), or of the first image of a DICOM folder; {} where none.

    Args:
        path: file or folder.
        series: number or identifier of the series, where the folder holds several.

    Returns:
        dict of keyword -> text, number or list. Nothing is raised for what cannot be read.
    """
    path = Path(path)
    try:
        if path.is_dir():
            return _folder_tags(path, series)
        if is_dicom(path):
            return _dicom_tags(path)
    except (OSError, ValueError, CHARMSSRError):  # a path that no file can have is a ValueError
        return {}
    tags = _sidecar_tags(path)
    described = _description(path)
    if described:
        tags["Description"] = described
    return tags


def fields_of_sidecar(content: Any) -> dict:
    """What a BIDS sidecar says that is known here, without numbers that JSON has none for; {} where it is no object."""
    if not isinstance(content, dict):
        return {}
    return {name: plain(content[name]) for name in _SIDECAR if name in content}


def number(tags: dict, name: str) -> float | None:
    """A tag as a positive finite number; None where it is missing, of another type, zero or negative."""
    try:
        value = tags.get(name)
        value = float(str(value).split("\\")[0]) if not isinstance(value, (list, bool)) else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None


def numbers(tags: dict, name: str) -> list:
    """A tag as a list of finite numbers; [] where it is none."""
    value = tags.get(name, "")
    parts = value if isinstance(value, list) else str(value).split("\\")
    try:
        found = [float(part) for part in parts]
    except (TypeError, ValueError):
        return []
    return found if all(math.isfinite(one) for one in found) else []


def made_by_a_network(tags: dict) -> str | None:
    """The word that tells that the image was made by a network, ours or a vendor's; None where there is none."""
    texts = [str(value).upper() for name, value in tags.items() if name not in ("Sources",)]
    if any(_OURS in text for text in texts):
        return _OURS
    words = {word for text in texts for word in text.replace("\\", " ").replace("'", " ").replace(",", " ").split()}
    for mark in _VENDOR_NETWORKS:
        if (len(mark) <= 4 and mark in words) or (len(mark) > 4 and any(mark in text for text in texts)):
            return mark
    return None


def stated_contrast(tags: dict) -> str | None:
    """The contrast that names and protocol state; None where they do not."""
    text = f"{tags.get('SeriesDescription', '')} {tags.get('ProtocolName', '')} {tags.get('Suffix', '')} ".upper()
    return next((contrast for contrast, marks in _CONTRASTS if any(mark in text for mark in marks)), None)


def age_in_years(tags: dict) -> float | None:
    """PatientAge as DICOM writes it ("034Y", "011M"); None where it is missing or odd."""
    text = str(tags.get("PatientAge", "")).strip()
    scale = {"Y": 1.0, "M": 1 / 12, "W": 1 / 52.2, "D": 1 / 365.25}.get(text[-1:])
    return float(text[:-1]) * scale if scale and text[:-1].isdigit() else None


def _folder_tags(folder, series):
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith(".") and is_dicom(path):
            tags = _dicom_tags(path)
            if not series or series in (tags.get("SeriesInstanceUID"), tags.get("SeriesNumber")):
                return tags
    return {}


def _dicom_tags(path):
    try:
        reader = header_reader(path)
    except RuntimeError:
        return {}
    tags = {
        name: text
        for tag, name in _DICOM.items()
        if reader.HasMetaDataKey(tag) and (text := reader.GetMetaData(tag).strip(" \0"))
    }
    if reader.HasMetaDataKey(_NUMBER_OF_FRAMES):
        tags = {**multi_frame_tags(path, _DICOM.values()), **tags}
    return tags


def _sidecar_tags(path):
    stem = path.name
    for ending in (".nii.gz", ".nii", ".mgz", ".nrrd", ".mha"):
        stem = stem.removesuffix(ending)
    sidecar = path.with_name(f"{stem}.json")
    try:
        content: Any = json.loads(sidecar.read_text(encoding="utf-8-sig")) if sidecar.is_file() else {}
    except (OSError, ValueError):
        return {}
    tags = fields_of_sidecar(content)
    if "_" in stem:
        tags["Suffix"] = stem.rsplit("_", 1)[1]
    return tags


def _description(path):
    try:
        start = first_bytes(path)
    except (OSError, EOFError, CHARMSSRError):
        return None
    text = start[148:228].split(b"\0")[0] if start[344:348] in (b"n+1\0", b"ni1\0") else b""
    return text.decode("ascii", "replace") or None
