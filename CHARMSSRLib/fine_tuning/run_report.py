"""The report of a fine-tuning; docs/use/fine-tuning.md has its keys."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..checkpoints.registry import label, read_card
from ..machine.memory import peak_memory
from .report.scores import INTERPOLATED, MATCHED, TUNED, UNTUNED
from .work_folder import result_files

if TYPE_CHECKING:
    from pathlib import Path

    from .splits import Split


def run_report(job: Any, path: Path | None, result: Any, split: Split, summary: dict) -> dict:
    """What was done and what it gained, as a dict.

    Args:
        job: the fine-tuning: its settings, plan, base, pairs, runs, rows, stages, notes and warnings.
        path: weights of the new checkpoint, or None.
        result: of the run that made them.
        split: of that run.
        summary: of ``summarise``.
    """
    settings, base = job.settings, job.base.card
    card = read_card(path) if path else {}
    seconds = sum(run["seconds_per_step"] * run["steps"] for run in job.runs)
    steps = sum(run["steps"] for run in job.runs)
    return {
        "version": __version__,
        "name": settings.name,
        "notes": job.notes,
        "warnings": list(dict.fromkeys(job.warnings)),
        "checkpoint": {
            "name": settings.name if path else None, "path": str(path) if path else None,
            "sha256": card.get("sha256"), "scale": base["scale"], "label": label(card),
            "derived_from": {"name": base["name"], "sha256": base["sha256"]},
        },
        "settings": asdict(settings), "plan": job.plan.to_dict(), "preset": job.plan.preset,
        "device": str(job.plan.device), "precision": job.plan.precision,
        "steps": result.steps, "best_step": result.best_step, "stopped": result.stopped,
        "seconds": round(time.monotonic() - job.started, 1),
        "seconds_per_step": round(seconds / steps, 4) if steps else None,
        "stages": {name: round(value, 1) for name, value in job.stages.seconds.items()},
        "peak_memory_bytes": peak_memory(job.plan.device),
        "pairs": job.pairs.reports,
        "counts": {
            "training": len(split.training), "refused": sum(p["role"] == "refused" for p in job.pairs.reports),
            "held_out": len({(row["subject"], row["contrast"]) for row in job.rows}) or len(split.held_out),
        },
        "hold_out": split.kind if len(job.runs) == 1 else "leave-one-out",
        "runs": job.runs, "scores": job.rows, "summary": summary,
        "files": {name: str(one) for name, one in zip(
            ("report", "page"), result_files(settings.name, settings.folder)[2:])},
    }  # fmt: skip


def validation_figures(summary: dict) -> dict | None:
    """The figures of the card, from the held-out pairs; None without scores."""
    if TUNED not in summary:
        return None
    names = {"": TUNED, "matched_": MATCHED, "before_": UNTUNED, "interpolated_": INTERPOLATED}
    figures = {}
    for prefix, method in names.items():
        figures[f"{prefix}psnr_db"] = round(summary[method]["psnr"]["mean"], 3)
        figures[f"{prefix}ssim"] = round(summary[method]["ssim"]["mean"], 4)
    return figures
