"""A small checkpoint whose every part matters, so that whole enhancements take a second."""

import pytest
import torch

from CHARMSSRLib import CHARMS, EnhancementSettings, enhance
from CHARMSSRLib.checkpoints.loading import save_checkpoint


def make_checkpoint(folder, name="small", **arguments):
    """Write a random CHARMS of one block and unit; returns the path of its weights."""
    torch.manual_seed(7)
    network = CHARMS(**{"blocks": 1, "units": 1, **arguments})
    torch.nn.init.normal_(network.tail.weight, std=0.003)
    card = {
        "name": name, "intensity": {"kind": "percentile", "upper": 99.9}, "margin": 6,
        "data_consistency_operator": "bicubic", "seen_7t": False,
    }  # fmt: skip
    return save_checkpoint(network, card, folder)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """Path of a small x2 checkpoint."""
    return str(make_checkpoint(tmp_path_factory.mktemp("checkpoints")))


@pytest.fixture(scope="session")
def settings(checkpoint):
    """Without bias correction, which has tests of its own and takes longest."""
    return EnhancementSettings(checkpoint=checkpoint, device="cpu", bias_correction=False)


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
    """What ``enhance`` makes of :func:`head_crop` with its mask; nobody changes it."""
    return enhance(head_crop[0], settings, head_crop[1])
