"""The mask cuts the result and never the input: what the network reads around the brain is the scan."""

import dataclasses

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib import EnhancementSettings, enhance
from CHARMSSRLib.enhancement import inference
from Testing.phantom import phantom_head_and_brain

WAYS = {  # planes: spacing of the piece
    "acquisition": (2.6, 2.6, 2.6),
    "three": (2.6, 2.6, 2.6),
    "three, thick slices": (2.6, 2.6, 5.2),
}


def piece(spacing):
    """A piece of the phantom with skull and scalp, and its brain."""
    size = (72, 80, round(176 / spacing[2]))
    depth = max(16, round(62 / spacing[2]))
    whole = phantom_head_and_brain(size=size, spacing=spacing, noise=3.0)
    return [sitk.RegionOfInterest(one, [40, 44, depth], [3, 4, size[2] - depth - 2]) for one in whole]


@pytest.fixture(scope="module", params=list(WAYS))
def case(request, checkpoint):
    """(image, brain mask, settings)"""
    settings = EnhancementSettings(
        checkpoint=checkpoint, device="cpu", bias_correction=False, resolution="stated",
        planes=request.param.split(",")[0],
    )  # fmt: skip
    return *piece(WAYS[request.param]), settings


def array(image):
    return sitk.GetArrayFromImage(image)


def test_the_network_reads_the_scan_around_the_brain(case, monkeypatch):
    image, mask, settings = case
    seen, run = [], inference.SliceEnhancer.run

    def spy(self, stack, indices, *rest):
        seen.append(stack[list(indices)])
        run(self, stack, indices, *rest)

    monkeypatch.setattr(inference.SliceEnhancer, "run", spy)
    enhance(image, settings, mask)
    brain, scan = array(mask) > 0, array(image).astype(np.float32)
    unit = np.percentile(scan[brain], 99.9)
    known = np.unique(np.round(scan / unit, 4))  # every value that the network may read is one of the scan's
    assert seen
    for stack in seen:
        nearest = np.searchsorted(known, stack - 2e-4)
        assert np.abs(known[np.minimum(nearest, len(known) - 1)] - stack).max() < 5e-4
        # A masked stack would be nil in at least the share of the box that is no brain.
        assert (stack == 0).mean() < (scan == 0).mean() + 0.02


def test_a_brain_in_its_head_is_enhanced_as_with_the_skull_kept(case):
    image, mask, settings = case
    cut = enhance(image, settings, mask)
    kept = enhance(image, dataclasses.replace(settings, keep_skull=True), mask)
    inside = array(cut.mask) > 0
    # The box is another one, which the network's global parts notice: a little, and nowhere at the edge alone.
    difference = np.abs(array(cut.image) - array(kept.image))[inside]
    assert difference.mean() < 0.01 * array(cut.image)[inside].mean()
    assert not array(cut.image)[~inside].any()


def test_with_the_skull_kept_a_mask_does_not_keep_the_network_from_the_head(checkpoint):
    image, mask = piece((2.6, 2.6, 2.6))
    settings = EnhancementSettings(
        checkpoint=checkpoint, device="cpu", bias_correction=False, resolution="stated", keep_skull=True
    )
    small = array(mask)
    small[:, :20] = 0  # the front half of the brain is not in the mask
    part = sitk.GetImageFromArray(small)
    part.CopyInformation(mask)
    whole, little = (enhance(image, settings, one) for one in (mask, part))
    assert little.report["slices"] == whole.report["slices"]
    front = array(little.image)[:, :30]
    scale = array(whole.image)[:, :30].mean() / front.mean()
    assert np.abs(array(whole.image)[:, :30] - scale * front).mean() < 0.01 * front.mean()


def test_what_lies_beyond_the_mask_changes_the_rim_and_the_mask_itself_does_not(case):
    """With a smaller mask what remains stays the same, up to its scale and the network's global parts."""
    image, mask, settings = case
    smaller = sitk.BinaryErode(mask, [2, 2, 2 if image.GetSpacing()[2] < 4 else 1])
    whole, part = (array(enhance(image, settings, one).image) for one in (mask, smaller))
    rim = (part != 0) & ~(
        array(sitk.BinaryErode(smaller, [1, 1, 1]))
        .repeat(part.shape[0] // array(mask).shape[0], 0)
        .repeat(2, 1)
        .repeat(2, 2)
        > 0
    )
    deep = (part != 0) & ~rim
    apart = [np.abs(whole - part)[where].mean() / whole[where].mean() for where in (rim, deep)]
    assert apart[0] < 3 * apart[1] + 0.005
