"""All scans of an output folder with their figures: what the group's pages and table are made from."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

from . import journal
from .cohort_figures import FIGURES, Figure, outlier_bounds, percentile
from .file_names import parse_name
from .finished import read_record
from .shared_folder import names_now

_RESULT = re.compile(
    r"(?P<entities>sub-.+)_(?P<resolution>res-[0-9a-zA-Z]+)_desc-charms_(?P<contrast>[0-9a-zA-Z]+)\.json"
)
_LOG = re.compile(r"(?P<key>sub-.+)_(?P<resolution>res-[0-9a-zA-Z]+)\.log")


@dataclass
class Row:
    """One scan of the cohort.

    Attributes:
        key: name of the scan without extension. resolution: entity, such as "res-x2".
        status: "done", or what the log says last ("refused", "failed", "started" for a killed run).
        message: why it is not done. report: of the enhancement, empty where there is none.
        values, percentiles: by the figures' keys. outliers: keys of unusual figures.
        image: path of the result below the output folder.
    """

    key: str
    resolution: str
    subject: str
    session: str
    contrast: str
    status: str
    message: str = ""
    image: str = ""
    report: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Optional[float]] = field(default_factory=dict)
    percentiles: dict[str, float] = field(default_factory=dict)
    outliers: list[str] = field(default_factory=list)

    @property
    def warnings(self) -> list[str]:
        """Sentences on what to be wary of."""
        return [str(text) for text in self.report.get("warnings", [])]

    @property
    def notes(self) -> list[str]:
        """Sentences on what was done otherwise than usual."""
        return [str(text) for text in self.report.get("notes", [])]

    @property
    def pictures(self) -> str:
        """Path of the pictures below the output folder."""
        return f"sub-{self.subject}/figures/{self.key}_{self.resolution}_pictures.json"

    @property
    def page(self) -> str:
        """Name of the subject's page."""
        return f"sub-{self.subject}.html"


def collect(output: Path, subject: Optional[str] = None) -> list[Row]:
    """The scans of one subject ("sub-01"), or of all, in the order of their names; percentiles are not filled in."""
    rows = []
    for name in [subject] if subject else _subjects(output):
        rows += _rows_of(output, name)
    return rows


def compare(rows: list[Row]) -> dict[str, dict[str, tuple[float, float]]]:
    """Fill in percentiles and outliers, among scans of the same contrast and resolution.

    Returns:
        Bounds beyond which a figure is unusual, by contrast and figure.
    """
    bounds: dict[str, dict[str, tuple[float, float]]] = {}
    for group in sorted({(row.contrast, row.resolution) for row in rows}):
        members = [row for row in rows if (row.contrast, row.resolution) == group and row.status == "done"]
        for figure in FIGURES:
            cohort = [value for row in members if (value := row.values.get(figure.key)) is not None]
            limits = outlier_bounds(cohort)
            if limits:
                bounds.setdefault(group[0], {})[figure.key] = limits
            _judge(members, figure, cohort, limits)
    return bounds


def _judge(members: list[Row], figure: Figure, cohort: list[float], limits: Optional[tuple[float, float]]) -> None:
    ranks = {value: percentile(value, cohort) for value in set(cohort)} if len(cohort) < 200 else _ranks(cohort)
    for row in members:
        value = row.values.get(figure.key)
        if value is None:
            continue
        row.percentiles[figure.key] = ranks[value]
        if limits and not limits[0] <= value <= limits[1]:
            row.outliers.append(figure.key)


def _ranks(cohort: list[float]) -> dict[float, float]:
    """As ``percentile`` for every value at once, without comparing each with all."""
    ranks: dict[float, float] = {}
    ordered = sorted(cohort)
    start = 0
    while start < len(ordered):
        end = start
        while end < len(ordered) and ordered[end] == ordered[start]:
            end += 1
        ranks[ordered[start]] = 100 * (start + (end - start) / 2) / len(ordered)
        start = end
    return ranks


def _rows_of(output: Path, subject: str) -> list[Row]:
    rows = {}
    for folder in _anat_folders(output / subject):
        for filename in sorted(os.listdir(folder)):
            match = _RESULT.fullmatch(filename)
            record = read_record(Path(folder) / filename) if match else None
            if match is None or record is None:
                continue
            row = _row(f"{match['entities']}_{match['contrast']}", match["resolution"], "done")
            row.image = os.path.relpath(folder, output) + f"/{filename[: -len('.json')]}.nii.gz"
            row.report = record["report"]
            row.values = {figure.key: figure.of(row.report) for figure in FIGURES}
            rows[row.key, row.resolution] = row
    logs = output / "logs" / subject
    for filename in sorted(os.listdir(logs)) if logs.is_dir() else ():
        match = _LOG.fullmatch(filename)
        if match and (match["key"], match["resolution"]) not in rows:
            entry = journal.last(logs / filename)
            if entry is not None and entry.status != journal.DONE:
                row = _row(match["key"], match["resolution"], entry.status)
                row.message = entry.message
                rows[row.key, row.resolution] = row
    return [rows[name] for name in sorted(rows)]


def _row(key: str, resolution: str, status: str) -> Row:
    name = parse_name(f"{key}.nii.gz")
    entities = name.entities if name else {}
    return Row(key, resolution, entities.get("sub", ""), entities.get("ses", ""), name.suffix if name else "", status)


def _subjects(output: Path) -> list[str]:
    logged = output / "logs"
    names = {entry.name for entry in os.scandir(output) if entry.name.startswith("sub-") and entry.is_dir()}
    if logged.is_dir():
        names |= {entry.name for entry in os.scandir(logged) if entry.name.startswith("sub-")}
    return sorted(names)


def _anat_folders(subject: Path) -> Iterator[Path]:
    names = names_now(subject, subject.parent)
    if "anat" in names:
        yield subject / "anat"
    for name in sorted(names):
        if name.startswith("ses-") and "anat" in names_now(subject / name, subject):
            yield subject / name / "anat"
