"""Writes NIfTI-1 single files.

ITK's own writer neither reports a full disk reliably nor lets the compression level be chosen; here
every byte goes through Python's file objects, so that each failure is an OSError.

Source: nifti1.h of the NIfTI-1 format.
"""

import gzip
import itertools
import struct

import numpy as np
import SimpleITK as sitk

from .nifti_forms import NiftiForms, rotation_of

_DATATYPES = {
    "uint8": 2, "int16": 4, "int32": 8, "float32": 16, "float64": 64,
    "int8": 256, "uint16": 512, "uint32": 768, "int64": 1024, "uint64": 1280,
}  # fmt: skip
_HEADER_BYTES = 352
_SCANNER_COORDINATES = 1
_MILLIMETRES, _SECONDS = 2, 8
_LENGTH_UNITS = {1000.0: 1, 0.001: 3}
# Level 3 packs a float volume within 15 % of level 9 at a tenth of its time.
_COMPRESSION_LEVEL = 3


def write_nifti(image, path, compressed, description="", forms=None):
    """Write a scalar 3-D image; sform and qform both state its geometry, unless ``forms`` says more.

    Args:
        image: SimpleITK image, geometry in LPS (turned into NIfTI's RAS here).
        path: file to create.
        compressed: gzip the file.
        description: free text, up to 79 bytes.
        forms: NiftiForms on the image's grid: both geometries and codes of the scan it was made from.

    Raises:
        OSError: the file cannot be written.
        ValueError: the pixel type has no NIfTI counterpart.
    """
    array = sitk.GetArrayViewFromImage(image)
    if array.dtype.name not in _DATATYPES or array.ndim != 3:
        raise ValueError(f"NIfTI cannot hold a {array.ndim}-D image of {array.dtype.name} here.")
    header = nifti_header(image, array.dtype, description, forms)
    little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
    with open(path, "wb") as stream:
        if compressed:
            # No time stamp and no name inside: equal volumes give equal files.
            with gzip.GzipFile("", "wb", _COMPRESSION_LEVEL, stream, mtime=0) as packed:
                _write_blocks(packed, header, little_endian)
        else:
            _write_blocks(stream, header, little_endian)


def _write_blocks(stream, header, array):
    stream.write(header)
    for slab in array:
        stream.write(np.ascontiguousarray(slab).data)


def nifti_header(image, dtype, description="", forms=None):
    """The 352 bytes before the voxels (348 of the header, 4 that say "no extension")."""
    dtype = np.dtype(dtype)
    forms = forms if forms is not None else forms_of(image)
    header = bytearray(_HEADER_BYTES)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *image.GetSize(), 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, _DATATYPES[dtype.name], dtype.itemsize * 8)
    struct.pack_into("<8f", header, 76, forms.qfac, *forms.spacing, 1, 1, 1, 1)
    struct.pack_into("<3f", header, 108, _HEADER_BYTES, 1, 0)
    struct.pack_into("<B", header, 123, _LENGTH_UNITS.get(forms.unit, _MILLIMETRES) | _SECONDS)
    struct.pack_into("<80s", header, 148, description.encode("ascii", "replace")[:79])
    struct.pack_into("<2h", header, 252, forms.qform_code, forms.sform_code)
    struct.pack_into("<6f", header, 256, *stored_quaternion(forms.quaternion), *forms.offset)
    struct.pack_into("<12f", header, 280, *forms.sform)
    struct.pack_into("<4s", header, 344, b"n+1\0")
    return bytes(header)


def forms_of(image):
    """NiftiForms that both state the geometry of an image, with the codes of scanner coordinates."""
    affine = ras_affine(image)
    spacing = image.GetSpacing()
    quaternion, qfac = _quaternion(affine[:, :3] / spacing)
    return NiftiForms(
        qform_code=_SCANNER_COORDINATES,
        sform_code=_SCANNER_COORDINATES,
        quaternion=quaternion,
        qfac=qfac,
        offset=tuple(affine[:, 3].tolist()),
        spacing=spacing,
        sform=tuple(affine.ravel().tolist()),
    )


def stored_quaternion(quaternion):
    """(b, c, d) as single-precision numbers whose rotation is nearest to the one meant.

    The first part of the quaternion is left out and follows from the length of the others: near half
    turns it is a small difference of large numbers, and the nearest single-precision numbers may turn a
    volume by a tenth of a millimetre. Some of their neighbours hit it far better.
    """
    nearest = np.asarray(quaternion, dtype=np.float32)
    if np.array_equal(nearest.astype(float), quaternion):
        return tuple(nearest.tolist())  # as they came from a file
    meant = rotation_of(quaternion)
    steps = itertools.product((0, -1, 1, -2, 2, -3, 3), repeat=3)
    ulps = np.spacing(np.maximum(np.abs(nearest), np.float32(1e-4)))
    candidates = [tuple((nearest + ulps * np.array(step, np.float32)).astype(float).tolist()) for step in steps]
    return min(candidates, key=lambda one: float(np.abs(rotation_of(one) - meant).max()))


def ras_affine(image):
    """3x4 matrix from voxel index (i, j, k) to RAS millimetres."""
    to_ras = np.array([-1.0, -1.0, 1.0])[:, None]
    axes = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    return to_ras * np.column_stack([axes, image.GetOrigin()])


def _quaternion(rotation):
    """(b, c, d) and qfac of the rotation nearest to a matrix of direction cosines.

    qfac is -1 where the axes are left-handed: the third is flipped then, as nifti1.h says.
    """
    left, _, right = np.linalg.svd(rotation)
    rotation = left @ right
    qfac = 1.0
    if np.linalg.det(rotation) < 0:
        qfac = -1.0
        rotation = rotation * [1, 1, -1]
    # The eigenvector of the largest eigenvalue is the unit quaternion (Bar-Itzhack 2000); unlike the
    # trace formula it needs no case distinction near half turns.
    r = rotation
    matrix = np.array([
        [r[0, 0] + r[1, 1] + r[2, 2], r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]],
        [r[2, 1] - r[1, 2], r[0, 0] - r[1, 1] - r[2, 2], r[0, 1] + r[1, 0], r[0, 2] + r[2, 0]],
        [r[0, 2] - r[2, 0], r[0, 1] + r[1, 0], r[1, 1] - r[0, 0] - r[2, 2], r[1, 2] + r[2, 1]],
        [r[1, 0] - r[0, 1], r[0, 2] + r[2, 0], r[1, 2] + r[2, 1], r[2, 2] - r[0, 0] - r[1, 1]],
    ])  # fmt: skip
    a, b, c, d = np.linalg.eigh(matrix)[1][:, -1]
    sign = -1.0 if a < 0 else 1.0
    return (sign * b, sign * c, sign * d), qfac
