"""A small checkpoint whose every part matters, so that whole enhancements take a second."""

import dataclasses

import pytest

from CHARMSSRLib import EnhancementSettings, enhance
from Testing.small_checkpoint import small_checkpoint


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """Path of a small x2 checkpoint."""
    return small_checkpoint(tmp_path_factory.mktemp("checkpoints"))


@pytest.fixture(scope="session")
def settings(checkpoint):
    """Without what has tests of its own and takes longest: bias correction and the look for the resolution."""
    return EnhancementSettings(checkpoint=checkpoint, device="cpu", bias_correction=False, resolution="stated")


@pytest.fixture(scope="session")
def head_crop(_phantom):
    """A small piece of the phantom and its brain: 18 slices of 40 x 44, with an oblique grid; nobody changes it."""
    import SimpleITK as sitk

    start, size = [20, 18, 15], [40, 44, 18]
    pieces = [sitk.RegionOfInterest(one, size, start) for one in _phantom]
    rotation = sitk.Euler3DTransform((0, 0, 0), 0.1, -0.2, 0.15)
    for piece in pieces:
        piece.SetDirection(rotation.GetMatrix())
        piece.SetOrigin((-31.5, 12.25, 7.0))
        piece.SetSpacing((0.9, 1.1, 1.4))
    return pieces


@pytest.fixture(scope="session")
def enhanced_crop(head_crop, settings):
    """What ``enhance`` makes of :func:`head_crop` with its mask, its resolution looked at; nobody changes it."""
    return enhance(head_crop[0], dataclasses.replace(settings, resolution="auto"), head_crop[1])
