"""What can be said against a pair before any registration, in a second or two."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk

from ...enhancement.checks import check_image, match_mask
from ...errors import InputError, PairError
from ...preprocessing.head_mask import head_mask, shrink_to
from ...preprocessing.plausibility import volume_ml

# Brains of adults hold about 0.9 to 1.7 L, and a slab of 60 mm through one about 0.6 L.
SMALLEST_HEAD_ML = 300.0
SMALLEST_FIELD_OF_VIEW_MM = 60.0
_HEAD_MM = 4.0
_CONTRAST = re.compile(r"(?<![a-z0-9])(t1|t2|flair|pd|swi|qsm|mp2rage|mprage)", re.IGNORECASE)
_FAMILY = {"mp2rage": "t1", "mprage": "t1"}


def check_pair(
    image_3t: sitk.Image,
    image_7t: sitk.Image,
    mask_3t: sitk.Image | None = None,
    contrast: str = "",
    names: Sequence[str] = ("", ""),
) -> tuple[list[str], sitk.Image | None]:
    """Refuse a pair that cannot be used; say what looks doubtful.

    Args:
        image_3t: the two scans.
        image_7t: likewise.
        mask_3t: a mask on the 3T, or None.
        contrast: the pair's label.
        names: of the two scans (files or nodes), from which contrasts are guessed.

    Returns:
        (warnings, mask): list of sentences, and the mask as UInt8 on the grid of the 3T (or None).

    Raises:
        PairError: a scan is not fit for enhancement (``enhancement.checks.check_image``), one volume
            given twice, the 7T coarser than the 3T, no head, or a field of view below 60 mm.
    """
    warnings = []
    for what, image in (("3T", image_3t), ("7T", image_7t)):
        try:
            warnings += [_about(what, warning) for warning in check_image(image)]
        except InputError as error:
            raise PairError(_about(what, str(error))) from error
    if _same_voxels(image_3t, image_7t):
        raise PairError("The 3T and the 7T scan are the same volume; give two different scans.")
    reason = swap_suspicion(image_3t.GetSpacing(), image_7t.GetSpacing())
    if reason:
        raise PairError(reason[0].upper() + reason[1:])
    for what, image in (("3T", image_3t), ("7T", image_7t)):
        _check_head(what, image)
    if mask_3t is not None:
        try:
            mask_3t = match_mask(mask_3t, image_3t)
        except InputError as error:
            raise PairError(f"The mask of the 3T scan: {error}") from error
    return warnings + contrast_warnings(contrast, *names), mask_3t


def swap_suspicion(spacing_3t: Sequence[float], spacing_7t: Sequence[float]) -> str:
    """Why the two scans look swapped, or "" when they do not.

    They do when the "7T" voxel is clearly larger than the "3T" one: then it cannot teach detail
    that the 3T lacks either.

    Args:
        spacing_3t: voxel sizes in mm, in any order of the axes.
        spacing_7t: likewise.
    """
    volume_3t, volume_7t = (s[0] * s[1] * s[2] for s in (spacing_3t, spacing_7t))
    if volume_7t <= 1.1 * volume_3t:
        return ""
    sizes = ["x".join(f"{step:.3g}" for step in spacing) for spacing in (spacing_7t, spacing_3t)]
    return (
        f"the 7T scan is coarser ({sizes[0]} mm) than the 3T scan ({sizes[1]} mm): the two may be swapped. Swap "
        "them, or, if the 3T was interpolated to a finer grid, give it at the resolution that was acquired."
    )


def contrast_warnings(contrast: str, name_3t: str, name_7t: str) -> list[str]:
    """A warning when names or the label say that the two scans have different contrasts."""
    said = {
        what: contrast_of(text)
        for what, text in (("the label", contrast), ("the 3T scan's name", name_3t), ("the 7T scan's name", name_7t))
    }
    said = {what: one for what, one in said.items() if one}
    if len(set(said.values())) < 2:
        return []
    listed = ", ".join(f"{what} says {one.upper()}" for what, one in said.items())
    return [f"The two scans may have different contrasts ({listed}): a network cannot learn detail from that."]


def contrast_of(text: str) -> str:
    """The contrast that a name mentions ("t1", "t2", "flair", ...), or "" when it mentions none or several."""
    found = {_FAMILY.get(word.lower(), word.lower()) for word in _CONTRAST.findall(text or "")}
    return found.pop() if len(found) == 1 else ""


def _about(what, sentence):
    return sentence.replace("The image", f"The {what} scan", 1)


def _same_voxels(first, second):
    """Whether two volumes hold the same voxels, up to the order of the axes."""
    if sorted(first.GetSize()) != sorted(second.GetSize()):
        return False
    first, second = (sitk.DICOMOrient(image, "LPS") for image in (first, second))
    if first.GetSize() != second.GetSize():
        return False
    arrays = [sitk.GetArrayViewFromImage(image) for image in (first, second)]
    # A coarse sample settles it for nearly every pair.
    return all(np.array_equal(*(array[::step, ::step, ::step] for array in arrays)) for step in (8, 1))


def _check_head(what, image):
    extent = [size * spacing for size, spacing in zip(image.GetSize(), image.GetSpacing())]
    if min(extent) < SMALLEST_FIELD_OF_VIEW_MM:
        listed = " x ".join(f"{length:.0f}" for length in extent)
        raise PairError(
            f"The {what} scan covers only {listed} mm, too little of the head to register it: give a scan of at "
            f"least {SMALLEST_FIELD_OF_VIEW_MM:.0f} mm along each axis."
        )
    try:
        # Coarse voxels tell as well whether there is a head, in a tenth of the time.
        volume = volume_ml(head_mask(shrink_to(sitk.Cast(image, sitk.sitkFloat32), _HEAD_MM)))
    except InputError as error:
        raise PairError(_about(what, str(error)).replace("in the image", f"in the {what} scan")) from error
    if volume < SMALLEST_HEAD_ML:
        raise PairError(
            f"No brain was found in the {what} scan: what stands out from its background holds {volume:.0f} ml. "
            "Check that the right volume is selected."
        )
