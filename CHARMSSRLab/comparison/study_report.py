"""All files of a study's report: tables, curves, attention maps, figures."""

from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ..training.config import TrainingConfig
from . import contest
from .attention_study import attention_csv, attention_table, draw_attention, study_attention
from .depth_figure import draw_depth
from .training_curves import curves_csv, curves_of, draw_curves

# The pair of the ablation whose attention maps are compared.
WITHOUT_AND_WITH = ("full (+ HFIR), without L_AR", "full, with L_AR")


@dataclass(frozen=True)
class StudyOutcome:
    """What was asked for and what was measured.

    Attributes:
        study: its name.
        entries: what was to be compared; one without a contestant is named as missing.
        config: TrainingConfig that all share.
        protocol: paragraph that says how the figures came about.
        contestants: of ``contest``.
        costs: rows of ``costs``.
        rows: of ``score``.
        volumes: PreparedVolumes that were scored.
        central: slices of each volume that were scored, or None for all.
    """

    study: str
    entries: list
    config: TrainingConfig
    protocol: str
    contestants: list
    costs: list
    rows: list
    volumes: list
    central: Optional[int] = None


def report_study(outcome, folder, runs, drawn=False, device="cpu"):
    """Write report.md, scores.csv, costs.csv, curves.csv, for the ablation attention.csv, and the figures.

    Args:
        outcome: StudyOutcome.
        folder: existing.
        runs: folder with the runs' logs.
        drawn: whether figures are drawn.
        device: where torch computes.
    """
    folder, tables, sections = Path(folder), {}, []
    config, contestants, rows, volumes = outcome.config, outcome.contestants, outcome.rows, outcome.volumes
    protocol, titles = outcome.protocol, {one.title for one in contestants}
    missing = [entry.title for entry in outcome.entries if entry.title not in titles]
    if outcome.central:
        protocol += f" The central {outcome.central} slices of each volume count."
    if missing:
        protocol += f" Not trained yet, and left out: {', '.join(missing)}."
    curves = curves_of([entry for entry in outcome.entries if entry.title in titles], config, runs)
    if curves:
        tables["curves.csv"] = curves_csv(curves)
    pair = [one for title in WITHOUT_AND_WITH for one in contestants if one.title == title]
    maps = study_attention(pair, volumes, config.degradation, config.scale) if len(pair) == 2 else []
    if maps:
        tables["attention.csv"] = attention_csv(maps)
        sections = ["## Attention maps with and without L_AR", "", *attention_table(maps), ""]
    title = f"Study of {outcome.study}, x{config.scale}"
    contest.write_report(folder, title, protocol, outcome.costs, rows, sections, tables)
    if not drawn:
        return
    degradation = rows[0]["degradation"]
    shown = next((one for one in volumes if (one.contrast, one.plane) == ("T1w", "axial")), volumes[0])
    contest.draw_figures(folder, contestants, outcome.costs, rows, shown, degradation, config.scale, device)
    if curves:
        draw_curves(curves, folder / "curves.png")
    if outcome.study == "depth":
        draw_depth([row for row in rows if row["degradation"] == degradation], folder / "depth.png")
    if maps:
        draw_attention(pair, shown, config.degradation, config.scale, folder / "attention.png")
