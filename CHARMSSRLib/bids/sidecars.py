"""The JSON files beside the results: what BIDS asks of a derivative, and our report."""

from collections.abc import Sequence
from typing import Any

from .file_names import Outputs
from .finished import SECTION

_MAP_TEXTS = {
    "detail": "What the network added beyond the band of the scan, signed, in the scan's units.",
    "variability": "SD over turned slices, mean over 3 x 3 x 3 voxels, in the scan's units: it tells regions.",
    "disagreement": "SD between the three planes, mean over 3 x 3 x 3 voxels, in the scan's units: it tells regions.",
}


def image_sidecar(
    scan: str,
    outputs: Outputs,
    stamp: dict[str, Any],
    settings: dict[str, Any],
    report: dict[str, Any],
    stripped: bool,
) -> dict[str, Any]:
    """Sidecar of the result.

    Args:
        scan: path relative to the dataset.
        outputs: paths of a scan's results.
        stamp: see ``input_stamp``.
        settings: see ``wanted_settings``.
        report: of the enhancement.
        stripped: whether only the brain is left.
    """
    checkpoint = report["checkpoint"]
    return {
        "Description": f"The scan, {checkpoint.get('label', 'super-resolved')} with {checkpoint['name']}.",
        "Sources": [f"bids:raw:{scan}"],
        "SkullStripped": stripped,
        "Resolution": resolution(report, outputs.resolution),
        SECTION: {
            "MadeFrom": {"Input": stamp, "Settings": settings, "CheckpointSHA256": checkpoint["sha256"]},
            "Report": report,
        },
    }


def mask_sidecar(scan: str, outputs: Outputs, report: dict[str, Any], stripped: bool) -> dict[str, Any]:
    """Sidecar of the mask."""
    kind = {"Type": "Brain"} if stripped else {}
    where = "brain" if stripped else "head"
    return {
        "Description": f"Where the result holds: the {where} ({report.get('skull_strip', {}).get('backend')}).",
        "Sources": [f"bids:raw:{scan}", f"bids::{outputs.image}"],
        "SpatialReference": f"bids:raw:{scan}",
        "Resolution": resolution(report, outputs.resolution),
        **kind,
    }


def map_sidecar(name: str, scan: str, outputs: Outputs, report: dict[str, Any], stripped: bool) -> dict[str, Any]:
    """Sidecar of a map."""
    return {
        "Description": _MAP_TEXTS.get(name, name),
        "Sources": [f"bids:raw:{scan}", f"bids::{outputs.image}"],
        "SkullStripped": stripped,
        "Resolution": resolution(report, outputs.resolution),
    }


def resolution(report: dict[str, Any], label: str) -> dict[str, str]:
    """What the label of the entity "res" means: the grid in words."""
    before, after = report["input"]["spacing_mm"], report["output"]["spacing_mm"]
    measured = report.get("resolution", {}).get("measured_mm")
    finding = f", interpolated from {_text(measured)} mm" if measured else ""
    text = f"Voxels of {_text(after)} mm by super-resolution, from a scan with voxels of {_text(before)} mm{finding}."
    return {label: text}


def _text(spacing: Sequence[float]) -> str:
    return " x ".join(f"{value:.3g}" for value in spacing)
