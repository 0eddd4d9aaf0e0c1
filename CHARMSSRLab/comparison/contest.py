"""Trains or loads every network of a study under one protocol, scores it and writes the report."""

import csv
import io
import logging
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from CHARMSSRLib.errors import CheckpointError, SettingsError
from CHARMSSRLib.task import Task

from ..costs.costs import COST_COLUMNS, ORIGINAL_EDSR, cost_table, costs
from ..methods.registry import METHODS
from ..training.trainer import belongs_to, build_network, train
from . import study_figures
from .protocol import BASELINE, Candidate, score_prepared
from .score_tables import markdown, to_csv

__all__ = ["ORIGINAL_EDSR", "cost_table", "costs", "contest", "score", "write_report"]
logger = logging.getLogger(__name__)

BICUBIC_TITLE = METHODS["bicubic"].title


@dataclass(frozen=True)
class Contestant:
    """A trained network of a study.

    Attributes:
        title: in the tables. remark: what a reader must know, or "".
        network: as trained, in evaluation mode.
        intensity: the intensity scale that it was trained on.
    """

    title: str
    remark: str
    network: torch.nn.Module
    intensity: str


def contest(
    entries, config, train_volumes, watched, runs, weights=None, device="cpu", task=None, skip_missing=False
):  # fmt: skip
    """Train (or go on with, or load) every entry with the same configuration.

    Args:
        entries: of ``studies``.
        config: TrainingConfig that all share.
        train_volumes: list of PreparedVolume to train on.
        watched: list of PreparedVolume for the logs.
        runs: folder for the states and logs, one subfolder per run; a finished run is not
            trained again, and studies that share the folder share CHARMS. The final weights are
            written there too, as RUN.safetensors.
        weights: folder with the .safetensors of entries that need no training, or None.
        device: where torch computes.
        task: progress and cancelling; None for nobody's.
        skip_missing: train nothing: entries without finished weights are left out.

    Returns:
        list of Contestant.

    Raises:
        SettingsError: ``skip_missing`` and no network is finished.
    """
    contestants, task = [], task or Task()
    if skip_missing:
        entries, weights = finished(entries, config, runs, weights), weights or runs
    for number, entry in enumerate(entries):
        own, run = entry.configure(config), entry.run(config)
        stored = None if weights is None else stored_weights(weights, entry.name, run)
        if entry.method == "bicubic":
            network = build_network(own)
        elif stored is not None:
            network = load_weights(build_network(own), stored)
        else:
            part = task.share(number, len(entries), f"{entry.title}: ")
            network = train(own, train_volumes, watched, Path(runs) / run, device, part.tell, part.is_cancelled).network
            save_file(network.state_dict(), Path(runs) / f"{run}.safetensors")
        contestants.append(Contestant(entry.title, METHODS[entry.method].remark, network.eval(), config.normalisation))
        logger.info("%s is ready", entry.title)
    return contestants


def finished(entries, config, runs, weights=None):
    """The entries that can be scored without training: their final weights are there.

    A run of ``runs`` that goes on under other settings than ``config`` is another study's, and counts as missing.

    Raises:
        SettingsError: when there is no learned network among them.
    """
    folder = Path(weights or runs)
    kept = []
    for entry in entries:
        run = entry.run(config)
        if entry.method == "bicubic":
            kept.append(entry)
        elif stored_weights(folder, entry.name, run) is not None:
            if weights is not None or belongs_to(entry.configure(config), folder / run):
                kept.append(entry)
    if all(entry.method == "bicubic" for entry in kept):
        raise SettingsError(f"{folder} holds finished weights of none of the networks: train one first.")
    return kept


def stored_weights(folder, *names):
    """The file of weights in a folder by the first of the names that has one, or None."""
    paths = [Path(folder) / f"{name}.safetensors" for name in names]
    return next((path for path in paths if path.is_file()), None)


def load_weights(network, path):
    """Fill a network from a .safetensors file (float16 or float32).

    Raises:
        CheckpointError: when the file is damaged or belongs to another network.
    """
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"The weights {path} are damaged and cannot be read: get them again.") from error
    own = network.state_dict()
    if set(own) != set(tensors) or any(own[key].shape != tensors[key].shape for key in own):
        raise CheckpointError(f"The weights {path} belong to another network; give the folder of this study's weights.")
    network.load_state_dict({key: value.to(own[key].dtype) for key, value in tensors.items()})
    return network


def candidates_of(contestants):
    """The contestants in their form for inference; bicubic is put in front where it is not among them."""
    candidates = [Candidate(one.title, one.network.for_inference(), one.intensity) for one in contestants]
    return candidates if any(one.name == BICUBIC_TITLE for one in candidates) else [BASELINE, *candidates]


def score(contestants, volumes, degradations, scale, central=None, device="cpu", task=None):
    """Rows of all contestants on all volumes and degradations; bicubic is always among them.

    Args:
        contestants: of :func:`contest`.
        volumes: iterable of PreparedVolume.
        degradations: names of those that are scored.
        scale: enlargement, 2 or 4.
        central: the middle slices of each volume alone, or None for all.
        device: where torch computes.
        task: progress and cancelling; None for nobody's.
    """
    candidates, rows = candidates_of(contestants), []
    for volume in volumes:
        for degradation in degradations:
            rows += score_prepared(volume, candidates, degradation, scale, central, device, task=task)
    return rows


def write_report(folder, title, protocol, cost_rows, score_rows, sections=(), tables=None):
    """Write report.md, scores.csv and costs.csv into an existing folder, together or not at all.

    Args:
        folder: existing.
        title: of the report.
        protocol: paragraph that says how the figures came about.
        cost_rows: of ``costs``.
        score_rows: of :func:`score`.
        sections: further lines of Markdown at the end.
        tables: dict name -> text of further files.
    """
    from CHARMSSRLib.files.output_files import OutputFiles  # needs SimpleITK, which training and scoring do not

    folder = Path(folder)
    text = "\n".join(
        [f"# {title}", "", protocol, "", *cost_table(cost_rows), "", markdown(score_rows, title=None), *sections]
    )  # fmt: skip
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COST_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(cost_rows)
    with OutputFiles(overwrite=True) as files:
        files.add_text(text, folder / "report.md")
        files.add_text(to_csv(score_rows), folder / "scores.csv")
        files.add_text(buffer.getvalue(), folder / "costs.csv")
        for name, content in (tables or {}).items():
            files.add_text(content, folder / name)
        files.commit()


def draw_figures(folder, contestants, cost_rows, score_rows, volume, degradation, scale, device="cpu"):
    """Draw quality.png, gains.png and errors.png for one degradation into an existing folder.

    Args:
        folder: existing.
        contestants: of :func:`contest`.
        cost_rows: of ``costs``.
        score_rows: of :func:`score`.
        volume: PreparedVolume whose middle slice is shown.
        degradation: name of the one that made the slices coarse.
        scale: enlargement, 2 or 4.
        device: where torch computes.

    Raises:
        BackendError: when matplotlib is not installed.
    """
    folder, candidates = Path(folder), candidates_of(contestants)
    rows = [row for row in score_rows if row["degradation"] == degradation]
    if any(row["gmac_for_inference"] > 0 for row in cost_rows):
        study_figures.quality_against_cost(rows, cost_rows, folder / "quality.png")
    study_figures.gains_by_subject(rows, candidates[0].name, folder / "gains.png")
    study_figures.error_maps(volume, candidates, degradation, scale, folder / "errors.png", device)


def describe_protocol(config, train_volumes, degradations, split, as_published=False):
    """The paragraph that a reader needs in order to judge the tables.

    Args:
        config: TrainingConfig.
        train_volumes: list of PreparedVolume.
        degradations: names of those that are scored.
        split: of the scored volumes.
        as_published: the compared methods are without CHARMS's skip.
    """
    subjects = len({volume.subject for volume in train_volumes})
    trained = (
        f"Every learned network: {config.steps:,} steps of {config.batch} patches of {config.patch} x {config.patch}"
        f" (LR), degradation {config.degradation}, {config.normalisation} intensities, L1, AdamW, {config.schedule}"
        f" from {config.learning_rate:g}, seed {config.seed}, {subjects} training subjects."
    )
    skip = " Each has CHARMS's skip (bicubic of the input added, last convolution zero at first)."
    if as_published:
        skip = " CHARMS has its own skip (bicubic of the input added); the others are as published."
    regularised = f" CHARMS also has L_AR with weight {config.ar_weight:g}." if config.ar_weight else ""
    return f"{trained}{skip}{regularised} Scored on the {split} volumes under: {', '.join(degradations)}."
