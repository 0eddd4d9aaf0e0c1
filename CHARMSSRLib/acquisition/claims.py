"""What the tags of a scan claim about its resolution and its slices, and whether the voxels agree.

Nothing that a tag says is taken for granted: a number that is missing, odd, of another image or impossible is as none.
Where tags and voxels disagree, the voxels win and a warning says so; where the voxels are silent, the tags speak.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from .findings import NONE, UNKNOWN, ZERO_FILLED, Acquisition, Finding
from .tags import number, numbers

CONTIGUOUS, GAP, OVERLAP = "contiguous", "gap", "overlap"
_AGREE = 0.06  # relative difference of two resolutions that count as the same
_INCLUDED = 0.04  # by which the phase lines may differ from the share of the matrix that PercentSampling names
_FULL = 0.97  # share of the grid from which on the tags say that it was measured
_FEWEST = 8  # lines of k-space
_CONTIGUOUS = 0.02  # by which thickness and distance may differ
_PLAUSIBLE_THICKNESS = (0.2, 5.0)  # times the slices' distance


class Claim(NamedTuple):
    """What the tags say about one axis: the share of the grid that was measured, and where that stands."""

    share: float
    source: str


def claims(tags: dict, size: tuple, spacing: tuple) -> dict:
    """What the tags say about the axes i and j.

    Args:
        tags: of :func:`~.tags.tags_of`.
        size: of the image's axes i, j, k; voxels and mm.
        spacing: likewise.

    Returns:
        dict of axis (0, 1) -> Claim; {} where the tags are silent, odd, or of another image.
    """
    found = _dicom(tags, size, spacing) or _bids(tags, size, spacing)
    return {axis: claim._replace(share=min(claim.share, 1.0)) for axis, claim in found.items() if _possible(claim)}


def compare(found: Acquisition, size: tuple, spacing: tuple) -> None:
    """Let tags and voxels speak together: changes the axes and the warnings of ``found``.

    Args:
        found: what the voxels say, with the tags.
        size: voxels along the image's axes.
        spacing: mm along them.
    """
    axes = list(found.axes)
    for i, (share, source) in claims(found.tags, size, spacing).items():
        axis, said = axes[i], f"{source}: {share:.2f} of the grid"
        if axis.share is None:
            kind = ZERO_FILLED if share < _FULL else NONE
            evidence = f"{said}; the voxels do not tell"
            axes[i] = replace(axis, share=share, interpolation=kind, confidence=0.5, evidence=evidence)
        elif abs(axis.share - share) <= _AGREE * share:
            surer = max(axis.confidence, 0.95)
            axes[i] = replace(axis, confidence=surer, evidence=f"{axis.evidence}; {said}")
        else:
            found.warnings.append(
                f"{axis.direction}: the tags say {share:.0%} of the grid was measured ({source}), the voxels say"
                f" {axis.share:.0%}; the voxels were believed."
            )
    for i, note in _partial_fourier(found.tags, size):
        axes[i] = replace(axes[i], notes=(*axes[i].notes, note))
    filtering = str(found.tags.get("KSpaceFiltering") or "NONE").strip()
    if filtering.upper() != "NONE":
        for i in (0, 1):
            axes[i] = replace(axes[i], notes=(*axes[i].notes, f"filter of k-space ({filtering}), say the tags"))
    found.axes = tuple(axes)


def slices(tags: dict, spacing: tuple) -> Finding:
    """Thickness against distance of the slices, by the tags; the voxels of a scan tell it too badly.

    Args:
        tags: of :func:`~.tags.tags_of`.
        spacing: mm along the image's axes; the largest is the slices' distance where no tag states it.

    Returns:
        Finding: "contiguous", "gap", "overlap" or "unknown".
    """
    thickness, distance = number(tags, "SliceThickness"), number(tags, "SpacingBetweenSlices")
    if thickness is None:
        return Finding(UNKNOWN, 0.0, "no tag states the slice thickness")
    drawn = max(spacing)
    # The distance that the image itself has counts; some scanners write the gap alone into the tag.
    if distance is None or abs(distance - drawn) > 0.05 * drawn:
        distance = drawn
    ratio = thickness / distance
    if not _PLAUSIBLE_THICKNESS[0] < ratio < _PLAUSIBLE_THICKNESS[1]:
        return Finding(UNKNOWN, 0.0, f"{thickness:g} mm thick at {distance:g} mm: the tags contradict each other")
    kind = CONTIGUOUS if abs(ratio - 1) < _CONTIGUOUS else GAP if ratio < 1 else OVERLAP
    return Finding(kind, 0.8, f"{thickness:g} mm thick, {distance:g} mm apart")


def slice_thickness(tags: dict, spacing: tuple) -> float | None:
    """Thickness of the slices in mm where the tags plausibly say that there are gaps or overlap; else None."""
    return number(tags, "SliceThickness") if slices(tags, spacing).value in (GAP, OVERLAP) else None


def _possible(claim):
    return 0.1 < claim.share <= 1.5


def _dicom(tags, size, spacing):
    """AcquisitionMatrix is (frequency rows, frequency columns, phase rows, phase columns), two of them zero."""
    matrix, rows, columns = numbers(tags, "AcquisitionMatrix"), number(tags, "Rows"), number(tags, "Columns")
    if len(matrix) != 4 or not rows or not columns or (int(columns), int(rows)) != tuple(size[:2]):
        return {}
    frequency, phase = max(matrix[:2]), max(matrix[2:])
    if min(frequency, phase) < _FEWEST:
        return {}
    along = 1 if matrix[2] > 0 else 0  # image axis of the phase encoding: lines of rows run along j
    if (matrix[0] > 0) == (matrix[2] > 0):
        return {}  # both along the same axis: no scanner does that
    other = 1 - along
    extent = [size[i] * spacing[i] for i in (0, 1)]
    share_of_field = _share_of_field(tags)
    field = _field(tags, extent, along)
    sampled = (number(tags, "PercentSampling") or 100) / 100
    if 0.2 < sampled < 1 and abs(phase / (frequency * share_of_field) - sampled) > _INCLUDED:
        phase *= sampled  # else the lines were counted without those that were left out
    return {
        other: Claim(frequency * spacing[other] / extent[other], "AcquisitionMatrix"),
        along: Claim(phase * spacing[along] / field, "AcquisitionMatrix"),
    }


def _share_of_field(tags):
    return (number(tags, "PercentPhaseFieldOfView") or number(tags, "PercentPhaseFOV") or 100) / 100


def _field(tags, extent, along):
    """What the phase lines cover, mm: the frequency's field is that of the grid (or the diameter), theirs a share."""
    diameter = number(tags, "ReconstructionDiameter")
    wide = max(extent) if diameter is None or abs(diameter - max(extent)) > 0.1 * max(extent) else diameter
    share = _share_of_field(tags)
    field = wide * share if 0.2 < share <= 1.0 else extent[along]
    # Where the grid itself is as narrow as the field, or the tag is of a field that the grid does not have.
    return extent[along] if field > 1.02 * extent[along] or share == 1 else field


def _bids(tags, size, spacing):
    lines, grid, along = number(tags, "AcquisitionMatrixPE"), number(tags, "ReconMatrixPE"), _phase_axis(tags, size)
    if along is None:
        return {}
    found = {}
    if lines is not None and grid is not None and lines >= _FEWEST and int(grid) == size[along]:
        extent = [size[i] * spacing[i] for i in (0, 1)]
        found[along] = Claim(lines * spacing[along] / _field(tags, extent, along), "AcquisitionMatrixPE")
    for name in ("BaseResolution", "FrequencyEncodingSteps"):
        base = number(tags, name)
        if base is not None and base >= _FEWEST:
            found[1 - along] = Claim(base / size[1 - along], name)
            break
    return found


def _partial_fourier(tags, size):
    """(axis, note) of the axes of which the tags say that one side of k-space was left out."""
    along = _phase_axis(tags, size)
    partial = number(tags, "PartialFourier")
    if partial is not None and 0.5 <= partial < 1 and along is not None:
        return [(along, f"partial Fourier of {partial:g}, say the tags")]
    words = str(tags.get("ScanOptions") or "").upper().replace("\\", " ").replace("_", " ").split()
    stated = str(tags.get("PartialFourierDirection") or "").strip().upper()
    found = []
    if along is not None and (stated == "PHASE" or "PFP" in words):
        found.append(along)
    if along is not None and (stated == "FREQUENCY" or "PFF" in words):
        found.append(1 - along)
    if stated == "SLICE_SELECT":
        found.append(2)
    return [(axis, "partial Fourier, say the tags") for axis in found]


def _phase_axis(tags, size):
    """Image axis (0 or 1) along which the phase was encoded; None where the tags do not say."""
    text = str(tags.get("InPlanePhaseEncodingDirectionDICOM") or tags.get("InPlanePhaseEncodingDirection") or "")
    by_name = {"ROW": 0, "COL": 1, "COLUMN": 1}.get(text.strip().upper())
    stated = str(tags.get("PhaseEncodingDirection") or tags.get("PhaseEncodingAxis") or "")[:1]
    by_letter = {"i": 0, "j": 1}.get(stated)
    if stated == "k" or (by_letter is not None and by_name is not None and by_letter != by_name):
        return None  # turned since, or the tags contradict each other
    return by_letter if by_letter is not None else by_name
