"""CHARMS itself among the compared methods."""

from CHARMSSRLib.network.charms import CHARMS


def build(scale, image_skip=True):
    """CHARMS has the image skip by its own design: there is no other form of it."""
    return CHARMS(scale)
