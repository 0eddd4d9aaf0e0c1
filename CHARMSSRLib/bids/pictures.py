"""What a quality page shows of one scan: small pictures of three planes, kept as text until the page is made."""

import base64
import io
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..errors import BackendError
from ..grids.slices import AXES, PLANE_NAMES

LARGEST = 380  # pixels of a picture's longer side
_SLAB = 6  # slices of the scan around a plane that cubic interpolation needs, on either side
_QUALITY = 82
# The row of small slices: how many, their pixels along the longer side, mm of the scan around the mask.
SLICES, _SMALL, _AROUND = 9, 152, 12.0
_EDGE = (255, 140, 0)


def require_pages() -> None:
    """Refuse where what makes the quality pages is not installed.

    Raises:
        BackendError: with the command that brings it.
    """
    for package, name in (("PIL", "Pillow"), ("jinja2", "Jinja2")):
        try:
            __import__(package)
        except ModuleNotFoundError:
            raise BackendError(
                f'The quality pages need {name}: python -m pip install "charmssr[bids]", or use --no-pages.'
            ) from None


def scan_pictures(
    scan: sitk.Image, result: sitk.Image, mask: sitk.Image, maps: dict[str, sitk.Image]
) -> dict[str, Any]:
    """Pictures of one scan through the middle of its mask.

    Args:
        scan: as it was acquired.
        result: on the enlarged grid.
        mask: likewise.
        maps: likewise.

    Returns:
        {"planes": {plane: {"width", "height" (pixels), "before", "after", "edge", "maps": {name: ...}}}} with
        pictures as data addresses, "ranges": {map: largest shown value}, and "row": axial slices of the scan with
        the mask's edge, beside each other ("width", "height", "picture").
    """
    mask = _lps(mask)  # of a byte a voxel; larger volumes are only looked at in this order
    values = _lps_view(result)
    shown = {name: _lps_view(volume) for name, volume in maps.items()}
    scan = _lps(sitk.Cast(scan, sitk.sitkFloat32))
    marks = sitk.GetArrayViewFromImage(mask)
    inside = marks > 0
    center, box = _middle_and_box(inside)
    after_window = _window(values[inside])
    ranges = {name: _range(volume[inside]) for name, volume in shown.items()}
    planes: dict[str, Any] = {}
    before_window = None
    for plane in PLANE_NAMES:
        axis = AXES[plane]
        frame = _Frame(mask, plane, center[axis], box)
        marked = frame.cut(marks) > 0
        before = frame.cut(sitk.GetArrayViewFromImage(_resampled_slice(scan, mask, axis, center[axis])), 0)
        if before_window is None and marked.any():
            before_window = _window(before[marked])
        picture = {
            "width": frame.width,
            "height": frame.height,
            "before": frame.grey(before, before_window or (0, 1)),
            "after": frame.grey(frame.cut(values), after_window),
            "edge": frame.edge(marked),
            "maps": {name: frame.signed(frame.cut(volume), ranges[name]) for name, volume in shown.items()},
        }
        planes[plane] = picture
    row = _row(scan, mask, box, before_window or (0, 1))
    return {"planes": planes, "ranges": ranges, "row": row}


def _row(
    scan: sitk.Image, mask: sitk.Image, box: tuple[slice, slice, slice], window: tuple[float, float]
) -> dict[str, Any]:
    """Slices of the scan from below to above: what the mask has left out, the result cannot show."""
    from PIL import Image

    spacing = mask.GetSpacing()
    low, high = [[getattr(part, end) * spacing[2 - axis] for axis, part in enumerate(box)] for end in ("start", "stop")]
    sides = [high[axis] - low[axis] + 2 * _AROUND for axis in (2, 1)]
    pixel = max(sides) / _SMALL
    width, height = (max(1, round(side / pixel)) for side in sides)
    step = (high[0] - low[0]) / (SLICES + 1)
    grid = sitk.Image(width, height, SLICES, sitk.sitkUInt8)
    grid.SetDirection(mask.GetDirection())
    grid.SetSpacing((pixel, pixel, step))
    start = (low[2] - _AROUND + pixel / 2, low[1] - _AROUND + pixel / 2, low[0] + step)
    grid.SetOrigin(mask.TransformContinuousIndexToPhysicalPoint([at / by - 0.5 for at, by in zip(start, spacing)]))
    shown = sitk.GetArrayFromImage(sitk.Resample(scan, grid, sitk.Transform(), sitk.sitkLinear, 0.0, sitk.sitkFloat32))
    inside = sitk.GetArrayFromImage(sitk.Resample(mask, grid, sitk.Transform(), sitk.sitkNearestNeighbor, 0)) > 0
    grey = np.rint(255 * np.clip((shown - window[0]) / max(window[1] - window[0], 1e-12), 0, 1)).astype(np.uint8)
    color = np.repeat(grey[..., None], 3, axis=3)
    for index in range(SLICES):
        color[index][_outline(inside[index])] = _EDGE
    stream = io.BytesIO()
    Image.fromarray(np.concatenate(list(color), axis=1)).save(stream, "JPEG", quality=_QUALITY, subsampling=0)
    return {"width": SLICES * width, "height": height, "picture": _address(stream, "jpeg")}


def _outline(inside: np.ndarray) -> np.ndarray:
    """The pixels of a plane's mask that touch others."""
    inner = np.zeros_like(inside)
    inner[1:-1, 1:-1] = inside[1:-1, 1:-1] & inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:]
    return inside & ~inner


class _Frame:
    """One plane of the result, cropped to the mask with a margin and drawn with square pixels."""

    def __init__(self, image: sitk.Image, plane: str, position: int, box: tuple[slice, slice, slice]) -> None:
        self._axis, self._position = AXES[plane], position
        rows, columns = (axis for axis in range(3) if axis != self._axis)
        spacing = image.GetSpacing()[::-1]
        self._crop = (box[rows], box[columns])
        size = [(part.stop - part.start) * spacing[axis] for part, axis in zip(self._crop, (rows, columns))]
        scale = LARGEST / max(size)
        self.height, self.width = (max(1, round(length * scale)) for length in size)
        self._flip = self._axis != 0  # z grows upwards, rows grow downwards

    def cut(self, values: np.ndarray, position: Any = None) -> np.ndarray:
        """The part of one slice of a volume (z, y, x) that is shown: (rows, columns), as it lies on the page."""
        array = np.take(values, self._position if position is None else position, self._axis)
        array = array[self._crop]
        return array[::-1] if self._flip else array

    def grey(self, values: np.ndarray, window: tuple[float, float]) -> str:
        """A picture of values (rows, columns), black at the window's lower end."""
        low, high = window
        shown = np.clip((values - low) / max(high - low, 1e-12), 0, 1)
        return self._jpeg(np.rint(255 * shown).astype(np.uint8))

    def signed(self, values: np.ndarray, largest: float) -> str:
        """A picture of values (rows, columns): blue below, white at and red above zero."""
        share = np.clip(values / max(largest, 1e-12), -1, 1)[..., None]
        red, blue = np.array([178, 24, 43]), np.array([33, 102, 172])
        color = 255 + np.abs(share) * (np.where(share > 0, red, blue) - 255)
        return self._jpeg(np.rint(color).astype(np.uint8))

    def edge(self, marked: np.ndarray) -> str:
        """The outline of a mask (rows, columns), one pixel wide on the page, on a clear ground."""
        image = self._scaled(marked.astype(np.uint8) * 255)
        from PIL import Image

        picture = Image.fromarray(_outline(np.asarray(image) > 127).astype(np.uint8)).convert("P")
        picture.putpalette([0, 0, 0, *_EDGE])
        stream = io.BytesIO()
        picture.save(stream, "PNG", transparency=0, bits=1, optimize=True)
        return _address(stream, "png")

    def _scaled(self, values: np.ndarray) -> Any:
        from PIL import Image

        return Image.fromarray(np.ascontiguousarray(values)).resize((self.width, self.height), Image.Resampling.BICUBIC)

    def _jpeg(self, values: np.ndarray) -> str:
        stream = io.BytesIO()
        self._scaled(values).save(stream, "JPEG", quality=_QUALITY)
        return _address(stream, "jpeg")


def _resampled_slice(scan: sitk.Image, mask: sitk.Image, axis: int, position: int) -> sitk.Image:
    """One slice of the scan on the mask's grid, by cubic interpolation."""
    itk_axis = 2 - axis
    index, size = [0, 0, 0], list(mask.GetSize())
    index[itk_axis], size[itk_axis] = position, 1
    grid = sitk.RegionOfInterest(mask, size, index)
    # Cubic splines look at the whole volume; a few slices around the plane give the same picture in far less time.
    middle = scan.TransformPhysicalPointToContinuousIndex(grid.GetOrigin())[itk_axis]
    first = max(0, min(scan.GetSize()[itk_axis] - 1, int(middle) - _SLAB))
    start, extent = [0, 0, 0], list(scan.GetSize())
    start[itk_axis], extent[itk_axis] = first, min(2 * _SLAB + 1, scan.GetSize()[itk_axis] - first)
    slab = sitk.RegionOfInterest(scan, extent, start)
    interpolator = sitk.sitkBSpline if min(slab.GetSize()) >= 4 else sitk.sitkLinear
    return sitk.Resample(slab, grid, sitk.Transform(), interpolator, 0.0, sitk.sitkFloat32)


def _lps(image: sitk.Image) -> sitk.Image:
    # The filter copies an image that lies right already, and results are large.
    right = sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(image.GetDirection()) == "LPS"
    return image if right else sitk.DICOMOrient(image, "LPS")


def _lps_view(image: sitk.Image) -> np.ndarray:
    """The voxels in the order z, y, x of LPS, as ``DICOMOrient`` would lay them, without a copy."""
    direction = np.array(image.GetDirection()).reshape(3, 3)
    array = sitk.GetArrayViewFromImage(image)
    axes = np.abs(direction).argmax(axis=0)  # of the patient, by the image's axes
    order = [2 - int(np.flatnonzero(axes == axis)[0]) for axis in (2, 1, 0)]
    steps = tuple(slice(None, None, int(np.sign(direction[axis, 2 - own]))) for axis, own in zip((2, 1, 0), order))
    return array.transpose(order)[steps]


def _middle_and_box(inside: np.ndarray) -> tuple[tuple[int, ...], tuple[slice, slice, slice]]:
    middle, box = [], []
    for axis in range(3):
        profile = inside.any(axis=tuple(other for other in range(3) if other != axis))
        marked = np.flatnonzero(profile)
        first, last = (int(marked[0]), int(marked[-1])) if marked.size else (0, inside.shape[axis] - 1)
        margin = 2 + (last - first) // 20
        # Beside the midplane: a sagittal picture through the gap between the hemispheres shows little.
        middle.append(first + round((last - first) * (0.4 if axis == 2 else 0.5)))
        box.append(slice(max(0, first - margin), min(inside.shape[axis], last + margin + 1)))
    return tuple(middle), (box[0], box[1], box[2])


def _window(values: np.ndarray) -> tuple[float, float]:
    if not values.size:
        return 0.0, 1.0
    low, high = np.percentile(_some(values), (0.5, 99.5))
    return min(0.0, float(low)), float(high)


def _range(values: np.ndarray) -> float:
    return float(np.percentile(np.abs(_some(values)), 99)) if values.size else 1.0


def _some(values: np.ndarray) -> np.ndarray:
    """Voxels in even steps: a window for pictures needs no more than some 100,000."""
    return values[:: max(1, values.size // 100_000)]


def _address(stream: io.BytesIO, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
