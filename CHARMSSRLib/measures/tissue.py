"""Figures of anatomy: signal and contrast to noise in the white matter, sharpness of tissue borders.

Tissues come from the reference alone, by a mixture of three Gaussians fitted to the
intensities inside its eroded mask; the same regions then serve every output.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..errors import SettingsError
from .fidelity import brain_range

# Tissues from dark to bright.
TISSUE_ORDER = {
    "T1w": ("fluid", "grey", "white"),
    "T2w": ("white", "grey", "fluid"),
    "FLAIR": ("fluid", "white", "grey"),
}
EROSION_MM = 3.0
BINS = 256
ITERATIONS = 300
NARROWEST = 0.02  # of the intensity range: keeps a class from shrinking onto one peak of the histogram


@dataclass(frozen=True)
class Tissues:
    """Regions of the reference, boolean arrays (z, y, x).

    Attributes:
        grey: grey matter.
        white: core of the white matter: voxels whose six neighbours are white matter too,
            so that partial volume does not pass for noise.
        border: voxels of the eroded mask that touch another tissue.
    """

    grey: np.ndarray
    white: np.ndarray
    border: np.ndarray


def fit_mixture(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three Gaussians fitted to intensities by expectation maximisation on their histogram.

    Args:
        values: array of any shape, at least a few hundred intensities.

    Returns:
        (weights, means, deviations), each an array (3,), by ascending mean.

    Raises:
        ValueError: when the intensities do not differ.
    """
    values = np.asarray(values, np.float64).ravel()
    low, high = np.percentile(values, (0.1, 99.9))
    if not high > low:
        raise ValueError("the intensities do not differ: there are no tissues to find")
    counts, edges = np.histogram(values, BINS, range=(low, high))
    centres, counts = (edges[:-1] + edges[1:]) / 2, counts / counts.sum()
    classes = np.digitize(centres, _otsu_thresholds(values[(values >= low) & (values <= high)]))
    share = (classes == np.arange(3)[:, None]) * counts
    means = np.zeros(3)
    for _ in range(ITERATIONS):
        weights, previous = np.maximum(share.sum(1), 1e-12), means
        means = share @ centres / weights
        spread = (share * (centres - means[:, None]) ** 2).sum(1) / weights
        deviations = np.maximum(np.sqrt(spread), NARROWEST * (high - low))
        density = _densities(centres, weights, means, deviations)
        share = density / np.maximum(density.sum(0), 1e-300) * counts
        if np.abs(means - previous).max() < 1e-6 * (high - low):
            break
    order = np.argsort(means)
    return weights[order], means[order], deviations[order]


def find_tissues(reference: np.ndarray, mask: np.ndarray, spacing: Sequence[float], contrast: str) -> Tissues:
    """The tissues of a reference volume.

    Args:
        reference: array (z, y, x).
        mask: brain where non-zero.
        spacing: voxel size in mm along (z, y, x).
        contrast: a key of TISSUE_ORDER.

    Raises:
        SettingsError: for a contrast whose order of tissues is not known.
        ValueError: when nothing is left of the mask after erosion, or no tissues are found.
    """
    if contrast not in TISSUE_ORDER:
        raise SettingsError(f"No tissue order for contrast {contrast!r}; known are: {', '.join(TISSUE_ORDER)}.")
    eroded = ndimage.distance_transform_edt(np.asarray(mask) > 0, sampling=spacing) > EROSION_MM
    if not eroded.any():
        raise ValueError("the mask vanishes when it is eroded: it is too thin for tissue figures")
    labels = np.where(eroded, 1 + np.digitize(reference, _thresholds(*fit_mixture(reference[eroded]))), 0)
    dark_to_bright = TISSUE_ORDER[contrast]
    white = labels == 1 + dark_to_bright.index("white")
    cross = ndimage.generate_binary_structure(3, 1)
    brightest = ndimage.maximum_filter(labels, footprint=cross)
    # 9 outside the eroded mask, so that its surface does not count as a border of tissues.
    darkest = ndimage.minimum_filter(np.where(eroded, labels, 9), footprint=cross)
    tissues = Tissues(
        grey=labels == 1 + dark_to_bright.index("grey"),
        white=ndimage.binary_erosion(white, cross),
        border=eroded & (brightest != darkest),
    )
    for name, region in vars(tissues).items():
        if not region.any():
            raise ValueError(f"the mixture finds no {name} in the reference")
    return tissues


def signal_to_noise(image: np.ndarray, tissues: Tissues) -> float:
    """Mean over standard deviation in the white matter.

    Args:
        image: (z, y, x) in any unit.
        tissues: Tissues of the same shape.
    """
    white = image[tissues.white]
    return float(white.mean() / white.std())


def contrast_to_noise(image: np.ndarray, tissues: Tissues) -> float:
    """|mean of grey - mean of white matter| over the SD in the white matter; shapes as above."""
    white = image[tissues.white]
    return float(abs(image[tissues.grey].mean() - white.mean()) / white.std())


def edge_sharpness(
    image: np.ndarray, reference: np.ndarray, mask: np.ndarray, tissues: Tissues, spacing: Sequence[float]
) -> float:
    """Mean gradient magnitude on the reference's tissue borders per intensity range, in 1/mm.

    Args:
        image: array (z, y, x) to be measured, on the reference's grid.
        reference: array that gives the intensity range (``brain_range``).
        mask: boolean, the brain.
        tissues: of :func:`find_tissues`.
        spacing: mm along (z, y, x).
    """
    gradient = np.gradient(np.asarray(image, np.float64), *spacing)
    magnitude = np.sqrt(sum(component**2 for component in gradient))
    return float(magnitude[tissues.border].mean() / brain_range(reference, mask))


def _otsu_thresholds(values):
    """The two thresholds that leave the least variance within three classes (Otsu 1979)."""
    import SimpleITK as sitk  # a machine with torch alone measures the rest without it

    otsu = sitk.OtsuMultipleThresholdsImageFilter()
    otsu.SetNumberOfThresholds(2)
    otsu.SetNumberOfHistogramBins(BINS)
    otsu.Execute(sitk.GetImageFromArray(values.astype(np.float32)[None]))
    return otsu.GetThresholds()


def _densities(x, weights, means, deviations):
    scaled = (x - means[:, None]) / deviations[:, None]
    return weights[:, None] / deviations[:, None] * np.exp(-0.5 * scaled**2)


def _thresholds(weights, means, deviations):
    """Intensities between neighbouring means at which the brighter class becomes the likelier one."""
    thresholds = []
    for dark in (0, 1):
        between = np.linspace(means[dark], means[dark + 1], 1000)
        density = _densities(between, weights, means, deviations)
        brighter = density[dark + 1] >= density[dark]
        thresholds.append(between[np.argmax(brighter)] if brighter.any() else means[dark + 1])
    return thresholds
