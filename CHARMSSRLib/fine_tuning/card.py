"""The model card of a fine-tuned checkpoint (docs/reference/checkpoints.md)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import torch

from ..checkpoints.registry import CARD_FORMAT
from ..machine.devices import hardware
from .report.report_contents import NOTICEABLE_DB

if TYPE_CHECKING:
    from ..settings import FineTuningSettings
    from .automatic_values import Plan

PROTOCOL = (
    "brain-masked PSNR and SSIM on the 7T volume's own grid, 7T scaled by the card's rule, range its 99.9th"
    " percentile; mean over held-out pairs"
)
LIMITS = (
    "Not a medical device, not for diagnosis. Tuned on few pairs of one user: it knows their scanners, contrasts and"
    " anatomy only. Its output has the contrast of the 7T scans, so it departs from the acquired data by design:"
    " data consistency 'project' would undo that. Detail beyond the input's resolution is estimated."
)


class LearnedFrom(NamedTuple):
    """Pairs of a run: how many were given, and the PairSlices trained on and held out."""

    given: int
    training: list
    held_out: list


def tuned_card(
    base: dict,
    settings: FineTuningSettings,
    plan: Plan,
    pairs: LearnedFrom,
    step: int,
    seconds: float,
    validation: dict | None = None,
    commands: str = "",
) -> dict:
    """The card of the weights of one step.

    Args:
        base: card of the checkpoint that it starts from.
        settings: FineTuningSettings.
        plan: Plan.
        pairs: LearnedFrom.
        step: steps that the training took.
        seconds: that it took.
        validation: dict of figures, or None while the run goes on.
        commands: the command line, where there is one.
    """
    training, held_out = pairs.training, pairs.held_out
    trained_on = f"{_count(len(training), 'pair')} of {_count(len({p.subject for p in training}), 'subject')}"
    kept = {key: base[key] for key in ("intensity", "margin", "data_consistency_operator", "scale", "task")}
    return {
        "format": CARD_FORMAT,
        "name": settings.name,
        **kept,
        "title": f"CHARMS x{base['scale']}, fine-tuned on {_count(len(training), '3T/7T pair')}",
        "summary": _summary(base, trained_on, validation),
        "seen_7t": True,
        "preliminary": plan.preset == "cpu",
        "degradations": ["3T to 7T"],
        "derived_from": {"name": base["name"], "sha256": base["sha256"]},
        "training_data": [
            {
                "name": "the user's own 3T/7T pairs", "licence": "the user's", "attribution": "",
                "subjects": len({p.subject for p in training}), "pairs": len(training),
                "contrasts": sorted({p.contrast for p in training}),
            },
            *({**source, "use": f"training of {base['name']}"} for source in base.get("training_data", ())),
        ],
        "validation_data": [
            {
                "name": "the user's own 3T/7T pairs, held out", "licence": "the user's", "attribution": "",
                "subjects": len({p.subject for p in held_out}), "pairs": len(held_out),
                "contrasts": sorted({p.contrast for p in held_out}),
            }
        ] if held_out else [],
        "training": {
            "command": commands or "fine_tune(pairs, settings)",
            "configuration": {**plan.to_dict(), "pairs_given": pairs.given, "bias_correction": settings.bias_correction,
                              "skull_strip": settings.skull_strip, "hold_out": settings.hold_out,
                              "leave_one_out": settings.leave_one_out},
            "trained_parts": "transformer, upsampler, refinement, tail; the rest as in the original",
            "seed": plan.seed, "steps": step, "hardware": hardware(plan.device), "seconds": round(seconds),
            "torch": torch.__version__, "date": time.strftime("%Y-%m-%d"),
        },
        "validation": {"protocol": PROTOCOL, **(validation or {"note": "the run did not come to its end"})},
        "licence": base.get("licence", ""),
        "intended_use": "Research on scans like those of its training pairs: the same scanners, contrasts, resolution.",
        "limits": LIMITS,
    }  # fmt: skip


def _summary(base, trained_on, validation):
    text = f"x{base['scale']}, 7T-like, tuned on {trained_on}"
    if validation and validation.get("psnr_db") is not None:
        gain = validation["psnr_db"] - validation["matched_psnr_db"]
        text += (
            f": {gain:+.1f} dB over the intensity-matched 3T on held-out data"
            if gain >= NOTICEABLE_DB
            else ": no gain over the intensity-matched 3T was shown on held-out data"
        )
    return text


def _count(number, noun):
    return f"{number} {noun}" + ("" if number == 1 else "s")
