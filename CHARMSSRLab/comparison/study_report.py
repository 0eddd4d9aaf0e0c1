"""All files of a study's report: tables, curves, attention maps, figures."""

from pathlib import Path

from . import contest
from .attention_study import attention_csv, attention_table, draw_attention, study_attention
from .depth_figure import draw_depth
from .training_curves import curves_csv, curves_of, draw_curves

# The pair of the ablation whose attention maps are compared.
WITHOUT_AND_WITH = ("full (+ HFIR), without L_AR", "full, with L_AR")


def report_study(
    study, entries, config, folder, protocol, contestants, costs, rows, volumes, runs, drawn=False, central=None,
    device="cpu",
):  # fmt: skip
    """Write report.md, scores.csv, costs.csv, curves.csv, for the ablation attention.csv, and the figures.

    Args:
        study: what was asked for; an entry without a contestant is named as missing.
        entries: likewise.
        config: likewise.
        folder: existing.
        protocol: paragraph.
        contestants: of ``compare``.
        costs: likewise.
        rows: likewise.
        volumes: scored PreparedVolumes.
        runs: folder with the runs' logs.
        drawn: whether figures are drawn.
        central: slices of each volume that were scored, or None for all.
        device: where torch computes.
    """
    folder, tables, sections = Path(folder), {}, []
    titles = {one.title for one in contestants}
    missing = [entry.title for entry in entries if entry.title not in titles]
    if central:
        protocol += f" The central {central} slices of each volume count."
    if missing:
        protocol += f" Not trained yet, and left out: {', '.join(missing)}."
    curves = curves_of([entry for entry in entries if entry.title in titles], config, runs)
    if curves:
        tables["curves.csv"] = curves_csv(curves)
    pair = [one for title in WITHOUT_AND_WITH for one in contestants if one.title == title]
    maps = study_attention(pair, volumes, config.degradation, config.scale) if len(pair) == 2 else []
    if maps:
        tables["attention.csv"] = attention_csv(maps)
        sections = ["## Attention maps with and without L_AR", "", *attention_table(maps), ""]
    contest.write_report(folder, f"Study of {study}, x{config.scale}", protocol, costs, rows, sections, tables)
    if not drawn:
        return
    degradation = rows[0]["degradation"]
    shown = next((one for one in volumes if (one.contrast, one.plane) == ("T1w", "axial")), volumes[0])
    contest.draw_figures(folder, contestants, costs, rows, shown, degradation, config.scale, device)
    if curves:
        draw_curves(curves, folder / "curves.png")
    if study == "depth":
        draw_depth([row for row in rows if row["degradation"] == degradation], folder / "depth.png")
    if maps:
        draw_attention(pair, shown, config.degradation, config.scale, folder / "attention.png")
