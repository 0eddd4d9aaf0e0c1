"""The host's fixture, and the small module that its tests open."""

from pathlib import Path

import pytest

from Testing.host.fixtures import slicerHost  # noqa: F401

EXAMPLE = Path(__file__).resolve().parent / "Example"


@pytest.fixture
def panel(slicerHost):  # noqa: F811
    """Panel of the example module, just opened."""
    slicerHost.loadModule("Example", EXAMPLE)
    return slicerHost.openModule("Example")


@pytest.fixture
def volume(slicerHost):  # noqa: F811
    """A small volume node with different numbers of voxels along its axes."""
    import numpy as np
    import slicer

    return slicer.util.addVolumeFromArray(np.arange(4 * 5 * 6, dtype=np.float32).reshape(4, 5, 6), name="Head")
