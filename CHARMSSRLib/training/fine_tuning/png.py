"""Grey pictures as PNG bytes, without a package: the report's page is one self-contained file."""

import struct
import zlib

import numpy as np


def png_bytes(picture):
    """An 8-bit grey PNG.

    Args:
        picture: array (rows, columns), 0 black to 1 white; the rest is clipped.
    """
    grey = np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    height, width = grey.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), grey], axis=1)  # each row starts with its filter, 0: none
    parts = [b"\x89PNG\r\n\x1a\n"]
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b"")):
        parts.append(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))
    return b"".join(parts)
