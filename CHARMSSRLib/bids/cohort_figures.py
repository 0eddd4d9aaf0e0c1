"""The figures of a report that a cohort is judged by: where they stand, how they compare, which are unusual."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

# Iglewicz and Hoaglin (1993), How to detect and handle outliers: modified z-scores beyond 3.5.
_OUTLIER = 3.5
_NORMAL_MAD = 0.6745
# Fewer scans of a contrast are too few to call one of them unusual.
SMALLEST_COHORT = 8


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        key: column of the table. title: on the pages. description: one sentence.
        path: keys in the report; with ``over``, the figure is divided by what stands there.
        digits: after the point.
    """

    key: str
    title: str
    description: str
    path: tuple[str, ...]
    over: tuple[str, ...] = ()
    digits: int = 3
    unit: str = ""

    def of(self, report: Mapping[str, Any]) -> Optional[float]:
        """The figure's value in a report; None where it has none."""
        value = _number(report, self.path)
        if value is not None and self.over:
            divisor = _number(report, self.over)
            value = value / divisor if divisor else None
        return value

    def text(self, value: Optional[float]) -> str:
        """The value for people."""
        return "n/a" if value is None else f"{value:.{self.digits}f}"


FIGURES = (
    Figure(
        "data_consistency",
        "Data consistency",
        "Distance between the scan and the result made coarse again, as a share of the scan; 0 keeps the data exactly.",
        ("data_consistency", "after"),
        digits=4,
    ),
    Figure(
        "banding_ratio",
        "Banding",
        "Jumps between neighbouring slices in the result by those in the scan; well above 1 are stripes.",
        ("banding", "output"),
        over=("banding", "input"),
    ),
    Figure(
        "gradient_ratio",
        "Gradient ratio",
        "Mean gradient across the slices by that in plane, in the result.",
        ("through_plane_gradient_ratio", "output"),
    ),
    Figure(
        "noise_ratio",
        "Noise",
        "SD of the noise in even tissue of the result by that in the interpolated scan.",
        ("noise", "ratio"),
    ),
    Figure(
        "brain_volume_ml",
        "Brain volume",
        "Volume of the mask that the skull-strip found, in ml.",
        ("skull_strip", "volume_ml"),
        digits=0,
        unit="ml",
    ),
    Figure("seconds", "Time", "Seconds that the scan took.", ("seconds",), digits=1, unit="s"),
)


def percentile(value: float, cohort: Sequence[float]) -> float:
    """Where a value stands among others, 0 to 100: those below, and half of those that are equal."""
    below = sum(other < value for other in cohort)
    equal = sum(other == value for other in cohort)
    return 100 * (below + equal / 2) / len(cohort)


def outlier_bounds(cohort: Sequence[float]) -> Optional[tuple[float, float]]:
    """Below and above which a value is unusual; None where the cohort is too small or does not vary."""
    if len(cohort) < SMALLEST_COHORT:
        return None
    middle = _median(cohort)
    deviation = _median([abs(value - middle) for value in cohort])
    if deviation == 0:
        return None
    reach = _OUTLIER * deviation / _NORMAL_MAD
    return middle - reach, middle + reach


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _number(report: Any, path: tuple[str, ...]) -> Optional[float]:
    for key in path:
        report = report.get(key) if isinstance(report, Mapping) else None
    if isinstance(report, bool) or not isinstance(report, (int, float)) or not math.isfinite(report):
        return None
    return float(report)
