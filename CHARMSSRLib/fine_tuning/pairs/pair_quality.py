"""How well a registered pair fits: plain numbers, and the verdict on them.

Measured inside the brain at about 1 mm, with linear interpolation.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk
from scipy import ndimage, stats

from ...grids.orientation import bounding_box
from ...preprocessing.head_mask import shrink_to
from ...preprocessing.morphology import erode

_GRID_MM = 1.0
_BINS = 48
_DETAIL_MM = 1.5  # Gaussian SD below which structure counts as noise
_COARSE_MM = 4.0  # and above which it counts as shading

# Below (for shifts: above) these a pair is refused, or doubted.
SMALLEST_COVERAGE, DOUBTFUL_COVERAGE = 0.3, 0.9
SMALLEST_OVERLAP, DOUBTFUL_OVERLAP = 0.8, 0.9
LARGEST_SHIFT_MM, DOUBTFUL_SHIFT_MM = 1.5, 0.7
DOUBTFUL_CORRELATION = 0.5
# Agreement of one head's scans: 0.91 (T1w with T2w) to 0.99; of two heads' in one contrast: up to 0.54.
SMALLEST_AGREEMENT, DOUBTFUL_AGREEMENT = 0.65, 0.8
# Scans that lie on each other already gain nothing; a little is lost by chance.
WORSE = 0.9


def measure_quality(
    image_3t: sitk.Image, mask: sitk.Image, image_7t: sitk.Image, mask_7t: sitk.Image, transform: sitk.Transform
) -> dict[str, float]:
    """Figures of a registration.

    Args:
        image_3t: as in RegisteredPair.
        mask: likewise.
        image_7t: likewise.
        mask_7t: likewise.
        transform: likewise.

    Returns:
        dict of floats:

        - mutual_information_before, mutual_information: normalised mutual information
          2 I(A, B) / (H(A) + H(B)), 0 to 1, of the 3T brain with the 7T by the headers' geometry
          and registered; 0 before where the two do not overlap.
        - mask_overlap_before, mask_overlap: Dice of the brain masks inside both fields of view.
        - coverage: share of the 3T's brain inside the 7T's field of view.
        - residual_shift_mm: length of the shift that phase correlation still finds.
        - correlation: of the 3T with the 7T mapped to the 3T's intensities (the conditional mean);
          rank_correlation: Spearman's, negative for opposite contrasts.
        - detail_agreement: 0 to 1, how far the edges of the two scans run alike; about 1/3 for
          unrelated edges, whatever the contrasts.
        - rotation_degrees, translation_mm: of the transform, the latter at the brain's centre.
    """
    fixed, inside = _grid(image_3t, mask)
    small_7t = shrink_to(image_7t, _GRID_MM)
    small_mask_7t = shrink_to(sitk.Cast(mask_7t, sitk.sitkFloat32), _GRID_MM)
    values = sitk.GetArrayFromImage(fixed)
    figures = {}
    for suffix, where in (("_before", sitk.Transform(3, sitk.sitkIdentity)), ("", transform)):
        moved = sitk.GetArrayFromImage(sitk.Resample(small_7t, fixed, where, sitk.sitkLinear, 0.0))
        moved_mask = sitk.GetArrayFromImage(sitk.Resample(small_mask_7t, fixed, where, sitk.sitkLinear, 0.0)) >= 0.5
        view = sitk.GetArrayFromImage(sitk.Resample(_ones_like(small_7t), fixed, where, sitk.sitkNearestNeighbor)) > 0
        covered = inside & view
        figures["mutual_information" + suffix] = mutual_information(values[covered], moved[covered])
        figures["mask_overlap" + suffix] = _dice(covered, moved_mask)
    figures["coverage"] = float(covered.sum() / max(1, inside.sum()))
    common = inside & moved_mask
    spacing = fixed.GetSpacing()[::-1]
    matched = matched_intensities(moved, values, common)
    figures["correlation"] = _pearson(matched[common], values[common])
    figures["rank_correlation"] = _rank_correlation(moved[common], values[common])
    figures["detail_agreement"] = detail_agreement(values, moved, common, spacing)
    figures["residual_shift_mm"] = float(np.linalg.norm(residual_shift(values, matched, common, spacing)))
    figures["rotation_degrees"], figures["translation_mm"] = motion_of(transform, _centre(fixed, inside))
    return {name: round(float(value), 4) for name, value in figures.items()}


def refusal(quality: dict) -> str:
    """The reason why a pair is not fit for training, or ""; ``quality`` as :func:`measure_quality` gives it."""
    if quality["coverage"] < SMALLEST_COVERAGE:
        return (
            f"The 7T scan shows only {100 * quality['coverage']:.0f} % of the 3T scan's brain; give a 7T scan that "
            f"covers at least {100 * SMALLEST_COVERAGE:.0f} %."
        )
    if quality["mutual_information"] < WORSE * quality["mutual_information_before"]:
        return (
            "The registration did not raise the mutual information of the two scans "
            f"({quality['mutual_information_before']:.2f} before, {quality['mutual_information']:.2f} after): it "
            "failed. Check the brain masks of both scans."
        )
    if quality["mask_overlap"] < SMALLEST_OVERLAP:
        return (
            f"After the registration the two brain masks overlap by {100 * quality['mask_overlap']:.0f} % only "
            f"(at least {100 * SMALLEST_OVERLAP:.0f} % is needed): check both masks, choose another skull-strip "
            "backend, or give a mask of the 3T scan."
        )
    if quality["detail_agreement"] < SMALLEST_AGREEMENT:
        return (
            f"The edges of the two scans do not run alike (agreement {quality['detail_agreement']:.2f}, at least "
            f"{SMALLEST_AGREEMENT:.2f} is needed): they seem to show different heads. "
            "Check that both are of one person."
        )
    if quality["residual_shift_mm"] > LARGEST_SHIFT_MM:
        return (
            f"After the registration the two scans are still {quality['residual_shift_mm']:.1f} mm apart (at most "
            f"{LARGEST_SHIFT_MM:g} mm can be used): the registration failed. Check that both show the same head, "
            "undistorted."
        )
    return ""


def remarks(quality: dict) -> list[str]:
    """Sentences about what is doubtful in a pair that was not refused."""
    said = []
    if quality["coverage"] < DOUBTFUL_COVERAGE:
        said.append(f"The 7T scan shows only {100 * quality['coverage']:.0f} % of the brain; the rest is not used.")
    if quality["rank_correlation"] < DOUBTFUL_CORRELATION:
        said.append(
            f"The two scans seem to have different contrasts (rank correlation {quality['rank_correlation']:.2f}): a "
            "network cannot learn detail from that. Check that both are of one kind, T1w for instance."
        )
    if quality["detail_agreement"] < DOUBTFUL_AGREEMENT:
        said.append(
            f"The edges of the two scans agree less than usual ({quality['detail_agreement']:.2f}): look at the "
            "picture of the pair."
        )
    if quality["mask_overlap"] < DOUBTFUL_OVERLAP:
        said.append(
            f"The brain masks overlap by {100 * quality['mask_overlap']:.0f} % only: look at the picture of the pair."
        )
    if quality["residual_shift_mm"] > DOUBTFUL_SHIFT_MM:
        said.append(
            f"The two scans are still {quality['residual_shift_mm']:.1f} mm apart: look at the picture of the pair."
        )
    return said


def motion_of(transform: sitk.Transform, point: Sequence[float]) -> tuple[float, float]:
    """(rotation in degrees, displacement in mm of ``point``) of a rigid transform."""
    origin = np.array(transform.TransformPoint([0.0, 0.0, 0.0]))
    matrix = np.stack([np.array(transform.TransformPoint(axis.tolist())) - origin for axis in np.eye(3)], axis=1)
    angle = np.degrees(np.arccos(np.clip((np.trace(matrix) - 1) / 2, -1, 1)))
    return float(angle), float(np.linalg.norm(np.array(transform.TransformPoint(point)) - np.array(point)))


def mutual_information(first: np.ndarray, second: np.ndarray) -> float:
    """Normalised mutual information 2 I / (H1 + H2) of paired samples, 0 (unrelated) to 1.

    Args:
        first: (samples,), in any unit.
        second: likewise, at the same places.
    """
    if len(first) < 2:
        return 0.0
    counts, _, _ = np.histogram2d(_scaled(first), _scaled(second), bins=_BINS)
    joint = counts / counts.sum()
    entropies = [_entropy(joint.sum(axis=1)), _entropy(joint.sum(axis=0))]
    if sum(entropies) == 0:
        return 0.0
    return float(2 * (sum(entropies) - _entropy(joint)) / sum(entropies))


def matched_intensities(source: np.ndarray, reference: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """``source`` with each intensity replaced by the mean of ``reference`` where it occurs.

    Args:
        source: (z, y, x).
        reference: on the same grid.
        inside: boolean (z, y, x): where the two are compared.
    """
    limits = np.quantile(source[inside], np.linspace(0, 1, _BINS + 1)) if inside.any() else np.zeros(2)
    edges = np.unique(limits)
    if len(edges) < 3:
        return np.zeros_like(reference)
    bins = np.clip(np.searchsorted(edges, source[inside], side="right") - 1, 0, len(edges) - 2)
    counts = np.maximum(np.bincount(bins, minlength=len(edges) - 1), 1)
    means = np.bincount(bins, reference[inside], len(edges) - 1) / counts
    centres = np.bincount(bins, source[inside], len(edges) - 1) / counts
    return np.interp(source, centres, means).astype(np.float32)


def detail_agreement(first: np.ndarray, second: np.ndarray, inside: np.ndarray, spacing: Sequence[float]) -> float:
    """How far the edges of two volumes run alike: the squared cosine between their gradients.

    Weighted by both gradients' lengths, inside the mask without its rim; 1 for the same structure in
    any contrast, about 1/3 for unrelated structure.

    Args:
        first: (z, y, x).
        second: on the same grid.
        inside: boolean (z, y, x), the brain.
        spacing: mm along z, y, x.
    """
    inner = erode(inside, 2 * _DETAIL_MM, spacing)
    gradients = [_gradient(array, inside, spacing)[:, inner] for array in (first, second)]
    product = (gradients[0] * gradients[1]).sum(axis=0) ** 2
    lengths = (gradients[0] ** 2).sum(axis=0) * (gradients[1] ** 2).sum(axis=0)
    weights = np.sqrt(lengths)
    if not weights.sum() > 0:
        return 0.0
    return float((product / np.maximum(lengths, 1e-30) * weights).sum() / weights.sum())


def residual_shift(first: np.ndarray, second: np.ndarray, inside: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    """Shift in mm (z, y, x) of ``second`` against ``first`` by phase correlation, to a part of a voxel.

    Of detail between 1.5 and 4 mm: what a mask's own edge would say (no shift) has no part in it.

    Args:
        first: (z, y, x).
        second: on the same grid.
        inside: boolean (z, y, x), the brain.
        spacing: mm along z, y, x.
    """
    box = bounding_box(inside, (8, 8, 8))
    if box is None:
        return np.zeros(3)
    inside = inside[box]
    window = ndimage.gaussian_filter(erode(inside, 3.0, spacing).astype(np.float32), 2.0)
    spectra = [np.fft.rfftn(_detail(array[box], inside, spacing) * window) for array in (first, second)]
    cross = spectra[0] * np.conj(spectra[1])
    frequencies = [np.fft.fftfreq(n, step) for n, step in zip(window.shape[:2], spacing[:2])]
    frequencies.append(np.fft.rfftfreq(window.shape[2], spacing[2]))
    squared = sum(f**2 for f in np.meshgrid(*frequencies, indexing="ij", sparse=True))
    # Phases of the frequencies that carry the detail; their Gaussian weight makes the peak a Gaussian.
    weight = np.exp(-2 * (np.pi * _DETAIL_MM) ** 2 * squared)
    correlation = np.fft.irfftn(cross / np.maximum(np.abs(cross), 1e-20) * weight, s=window.shape, axes=(0, 1, 2))
    peak = np.unravel_index(int(correlation.argmax()), correlation.shape)
    shift = []
    for axis, index in enumerate(peak):
        size = correlation.shape[axis]
        line = [
            correlation[tuple((p + step) % correlation.shape[a] if a == axis else p for a, p in enumerate(peak))]
            for step in (-1, 0, 1)
        ]
        low, top, high = np.log(np.maximum(line, 1e-12))
        curvature = low - 2 * top + high
        part = 0.5 * (low - high) / curvature if curvature < 0 else 0.0
        shift.append(-((index + size // 2) % size - size // 2 + float(np.clip(part, -0.5, 0.5))) * spacing[axis])
    return np.array(shift)


def _grid(image, mask):
    box = bounding_box(sitk.GetArrayViewFromImage(mask) > 0, (4, 4, 4))[::-1]
    fixed = shrink_to(image[box], _GRID_MM)
    share = sitk.GetArrayFromImage(shrink_to(sitk.Cast(mask[box], sitk.sitkFloat32), _GRID_MM))
    return fixed, share >= 0.5


def _ones_like(image):
    ones = sitk.Image(image.GetSize(), sitk.sitkUInt8) + 1
    ones.CopyInformation(image)
    return ones


def _centre(image, inside):
    index = [float(hits.mean()) for hits in np.nonzero(inside)][::-1]
    return image.TransformContinuousIndexToPhysicalPoint(index)


def _dice(first, second):
    return 2 * np.count_nonzero(first & second) / max(1, np.count_nonzero(first) + np.count_nonzero(second))


def _pearson(first, second):
    if len(first) < 2 or first.std() == 0 or second.std() == 0:
        return 0.0
    return np.corrcoef(first, second)[0, 1]


def _rank_correlation(first, second):
    if len(first) < 2 or first.std() == 0 or second.std() == 0:
        return 0.0
    step = max(1, len(first) // 200000)
    return stats.spearmanr(first[::step], second[::step])[0]


def _entropy(probabilities):
    positive = probabilities[probabilities > 0]
    return -float((positive * np.log(positive)).sum())


def _scaled(values):
    """Values on [0, 1], clipped at the 0.5th and 99.5th percentile."""
    low, high = np.percentile(values, (0.5, 99.5))
    return np.clip((values - low) / max(high - low, 1e-12), 0, 1)


def _smoothed(array, inside, sigma_mm, spacing):
    """Gaussian mean over the voxels inside a mask alone."""
    sigma = [sigma_mm / step for step in spacing]
    weight = ndimage.gaussian_filter(inside.astype(np.float32), sigma)
    return ndimage.gaussian_filter(np.where(inside, array, 0).astype(np.float32), sigma) / np.maximum(weight, 1e-3)


def _detail(array, inside, spacing):
    """Structure between the two Gaussian scales; zero outside the mask."""
    band = np.where(inside, array, 0).astype(np.float32) - _smoothed(array, inside, _COARSE_MM, spacing)
    return np.where(inside, band, 0)


def _gradient(array, inside, spacing):
    smooth = _smoothed(array, inside, _DETAIL_MM, spacing)
    return np.stack(np.gradient(smooth, *spacing))
