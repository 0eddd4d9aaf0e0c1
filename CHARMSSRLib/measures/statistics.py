"""Mean and spread over subjects, and the paired test between two methods."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float]:
    """(mean, sample standard deviation) of the subjects' figures; the latter is nan for one subject."""
    figures = np.asarray(values, np.float64)
    return float(figures.mean()), float(figures.std(ddof=1)) if figures.size > 1 else float("nan")


def paired_p_value(first: Sequence[float], second: Sequence[float]) -> float:
    """Two-sided p of Wilcoxon's signed-rank test on paired figures of the same subjects.

    Args:
        first: figures of one length, in the same order of subjects.
        second: likewise.

    Returns:
        p in (0, 1]; 1 when all pairs are equal. With n pairs it cannot fall below 2 / 2^n.

    Raises:
        ValueError: when the lengths differ or nothing is given.
    """
    one, other = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if one.shape != other.shape or one.size == 0:
        raise ValueError("paired figures need two equally long, non-empty lists")
    if np.array_equal(one, other):
        return 1.0
    return float(stats.wilcoxon(one, other).pvalue)
