"""Quality pages: one self-contained HTML file per subject and one for the group, and the group's table.

Made with Jinja2 and pictures inside the page: no page loads anything, and a subject's page runs no script. (plotly
would put 4.8 MB of script into each page; nireports brings 66 packages.)
"""

import csv
import io
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Optional

from .. import __version__
from ..files.page_templates import page_template
from .cohort import Row, collect, compare
from .cohort_figures import FIGURES, SMALLEST_COHORT
from .strip_plots import strip_plot

_TEMPLATES = Path(__file__).parent / "templates"
TABLE = "group.tsv"


def write_subject_page(
    output: Path,
    subject: str,
    rows: Optional[Sequence[Row]] = None,
    neighbours: tuple[Optional[str], Optional[str]] = (None, None),
) -> None:
    """Write ``sub-01.html``.

    Args:
        output: folder of the derivatives.
        subject: "sub-01".
        rows: its scans with their percentiles; read from the folder, without percentiles, if None.
        neighbours: the subjects before and after it, to step to.
    """
    from ..files.output_files import OutputFiles

    rows = collect(output, subject) if rows is None else rows
    scans = [{"row": row, "pictures": _pictures(output / row.pictures), "figures": _figure_lines(row)} for row in rows]
    before, after = neighbours
    text = _template("subject.html").render(
        subject=subject, scans=scans, before=before, after=after, version=__version__, smallest=SMALLEST_COHORT
    )
    with OutputFiles(overwrite=True) as files:
        files.add_text(text, output / f"{subject}.html")
        files.commit()


def write_group(output: Path, pages: bool = True) -> tuple[list[Row], int]:
    """Write ``group.tsv``, ``group.json``, ``group.html`` and every subject's page with its percentiles.

    Args:
        output: folder of the derivatives.
        pages: also the HTML files.

    Returns:
        All scans, and how many of them have an unusual figure.
    """
    from ..files.output_files import OutputFiles

    rows = collect(output)
    bounds = compare(rows)
    with OutputFiles(overwrite=True) as files:
        files.add_text(_table(rows), output / TABLE)
        files.add_json(_columns(), output / "group.json")
        if pages:
            files.add_text(_group_page(rows, bounds), output / "group.html")
        files.commit()
    if pages:
        by_subject: dict[str, list[Row]] = {}
        for row in rows:
            by_subject.setdefault(f"sub-{row.subject}", []).append(row)
        order: list[Optional[str]] = [None, *by_subject, None]
        for before, (subject, theirs), after in zip(order, by_subject.items(), order[2:]):
            write_subject_page(output, subject, theirs, (before, after))
    return rows, sum(bool(row.outliers) for row in rows)


def _group_page(rows: Sequence[Row], bounds: dict[str, dict[str, tuple[float, float]]]) -> str:
    contrasts = sorted({row.contrast for row in rows if row.status == "done"})
    plots = []
    for figure in FIGURES:
        series = []
        for contrast in contrasts:
            members = [row for row in rows if row.contrast == contrast and row.values.get(figure.key) is not None]
            points = [(row.values[figure.key], row.key, row.page, figure.key in row.outliers) for row in members]
            series.append((contrast, points, bounds.get(contrast, {}).get(figure.key)))
        if any(points for _, points, _ in series):
            plots.append({"figure": figure, "svg": strip_plot(figure, series)})
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.status] = counts.get(row.status, 0) + 1
    return _template("group.html").render(
        rows=rows,
        figures=[figure for figure in FIGURES if any(row.values.get(figure.key) is not None for row in rows)],
        plots=plots,
        counts=counts,
        subjects=len({row.subject for row in rows}),
        unusual=[row for row in rows if row.outliers],
        warned=[row for row in rows if row.warnings],
        undone=[row for row in rows if row.status != "done"],
        titles={figure.key: figure.title for figure in FIGURES},
        version=__version__,
        smallest=SMALLEST_COHORT,
    )


def _figure_lines(row: Row) -> list[dict[str, Any]]:
    return [
        {
            "figure": figure,
            "text": figure.text(row.values.get(figure.key)),
            "percentile": row.percentiles.get(figure.key),
            "unusual": figure.key in row.outliers,
        }
        for figure in FIGURES
        if row.values.get(figure.key) is not None
    ]


def _table(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
    writer.writerow(["scan", *_columns()])
    for row in rows:
        values = [_plain(row.values.get(figure.key)) for figure in FIGURES]
        session = f"ses-{row.session}" if row.session else "n/a"
        middle = [f"sub-{row.subject}", session, row.contrast, row.resolution, row.status]
        ends = [len(row.warnings), ",".join(row.outliers) or "n/a", row.message or "n/a"]
        writer.writerow([row.key, *middle, *values, *ends])
    return text.getvalue()


def _columns() -> dict[str, dict[str, str]]:
    """What the columns of the table after the first mean, as BIDS describes tables."""
    columns = {
        # As BIDS names them. A column "session" would be taken for the entity: pybids cannot even print such a dataset.
        "participant_id": {"Description": "Subject"},
        "session_id": {"Description": "Session, n/a without sessions"},
        "contrast": {"Description": "Suffix of the scan"},
        "resolution": {"Description": "Entity that names the refinement"},
        "status": {"Description": "done, refused, failed, stopped, or started (a run that was killed)"},
    }
    for figure in FIGURES:
        columns[figure.key] = {"Description": figure.description}
    columns["warnings"] = {"Description": "Number of warnings in the report"}
    columns["outliers"] = {
        "Description": "Figures that are unusual among scans of the contrast (modified z-score beyond 3.5)"
    }
    columns["message"] = {"Description": "Why a scan is not done"}
    return columns


def _plain(value: Optional[float]) -> str:
    return "n/a" if value is None else f"{value:.6g}"


def _pictures(path: Path) -> Optional[dict[str, Any]]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


@lru_cache
def _template(name: str) -> Any:
    return page_template(_TEMPLATES, name)
