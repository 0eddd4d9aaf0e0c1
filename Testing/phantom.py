"""The generated head under the short name that the tests import it by."""

from CHARMSSRLab.benchmark.phantom import SIGNALS, phantom_head, phantom_head_and_brain

__all__ = ["SIGNALS", "phantom_head", "phantom_head_and_brain"]


def piece_of(image):
    """Of a phantom head, 40 x 40 voxels of 18 slices, twice as large, so that the field of view is that of a head."""
    piece = image[28:68, 24:64, 14:32]
    piece.SetSpacing([2 * step for step in image.GetSpacing()])
    return piece
