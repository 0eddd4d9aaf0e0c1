"""What is known about the public data sets: facts that their headers do not tell.

A volume of an unknown source is taken at its word: all of its grid is real resolution,
its acquired plane is found as ``enhance`` finds it.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """Facts about the volumes whose subject identifier starts with ``prefix``.

    Attributes:
        name, licence, attribution: for the model cards.
        planes: planes whose slices carry true resolution in both axes.
        true_in_plane_mm: resolution behind a zero-filled or interpolated in-plane grid, or
            None where the grid is the resolution. Slices are brought to it first.
        bundled: whether its licence and our data policy allow bundled weights to learn from it.
    """

    prefix: str
    name: str
    licence: str
    attribution: str
    planes: tuple = ("acquisition",)
    true_in_plane_mm: float = None
    bundled: bool = True


SOURCES = (
    Source("ds002748", "OpenNeuro ds002748", "CC0", "Bezmaternykh et al. 2021", ("axial",), 1.0),
    Source("ds000011", "OpenfMRI ds000011", "PDDL 1.0", "Foerde et al. 2006", ("sagittal",)),
    Source("ARC", "Aphasia Recovery Cohort ds004884", "CC0", "Gibson et al. 2024", ("axial", "coronal", "sagittal")),
    Source(
        "openMS",
        "3D MR image database of multiple sclerosis patients",
        "CC-BY 4.0",
        "Lesjak et al. 2016",
        ("axial",),
        0.95,
    ),
)
UNKNOWN = Source("", "unknown", "unknown", "unknown", bundled=False)


def source_of(subject):
    """The ``Source`` of a subject identifier, or ``UNKNOWN``."""
    return next((source for source in SOURCES if subject.startswith(source.prefix)), UNKNOWN)
