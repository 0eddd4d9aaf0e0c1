"""What an enhancement gives back."""

from __future__ import annotations

from dataclasses import dataclass

import SimpleITK as sitk


@dataclass
class Enhancement:
    """What ``enhance`` returns.

    Attributes:
        image: float32, input orientation and physical bounds, in-plane axes refined by the
            checkpoint's scale (with planes "three" all axes); (bias-corrected) input units.
        mask: UInt8 on the same grid, 1 where the result holds.
        maps: further images on the same grid, when asked for: "detail" (signed, what lies beyond the input's
            band), "removed" (signed, what of the scan is gone within that band), "variability" (slice-wise:
            SD over turned slices), "disagreement" (three planes of an isotropic scan: SD between them);
            input units. The last two are means over 3 x 3 x 3 voxels: they tell regions, not voxels.
        report: what was done and how far to trust it; see docs/reference/report.md for its keys.
    """

    image: sitk.Image
    mask: sitk.Image
    maps: dict[str, sitk.Image]
    report: dict
