"""What a fine-tuning reports: a plain dict that becomes JSON, and the sentences that matter."""

from __future__ import annotations

from collections.abc import Sequence

from ...measures.statistics import mean_and_deviation
from .scores import FIGURES, INTERPOLATED, MATCHED, SCORED, TUNED, UNTUNED

NOTICEABLE_DB = 0.1  # registration and the choice of the step alone move the PSNR of a pair by about as much
CANCELLED_VERDICT = (
    "The fine-tuning was cancelled. The best weights so far were kept; they were not scored on the 7T grid."
)
NOTHING_GAINED = (
    "Nothing was gained: no validation was better than the checkpoint before fine-tuning, so no checkpoint was"
    " written. Check the registered pairs, give more pairs, or try another learning rate."
)
ONE_SUBJECT = (
    "Only one subject was given: a block of its own slices was held out. That says how well the network learned this"
    " head, and little about other heads; pairs of further subjects are needed for that."
)
CHOSEN_ON_HELD_OUT = (
    "The held-out data also chose the step that was kept, so the figures are slightly optimistic; with leave-one-out"
    " they are so for each run, and independent data are needed for a final word."
)


def summarise(rows: Sequence[dict]) -> dict:
    """Mean and SD over pairs: dict method -> figure -> {"mean", "sd", "pairs"}; the SD of one pair is None."""
    summary = {}
    for method in SCORED:
        figures = {}
        for figure in FIGURES:
            values = [row[figure] for row in rows if row["method"] == method and row.get(figure) is not None]
            if values:
                mean, deviation = mean_and_deviation(values)
                figures[figure] = {"mean": mean, "sd": deviation if len(values) > 1 else None, "pairs": len(values)}
        if figures:
            summary[method] = figures
    return summary


def gain_of(rows: Sequence[dict], baseline: str, figure: str = "psnr") -> float | None:
    """Mean over the pairs of what the fine-tuned checkpoint gains over a baseline; None without both."""
    gains = _gains(rows, baseline, figure)
    return mean_and_deviation(gains)[0] if gains else None


def _gains(rows, baseline, figure):
    """Gain of each pair that has both figures."""
    by_pair = {}
    for row in rows:
        by_pair.setdefault((row["subject"], row["contrast"]), {})[row["method"]] = row.get(figure)
    return [
        own[TUNED] - own[baseline]
        for own in by_pair.values()
        if own.get(TUNED) is not None and own.get(baseline) is not None
    ]


def is_more_than_noise(gains: Sequence[float]) -> bool:
    """Whether gains in PSNR (dB, one of each held-out pair) tell more than chance does.

    Their mean must reach ``NOTICEABLE_DB`` and, where there are several, twice its standard error.
    """
    mean, deviation = mean_and_deviation(gains)
    return mean >= NOTICEABLE_DB and (len(gains) == 1 or mean > 2 * deviation / len(gains) ** 0.5)


def verdict_on(rows: Sequence[dict]) -> tuple[bool | None, str]:
    """(whether the intensity-matched baseline was beaten, sentences that say so); (None, ...) without scores."""
    gains = {baseline: gain_of(rows, baseline) for baseline in (MATCHED, UNTUNED, INTERPOLATED)}
    matched = gains[MATCHED]
    if matched is None:
        return None, "There are no scores on held-out data, so nothing can be said about what was gained."
    similarity = gain_of(rows, MATCHED, "ssim")
    each = _gains(rows, MATCHED, "psnr")
    figures = (
        f"PSNR {gains[MATCHED]:+.2f} dB and SSIM {similarity:+.4f} against the intensity-matched 3T,"
        f" {gains[UNTUNED]:+.2f} dB against the checkpoint before, {gains[INTERPOLATED]:+.2f} dB against the"
        " interpolated 3T"
    )
    if is_more_than_noise(each):
        text = f"On held-out data the fine-tuned checkpoint beats the intensity-matched baseline: {figures}."
        if len(each) == 1:
            text += " One held-out pair says little about other people."
        if similarity is not None and similarity < 0:
            text += " Its SSIM is lower, though: look at the pictures before using it."
        return True, text
    if matched > 0:
        return False, (
            f"No better than chance: what was gained on held-out data is too little to tell ({figures}). More pairs or"
            " more steps may help; until then a look-up table of intensities does as well."
        )
    return False, (
        "The intensity-matched baseline was not beaten: a look-up table of intensities does as well as this checkpoint"
        f" on held-out data ({figures}). Do not take its detail for 7T detail."
    )
