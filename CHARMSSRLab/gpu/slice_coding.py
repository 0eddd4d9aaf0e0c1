"""Stacks of whole numbers <-> compressed bytes, without loss.

Every voxel is predicted from its left, upper and upper left neighbours (the median
predictor of JPEG-LS, ISO 14495-1); what differs from the prediction is compressed.
Voxels outside the mask are zero and cost nothing. Decoding runs along the slices'
anti-diagonals, where all voxels of all slices are independent.
"""

import lzma

import numpy as np


def encode(stack, mask):
    """Bytes for a stack.

    Args:
        stack: (n, H, W) whole numbers from 0 to 32767, zero outside the mask.
        mask: bool, same shape.
    """
    values = stack.astype(np.int32)
    left, upper, corner = (np.zeros_like(values) for _ in range(3))
    left[:, :, 1:], upper[:, 1:], corner[:, 1:, 1:] = values[:, :, :-1], values[:, :-1], values[:, :-1, :-1]
    difference = (values - _predict(left, upper, corner))[mask]
    folded = np.where(difference < 0, -2 * difference - 1, 2 * difference).astype(np.uint32)
    # Low and high bytes apart: the high ones are nearly all zero.
    planes = [((folded >> shift) & 255).astype(np.uint8).tobytes() for shift in (0, 8)]
    if (folded >> 16).any():
        raise ValueError("the stack holds numbers above 32767")
    low, high = (lzma.compress(plane, preset=4) for plane in planes)
    return len(low).to_bytes(8, "little") + low + high


def decode(data, mask):
    """The stack of ``encode``, int32; the mask must be the same."""
    length = int.from_bytes(data[:8], "little")
    low, high = (np.frombuffer(lzma.decompress(part), np.uint8) for part in (data[8 : 8 + length], data[8 + length :]))
    folded = low.astype(np.int32) | high.astype(np.int32) << 8
    n, height, width = mask.shape
    difference = np.zeros(mask.shape, np.int32)
    difference[mask] = np.where(folded & 1, -(folded + 1) // 2, folded // 2)
    # Diagonal d holds the voxels (row i, column d - i); diagonals d - 1 and d - 2 hold their neighbours.
    result = np.zeros((n, height + 1, width + 1), np.int32)  # with a border of zeros above and to the left
    rows = np.arange(height)
    for d in range(height + width - 1):
        i = rows[max(0, d - width + 1) : d + 1]
        j = d - i
        predicted = _predict(result[:, i + 1, j], result[:, i, j + 1], result[:, i, j])
        result[:, i + 1, j + 1] = np.where(mask[:, i, j], predicted + difference[:, i, j], 0)
    return result[:, 1:, 1:]


def _predict(left, upper, corner):
    low, high = np.minimum(left, upper), np.maximum(left, upper)
    return np.where(corner >= high, low, np.where(corner <= low, high, left + upper - corner))
