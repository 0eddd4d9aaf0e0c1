"""The voxels of DICOM images in a given order, each scaled by its own factors."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from .dicom_frame import Frame
from .native_messages import native_messages_hidden

# A multi-frame object without functional groups: SimpleITK decodes its pixels and scales nothing.
_PLAIN_MULTI_FRAME = "1.2.840.10008.5.1.4.1.1.7.3"
_PIXEL_MODULE = (
    "SamplesPerPixel", "PhotometricInterpretation", "NumberOfFrames", "Rows", "Columns", "BitsAllocated",
    "BitsStored", "HighBit", "PixelRepresentation", "PixelData",
)  # fmt: skip


def read_pixels(name: str, frames: Sequence[Frame]) -> np.ndarray:
    """The voxels (z, y, x) of frames, in their order.

    Raises:
        InputError: an image is damaged, or packed in a way that is not known here.
    """
    if all(frame.index is None for frame in frames):
        return _classic(name, frames)
    stored = {path: _stored_values(path) for path in dict.fromkeys(frame.path for frame in frames)}
    slices = [stored[frame.path][frame.index or 0] for frame in frames]
    if all((frame.slope, frame.intercept) == (1.0, 0.0) for frame in frames):
        return np.stack(slices)
    scaled = [one * frame.slope + frame.intercept for one, frame in zip(slices, frames)]
    return np.stack(scaled).astype(np.float32)


def without_padding(array: np.ndarray, frames: Sequence[Frame]) -> int:
    """Give voxels that are declared to hold no data the value of background, in place; returns how many.

    The array is (frames, rows, columns). Only where the declared value lies outside what the other voxels hold: 0
    among magnitudes stays.
    """
    if all(frame.padding is None for frame in frames):
        return 0
    empty = np.zeros(array.shape, bool)
    for index, frame in enumerate(frames):
        if frame.padding is not None:
            value = frame.padding * frame.slope + frame.intercept
            empty[index] = array[index] == (np.float32(value) if array.dtype == np.float32 else value)
    count = int(empty.sum())
    if count in (0, empty.size):
        return 0
    values = array[~empty]
    lowest, highest = values.min(), values.max()
    padded = array[empty]
    if padded.min() >= lowest and padded.max() <= highest:
        return 0
    array[empty] = min(lowest, 0)
    return count


def _classic(name, frames):
    reader = sitk.ImageSeriesReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileNames([str(frame.path) for frame in frames])
    if len({frame.pixel_type for frame in frames}) > 1:
        # Slices with rescale factors of their own come in types of their own; the first's would cut the rest.
        reader.SetOutputPixelType(sitk.sitkFloat32)
    try:
        with native_messages_hidden():
            return sitk.GetArrayFromImage(reader.Execute())
    except (RuntimeError, MemoryError) as error:
        raise InputError(
            f"{name} cannot be read: an image is damaged or packed in a way that is not known here. "
            "Export it again, uncompressed."
        ) from error


def _stored_values(path: Path) -> np.ndarray:
    """The stored values (frames, rows, columns) of a multi-frame file."""
    import pydicom
    from pydicom.uid import RLELossless

    try:
        dataset = pydicom.dcmread(path, force=True)
        syntax = dataset.file_meta.TransferSyntaxUID
        if syntax.is_compressed and syntax != RLELossless:
            values = _decoded_by_simpleitk(dataset)
        else:
            values = dataset.pixel_array
    except (RuntimeError, ValueError, AttributeError, KeyError, EOFError, OSError) as error:
        raise InputError(
            f"The multi-frame DICOM file {path.name} cannot be read: it is damaged or packed in a way that is not "
            "known here. Export it again, uncompressed."
        ) from error
    if dataset.get("PhotometricInterpretation") == "MONOCHROME1":
        values = _turned_over(values, dataset)
    return values.reshape(-1, dataset.Rows, dataset.Columns)


def _turned_over(values, dataset):
    """Values of which the lowest is shown white, as SimpleITK turns those of classic files over."""
    if dataset.PixelRepresentation:
        return -1 - values
    return values.dtype.type(2 ** int(dataset.BitsStored) - 1) - values


def _decoded_by_simpleitk(dataset) -> np.ndarray:
    """Compressed pixels by SimpleITK, which brings every usual decoder; a bare copy keeps it from scaling."""
    from pydicom.dataset import Dataset, FileMetaDataset

    bare = Dataset()
    for keyword in _PIXEL_MODULE:
        if keyword in dataset:
            bare[keyword] = dataset[keyword]
    bare.PhotometricInterpretation = "MONOCHROME2"
    bare.SOPClassUID, bare.SOPInstanceUID, bare.Modality = _PLAIN_MULTI_FRAME, dataset.SOPInstanceUID, "OT"
    bare.file_meta = FileMetaDataset()
    bare.file_meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
    bare.file_meta.MediaStorageSOPClassUID = bare.SOPClassUID
    bare.file_meta.MediaStorageSOPInstanceUID = bare.SOPInstanceUID
    with tempfile.TemporaryDirectory(prefix="charmssr-") as folder, native_messages_hidden():
        path = Path(folder) / "frames.dcm"
        _save(bare, path)
        return sitk.GetArrayFromImage(sitk.ReadImage(str(path), imageIO="GDCMImageIO"))


def _save(dataset, path):
    import pydicom

    if int(pydicom.__version__.split(".")[0]) >= 3:
        dataset.save_as(path, enforce_file_format=True)
    else:
        dataset.is_little_endian, dataset.is_implicit_VR = True, False
        dataset.save_as(path, write_like_original=False)
