"""What a physicist would warn of on seeing a scan: coverage, bias, ghosts, wrap, size, contrast, enhancement."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .contrast import FLAIR, T1W, T2W
from .findings import Finding
from .tags import age_in_years, made_by_a_network, stated_contrast

_CUT = 0.25  # of the head's largest section in a plane: so much on a face of the volume means that the head goes on
_BIAS = 3.0  # brightest by darkest smooth tissue
_GHOST = 2.0  # air beside the head by air in the corners
_INFANT_WIDTH_MM = 112.0  # the narrowest adult brain among those looked at, without its skull: 120
_BRAIN_ML, _HEAD_ML = 400.0, 12000.0
_FACES = (("feet", "top"), ("front", "back"), ("right", "left"))  # of array axes z, y, x in LPS order


def warnings_about(
    small: np.ndarray, head: np.ndarray | None, spacing: tuple, contrast: Finding, tags: dict
) -> list[str]:
    """Warnings, one sentence each.

    Args:
        small: (z, y, x) of the volume in LPS order at about 2 mm.
        head: boolean, of the same shape, or None.
        spacing: mm along z, y, x.
        contrast: what the voxels say.
        tags: what the files say.
    """
    warnings = []
    maker = made_by_a_network(tags)
    if maker:
        who = "by CHARMSSR" if maker == "CHARMSSR" else f"by a network of the scanner or another program ({maker})"
        warnings.append(f"The image was enhanced already {who}: enhancing it again adds detail to detail.")
    if head is None or not head.any():
        warnings.append("No head was found in the image: is it a brain scan?")
        return warnings
    volume = head.sum() * float(np.prod(spacing)) / 1000
    if not _BRAIN_ML < volume < _HEAD_ML:
        warnings.append(f"What stands out from the background has {volume:.0f} ml: is it a human brain or head?")
    warnings += _coverage(head)
    wrapped = _wrap(small, head)
    if wrapped:
        warnings.append(wrapped)
    bias = _bias(small, head, spacing)
    if bias > _BIAS:
        warnings.append(f"Brightness varies {bias:.1f} times across the tissue: correct the bias field.")
    ghost = _ghost(small, head)
    if ghost > _GHOST:
        warnings.append(
            f"The air beside the head is {ghost:.1f} times as bright as in the corners: motion or ghosting."
        )
    age = age_in_years(tags)
    width = _width(head, spacing)
    if age is not None and age < 2:
        warnings.append(f"The patient is {age * 12:.0f} months old; the networks have seen adults only.")
    elif age is None and volume > _BRAIN_ML and width < _INFANT_WIDTH_MM and not _cut(head, 2):
        warnings.append(f"The head is {width:.0f} mm wide: an infant? The networks have seen adults only.")
    stated = stated_contrast(tags)
    if contrast.value in (T1W, T2W, FLAIR) and stated and stated != contrast.value and contrast.confidence > 0.7:
        warnings.append(f"The tags say {stated}, the voxels look like {contrast.value}.")
    if contrast.value == "other":
        warnings.append("The contrast is not one that the networks have learnt from (T1w, T2w, FLAIR).")
    return warnings


def _coverage(head):
    cut = [name for axis in range(3) for name in _cut(head, axis) if name != "feet"]
    if not cut:
        return []
    return [f"The head is cut off at the {' and the '.join(cut)} of the image: partial coverage, or wrapped around."]


def _cut(head, axis):
    """Names of the faces across an axis at which the head goes on."""
    planes = head.mean(axis=tuple(one for one in range(3) if one != axis))
    faces = zip(_FACES[axis], (planes[:2].max(), planes[-2:].max()))
    return [name for name, face in faces if face > _CUT * planes.max()]


def _wrap(small, head):
    """Wrapped anatomy is bright at a face where the head is not."""
    bright = float(np.percentile(small[head], 50))
    for axis, names in enumerate(_FACES):
        if axis == 0:
            continue
        lines, inside = np.moveaxis(small, axis, 0), np.moveaxis(head, axis, 0)
        for name, side in zip(names, (slice(0, 2), slice(-2, None))):
            outside = ~inside[side]
            if outside.any() and (lines[side][outside] > 0.5 * bright).mean() > 0.08:
                return f"Bright structures lie on the {name} edge of the image, apart from the head: wrapped around?"
    return None


def _bias(small, head, spacing):
    wide = [15 / step for step in spacing]
    weight = ndimage.gaussian_filter(head.astype(np.float32), wide)
    smooth = ndimage.gaussian_filter(np.where(head, small, 0).astype(np.float32), wide) / np.maximum(weight, 1e-3)
    deep = ndimage.binary_erosion(head, iterations=max(1, round(15 / min(spacing))))
    if deep.sum() < 1000:
        return 1.0
    low, high = np.percentile(smooth[deep], [2, 98])
    return float(high / max(low, 1e-6))


def _ghost(small, head):
    """Air in the shadow of the head along an axis by air in no shadow; 1 where there is no such air."""
    air = ndimage.uniform_filter(head.astype(np.float32), 7) < 1e-3
    if air.sum() < 2000:
        return 1.0
    shadows = [np.broadcast_to(head.any(axis=axis, keepdims=True), head.shape) for axis in (1, 2)]
    corners = air & ~shadows[0] & ~shadows[1] & head.any(axis=(1, 2))[:, None, None]
    if corners.sum() < 300:
        return 1.0
    base = float(small[corners].mean())
    if base <= 1e-3 * float(small[head].mean()):
        return 1.0
    means = [float(small[air & shadow].mean()) for shadow in shadows if (air & shadow).sum() > 300]
    return max(means, default=base) / base


def _width(head, spacing):
    """Left to right, mm, where the head is widest in its upper part."""
    occupied = np.flatnonzero(head.any(axis=(1, 2)))
    upper = head[max(0, occupied[-1] - int(90 / spacing[0])) : occupied[-1] + 1]
    return float(np.count_nonzero(upper.any(axis=(0, 1))) * spacing[2])
