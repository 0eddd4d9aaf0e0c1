"""Lesions of white matter that were marked by eye on public volumes, as places; what belongs to them follows by rule.

No expert marked them: they are bright foci of patients with multiple sclerosis that anybody sees on the slices
named here. Volumes that do not show one (openMS_long_04) have none.
"""

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

# Volume -> (x, y, z) in mm (LPS) at the brightest point of each, in the slice that shows it best.
PLACES = {
    "openMS_long_01_FLAIR": ((-22.1, 17.3, 19.7), (25.5, 25.1, 25.5)),
    "openMS_long_03_T2w": ((19.4, 4.7, 58.3), (19.5, 23.0, 50.5), (15.9, -54.9, 54.6)),
}
REACH_MM = 12.0


def marked_lesions(sample):
    """Marked lesions of a ``Sample``, each in its slice alone, and what is too bright for the ring of any.

    A lesion is what is connected with its place, within 12 mm, above half the way from the tissue around (the
    median there) to its own brightness (3 x 3 mean at the place).

    Returns:
        (list of boolean arrays (z, y, x), boolean array): places outside the volume are left out.
    """
    volume = sitk.GetArrayFromImage(sample.image)
    spacing = sample.image.GetSpacing()[::-1]
    regions, bright = [], np.zeros(volume.shape, bool)
    for place in PLACES.get(sample.name, ()):
        z, y, x = sample.image.TransformPhysicalPointToIndex(place)[::-1]
        if not all(0 <= i < size for i, size in zip((z, y, x), volume.shape)):
            continue
        near = tuple(
            slice(max(0, i - round(REACH_MM / step)), i + round(REACH_MM / step) + 1)
            for i, step in zip((y, x), spacing[1:])
        )
        around = volume[z][near]
        peak = ndimage.uniform_filter(volume[z], 3)[y, x]
        half = (float(np.median(around)) + float(peak)) / 2
        labels, _ = ndimage.label(around > half)
        mine = labels[y - near[0].start, x - near[1].start]
        if not mine:
            continue
        region = np.zeros(volume.shape, bool)
        region[z][near] = labels == mine
        regions.append(region)
        # The ring of a lesion is tissue: neither fluid nor the lesion's continuation in the next slice.
        for k in range(max(0, z - 2), min(len(volume), z + 3)):
            bright[k][near] |= volume[k][near] > half
    return regions, bright
