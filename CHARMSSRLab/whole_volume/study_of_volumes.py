"""What a study of whole volumes consists of, and the run over its volumes, which can be stopped at any moment."""

import csv
import hashlib
import io
import json
import logging
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Callable, Optional

import SimpleITK as sitk

from CHARMSSRLib import __version__
from CHARMSSRLib.checkpoints.loading import Checkpoint
from CHARMSSRLib.errors import InputError
from CHARMSSRLib.files.output_files import OutputFiles, plain
from CHARMSSRLib.files.volumes import read_volume
from CHARMSSRLib.settings import AUTOMATIC
from CHARMSSRLib.task import Task

from ..markdown_table import table
from .samples import is_truly_isotropic, manifest_rows, read_sample

logger = logging.getLogger(__name__)

PARTS_FOLDER = "parts"
MADE_UP = "made up"  # the "volume" of rows that need none


@dataclass(frozen=True)
class Column:
    """A column of the table: the row's key, the heading, and how a number is written."""

    key: str
    heading: str
    form: str = ""


@dataclass(frozen=True)
class Setup:
    """What a run of a study was asked for.

    Attributes:
        checkpoint: name or path of the checkpoint under study.
        device: where the network runs.
        noise: SD of Rician noise added to the degraded volume, per unit of its 99.9th percentile.
        box: only a cube of this many voxels of each volume; None for all of it.
        planes: the ways of enhancing that are compared, as in ``settings.PLANES``; studies of one way
            take the first.
        coarse: how study "planes" makes its volumes coarse: "kspace" (truncation) or "bicubic" (antialiased).
        slices: only so many axial slices of each volume, around the brain's middle; None for all.
        degradations: of study "whole-heads": names of ``degradation_list``; empty for the study's own.
        denoise, quality: as in ``settings``.
        folder: where a study may put pictures of single volumes; None for none. Changes no figure.
    """

    checkpoint: str
    device: str = "auto"
    noise: float = 0.0
    box: Optional[int] = None
    planes: tuple = ("acquisition",)
    coarse: str = "kspace"
    folder: Optional[str] = None
    slices: Optional[int] = None
    denoise: str = AUTOMATIC
    quality: str = "plain"
    degradations: tuple = ()


@dataclass(frozen=True)
class Selection:
    """Which volumes a study reads.

    Attributes:
        splits: rows of the manifest.
        contrast: only this one; None for all.
        subjects: only these; empty for all.
        limit: at most so many volumes; None for all.
        skull_strip: "auto" or the name of a backend, for those that have a skull.
    """

    splits: tuple = ("val",)
    contrast: Optional[str] = None
    limit: Optional[int] = None
    skull_strip: str = "auto"
    subjects: tuple = ()


@dataclass(frozen=True)
class Study:
    """One study.

    Attributes:
        name, title: for the command and the table.
        protocol: paragraph: what was done and how it is to be read.
        columns: of the table, in order.
        measure: (Sample, Checkpoint, Setup) -> list of rows (dicts of plain values).
        isotropic: ways of enhancing -> whether only volumes of true isotropic resolution are of use.
        planes: the ways of enhancing that it takes where none are named.
        takes_slices: whether it is given the whole volume and takes the slices that are asked for itself.
        without_volume: (Checkpoint, Setup) -> rows that need no volume, measured anew at each run; or None.
        verdict: rows -> list of sentences: what holds and what does not.
        draw: (rows, path of a PNG) or None.
    """

    name: str
    title: str
    protocol: str
    columns: tuple
    measure: Callable
    isotropic: Callable = field(default=lambda planes: False)
    planes: tuple = ("acquisition",)
    takes_slices: bool = False
    without_volume: Optional[Callable] = None
    verdict: Callable = field(default=lambda rows: [])
    draw: Optional[Callable] = None


def run_study(study, data, output, checkpoint, setup, selection=None, progress=None, is_cancelled=None):
    """Measure every volume of use and write NAME.csv, NAME.json, NAME.md and, where drawn, NAME.png.

    Each volume's rows are kept in ``output/parts`` as soon as they are known; a run that was stopped goes on
    there. Rows of other weights, settings or versions are measured again.

    Args:
        study: :class:`Study`.
        data: folder with manifest.csv and volumes.
        output: existing folder.
        checkpoint: loaded ``Checkpoint``.
        setup: :class:`Setup`.
        selection: :class:`Selection`, or None for the default.
        progress: called with (fraction, message).
        is_cancelled: asked before each volume.

    Returns:
        list of all rows.

    Raises:
        InputError: no volume of use. OutputError: the folder cannot be written. Cancelled.
    """
    output, selection = Path(output), selection or Selection()
    chosen = manifest_rows(data, selection.splits, selection.contrast, selection.subjects)
    if study.isotropic(setup.planes):
        chosen = [row for row in chosen if is_truly_isotropic(row, _spacing(Path(data) / row["file"]))]
    chosen = chosen[: selection.limit]
    if not chosen:
        raise InputError(f"{data} has no volume that the study {study.name!r} can use; choose another --split.")
    rows = [] if study.without_volume is None else plain(study.without_volume(checkpoint, setup))
    task = Task(progress, is_cancelled)
    for number, row in enumerate(chosen):
        task.check("The study was stopped; start it again to go on.")
        task.tell(number / len(chosen), f"{study.name}: {Path(row['file']).name}")
        rows += _rows_of(study, data, row, output / PARTS_FOLDER, checkpoint, setup, selection.skull_strip)
    write_report(study, rows, output, _identity(study, checkpoint, setup))
    return rows


def markdown(study, rows, identity=None):
    """The report of a study: protocol, table, verdict."""
    lines = [f"# {study.title}", "", study.protocol, ""]
    if identity:
        lines += [f"Checkpoint: {identity['checkpoint']} (SHA-256 {identity['sha256'][:12]}).", ""]
    headings = [column.heading for column in study.columns]
    lines += table(headings, ([_cell(row.get(one.key), one.form) for one in study.columns] for row in rows))
    sentences = study.verdict(rows)
    if sentences:
        lines += ["", *(f"- {sentence}" for sentence in sentences)]
    return "\n".join(lines) + "\n"


def to_csv(rows):
    """All figures of all rows as CSV text."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, keys, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def write_report(study, rows, output, identity):
    """Write the files of a study into an existing folder, together or not at all; the figure last."""
    flat = [{key: value for key, value in row.items() if not isinstance(value, (list, dict))} for row in rows]
    with OutputFiles(overwrite=True) as files:
        files.add_text(to_csv(flat), output / f"{study.name}.csv")
        files.add_json({"study": study.name, **identity, "rows": rows}, output / f"{study.name}.json")
        files.add_text(markdown(study, rows, identity), output / f"{study.name}.md")
        files.commit()
    if study.draw is not None:
        study.draw(rows, output / f"{study.name}.png")


def _spacing(path):
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        return reader.GetSpacing()[:3]
    except RuntimeError:
        return read_volume(path).GetSpacing()  # says in a sentence what is wrong with the file


def _rows_of(study, data, row, folder, checkpoint, setup, skull_strip):
    identity = {**_identity(study, checkpoint, setup), "volume": row.get("sha256") or row["file"]}
    key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]
    part = folder / f"{study.name}-{Path(row['file']).name.split('.')[0]}-{key}.json"
    if part.is_file():
        return json.loads(part.read_text(encoding="utf-8"))
    sample = read_sample(data, row, setup.box, skull_strip, None if study.takes_slices else setup.slices)
    labels = {"volume": sample.name, "contrast": sample.contrast, "split": sample.split}
    rows = plain([{**labels, **one} for one in study.measure(sample, checkpoint, setup)])
    with OutputFiles(overwrite=True) as files:
        files.add_folder(folder)
        files.add_json(rows, part)
        files.commit()
    logger.info("%s: %s is measured", study.name, sample.name)
    return rows


def _identity(study, checkpoint: Checkpoint, setup):
    """What the figures depend on, beside the volume."""
    card = checkpoint.card
    return {"study": study.name, "version": __version__, "checkpoint": card["name"], "sha256": card["sha256"],
            "setup": plain(asdict(replace(setup, folder=None)))}  # fmt: skip


def _cell(value, form):
    if value is None:
        return ""
    return format(value, form) if form and not isinstance(value, str) else str(value)
