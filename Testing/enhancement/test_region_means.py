"""Maps of doubt are means over regions inside the mask, whatever the slabs they are made in."""

import numpy as np
import pytest
from scipy import ndimage

from CHARMSSRLib.enhancement.region_means import REGION, SLAB, means_over_regions


@pytest.mark.parametrize("count", [1, 2, SLAB, SLAB + 1, 2 * SLAB + 5])
def test_slabs_leave_no_trace(count):
    rng = np.random.default_rng(count)
    stack = rng.standard_normal((count, 9, 11)).astype(np.float32)
    inside = (rng.random(stack.shape) < 0.7).astype(np.uint8)
    shares = ndimage.uniform_filter(inside.astype(float), REGION, mode="constant")
    means = ndimage.uniform_filter(np.abs(stack) * inside.astype(float), REGION, mode="constant")
    expected = np.where(inside, means / np.maximum(shares, 1e-9), 0)
    result = means_over_regions(stack, inside)
    assert result is stack and result.dtype == np.float32
    assert result == pytest.approx(expected, abs=1e-5)


def test_what_lies_outside_the_mask_has_no_weight():
    stack = np.full((6, 6, 6), -2.0, np.float32)
    stack[3:] = 100
    inside = np.zeros(stack.shape, bool)
    inside[:3] = True
    means_over_regions(stack, inside)
    assert stack[inside] == pytest.approx(2) and not stack[~inside].any()
