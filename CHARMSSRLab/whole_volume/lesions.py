"""Lesions: found by rule, or made up, and how much of their contrast is left.

Contrast is the mean of the lesion minus the mean of the ring of tissue 2 to 5 mm around it. The
rules are plain ones that anybody can repeat; they find lesions to measure, not all there are.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from CHARMSSRLib.measures.tissue import find_tissues, fit_mixture

RING_MM = (2.0, 5.0)


@dataclass(frozen=True)
class Lesion:
    """One lesion.

    Attributes:
        kind: where it comes from. region, ring: boolean arrays (z, y, x).
    """

    kind: str
    region: np.ndarray
    ring: np.ndarray

    def contrast(self, volume):
        """Mean of the lesion minus mean of its ring."""
        return float(volume[self.region].mean(dtype=np.float64) - volume[self.ring].mean(dtype=np.float64))

    def kept(self, output, truth):
        """Share of the truth's contrast that the output has; 1 is all of it."""
        return self.contrast(output) / self.contrast(truth)


def ring_around(region, inside, spacing, others=None):
    """Voxels of the mask 2 to 5 mm from a lesion, without those of other lesions.

    Args:
        region: boolean arrays (z, y, x).
        inside: likewise.
        others: likewise.
        spacing: mm along (z, y, x).
    """
    distance = _distance(~region, spacing)
    ring = (distance >= RING_MM[0]) & (distance <= RING_MM[1]) & inside
    return ring if others is None else ring & ~others


def bright_lesions(volume, inside, spacing, depth_mm=8.0, deviations=3.0, smallest_ml=0.15, largest=8):
    """Hyperintense components of the white matter of a FLAIR volume (multiple sclerosis).

    Connected voxels brighter than the mean of the white matter by ``deviations`` of its standard
    deviation, at least ``depth_mm`` below the brain's surface and of at least ``smallest_ml``, whose ring
    is white matter (its mean within one deviation) and holds no fluid: so neither cortex nor the
    bright rims of ventricles and cisterns. The largest few. White matter is the middle class of a
    mixture of three Gaussians (fluid is dark in FLAIR).

    Args:
        volume: array (z, y, x).
        inside: boolean brain.
        spacing: mm along (z, y, x).
        depth_mm: below the brain's surface, at least.
        deviations: above the mean of the white matter.
        smallest_ml: components below it are passed over.
        largest: components at most.

    Returns:
        list of boolean arrays, largest first.
    """
    _, means, deviation = fit_mixture(volume[inside])
    deep = _distance(inside, spacing) >= depth_mm
    candidates = (volume > means[1] + deviations * deviation[1]) & deep
    fluid = (means[0] + means[1]) / 2
    found = []
    for region in _components(candidates, spacing, smallest_ml, 40 * largest):
        near = _box_around(region, [int(np.ceil(RING_MM[1] / step)) for step in spacing])
        ring = volume[near][ring_around(region[near], inside[near], spacing)]
        if ring.size and abs(ring.mean() - means[1]) <= deviation[1] and np.percentile(ring, 2) > fluid:
            found.append(region)
        if len(found) == largest:
            break
    return found


def asymmetric_lesions(
    volume, inside, spacing, contrast, thick_mm=6.0, reach_mm=4.0, lateral_mm=20.0, smallest_ml=1.0, largest=1
):
    """Fluid-like components that have no counterpart in the other half (old strokes, T1w or T2w).

    Voxels of the fluid's class (dark in T1w, bright in T2w) at least 4 mm below the surface, opened by
    a ball of ``thick_mm`` across (which takes sulci away), farther than ``reach_mm`` from what is left of
    the same in the volume mirrored about the brain's middle, and at least ``lateral_mm`` from that
    middle (ventricles are seldom quite symmetric); the largest component.

    Args:
        volume: in LPS order, so that the last axis runs right to left.
        inside: boolean, the brain, of the volume's shape.
        spacing: mm along the axes of the arrays.
        contrast: "T1w" or "T2w".
        thick_mm: across the ball that opens them.
        reach_mm: in which the other half may hold a counterpart.
        lateral_mm: from the brain's middle, at least.
        smallest_ml: components below it are passed over.
        largest: components at most.
    """
    _, means, _ = fit_mixture(volume[inside])
    fluid = volume < (means[0] + means[1]) / 2 if contrast == "T1w" else volume > (means[1] + means[2]) / 2
    fluid &= _distance(inside, spacing) >= 4.0
    core = _distance(fluid, spacing) >= thick_mm / 2
    opened = fluid & (_distance(~core, spacing) < thick_mm / 2)
    mirrored = _mirrored(opened, inside)
    if mirrored.any():
        opened &= _distance(~mirrored, spacing) > reach_mm
    first, last = np.flatnonzero(inside.any(axis=(0, 1)))[[0, -1]]
    lateral = np.abs(np.arange(volume.shape[2]) - (first + last) / 2) * spacing[2] >= lateral_mm
    return _components(opened & lateral, spacing, smallest_ml, largest)


def paste_lesions(volume, inside, spacing, contrast, radii=(2.0, 3.0, 5.0), per_radius=3, strength=0.3):
    """A volume with spheres of another intensity in its white matter, with partial volume at their edges.

    Places are the points of the white matter farthest from other tissue, one after the other, at
    least four of the largest radii apart; where there is no room for a sphere and 2 mm around it,
    there are fewer. Intensities alternate between darker and brighter by ``strength`` of the
    white matter's mean.

    Args:
        volume: (z, y, x) float32.
        inside: boolean, the brain, of the volume's shape.
        spacing: mm along the axes of the arrays.
        contrast: a key of ``tissue.TISSUE_ORDER``.
        radii: mm.
        per_radius: spheres of each radius.
        strength: share of the white matter's mean by which they are darker or brighter.

    Returns:
        (volume, list of (kind, region)): array float32 and boolean arrays: more than half lesion.

    Raises:
        ValueError: when no white matter is found.
    """
    white = find_tissues(volume, inside, spacing, contrast).white
    level = float(volume[white].mean())
    clearance = _distance(ndimage.binary_closing(white), spacing)
    changed, regions = np.array(volume, np.float32), []
    for radius in sorted(radii, reverse=True):
        for number in range(per_radius):
            place = np.unravel_index(np.argmax(clearance), clearance.shape)
            if clearance[place] < radius + RING_MM[0]:
                break  # its ring would not be white matter
            distance = distance_from(np.multiply(place, spacing), volume.shape, spacing)
            share = sphere_share(distance, radius, spacing)
            sign = 1 if number % 2 else -1
            changed += share * np.float32(sign * strength * level)
            regions.append((f"{'bright' if sign > 0 else 'dark'} sphere, {2 * radius:g} mm", share > 0.5))
            clearance[distance < 4 * max(radii)] = 0
    return changed, regions


def distance_from(centre, shape, spacing):
    """Distance in mm of each voxel of a volume of this shape from a point (z, y, x) in mm."""
    axes = (np.arange(size) * step - place for size, step, place in zip(shape, spacing, centre))
    return np.sqrt(sum(np.square(one) for one in np.ix_(*axes)))


def sphere_share(distance, radius, spacing):
    """Share of each voxel that lies within a sphere: partial volume over one voxel's width at its edge.

    Args:
        distance: of the voxels from the sphere's centre.
        radius: mm.
        spacing: likewise.

    Returns:
        array float32 in [0, 1].
    """
    return np.clip((radius - distance) / float(np.mean(spacing)) + 0.5, 0, 1).astype(np.float32)


def with_rings(found, inside, spacing, apart=None):
    """Lesions of (kind, region) pairs; a ring that touches no tissue leaves its lesion out.

    Args:
        found: list of (kind, boolean region).
        inside: boolean, the brain, of the volume's shape.
        spacing: mm along the axes of the arrays.
        apart: boolean array of what no ring may hold beside the lesions, or None.
    """
    everything = np.zeros_like(inside) if apart is None else apart.copy()
    for _, region in found:
        everything |= region
    lesions = [
        Lesion(kind, region & inside, ring_around(region, inside, spacing, everything)) for kind, region in found
    ]
    return [lesion for lesion in lesions if lesion.region.any() and lesion.ring.any()]


def _box_around(region, margins):
    box = ndimage.find_objects(region.astype(np.uint8))[0]
    return tuple(slice(max(0, one.start - margin), one.stop + margin) for one, margin in zip(box, margins))


def _distance(inside, spacing):
    """Distance in mm of each voxel to the nearest that is not inside (0 there)."""
    return ndimage.distance_transform_edt(inside, sampling=spacing)


def _mirrored(array, inside):
    """The array mirrored left to right about the middle of the mask, nil where nothing lies opposite."""
    columns = np.flatnonzero(inside.any(axis=(0, 1)))
    partner = columns[0] + columns[-1] - np.arange(array.shape[2])
    valid = (partner >= 0) & (partner < array.shape[2])
    result = np.zeros_like(array)
    result[:, :, valid] = array[:, :, partner[valid]]
    return result


def _components(candidates, spacing, smallest_ml, largest):
    labels, count = ndimage.label(candidates)
    volumes = ndimage.sum_labels(candidates, labels, np.arange(1, count + 1)) * float(np.prod(spacing)) / 1000
    order = [i for i in np.argsort(-volumes) if volumes[i] >= smallest_ml]
    return [labels == i + 1 for i in order[:largest]]
