"""One picture of an enhancement: the input's pixels, their interpolation and the output, whole and close up."""

import numpy as np
import SimpleITK as sitk
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy import ndimage

DETAIL_MM = 44.0  # side of the close-up
SMOOTHING_MM = 1.5  # noise is no edge
SURFACE_MM = 6.0  # the close-up keeps away from the brain's surface
PLANES = {0: "sagittal", 1: "coronal", 2: "axial"}


def draw_comparison(source, result, mask, report, path):
    """Draw the slice with most brain.

    Args:
        source: input volume; result: enhanced volume, any orientation.
        mask: brain mask on the result's grid or the input's.
        report: the enhancement's report.
        path: PNG to write.
    """
    source, result, mask = (sitk.DICOMOrient(volume, "LPS") for volume in (source, result, mask))
    axis = next((a for a in (2, 1, 0) if source.GetSize()[a] == result.GetSize()[a]), 2)
    mask = sitk.Resample(mask, result, sitk.Transform(), sitk.sitkNearestNeighbor)
    interpolated = sitk.Resample(sitk.Cast(source, sitk.sitkFloat32), result, sitk.Transform(), sitk.sitkBSpline3)
    pixels = sitk.Resample(source, result, sitk.Transform(), sitk.sitkNearestNeighbor)

    inside = _slices(mask, axis) > 0
    number = int(np.argmax(inside.sum(axis=(1, 2))))
    spacing = [step for a, step in enumerate(result.GetSpacing()) if a != axis]
    brain = inside[number]
    panels = [
        ("Input: " + _millimetres(source), _slices(pixels, axis)[number]),
        ("Cubic interpolation", _slices(interpolated, axis)[number]),
        (f"CHARMS: {_millimetres(result)}", _slices(result, axis)[number]),
    ]
    frame = _box_around(brain, 6, spacing)
    detail = _busiest_window(panels[1][1], brain, spacing)

    figure = Figure(figsize=(12, 9.2), facecolor="black")
    axes = figure.subplots(2, 3)
    for column, (title, picture) in enumerate(panels):
        low, high = np.percentile(picture[brain], (0.5, 99.9))
        for row, window in enumerate((frame, detail)):
            view = axes[row, column]
            rows, columns = window
            view.imshow(picture[rows, columns], cmap="gray", vmin=low, vmax=high, extent=_extent(window, spacing))
            view.set_axis_off()
        axes[0, column].set_title(title, color="white", fontsize=13)
        left, right, bottom, top = _extent(detail, spacing)
        corner, width, height = (left, top), right - left, bottom - top
        axes[0, column].add_patch(Rectangle(corner, width, height, fill=False, color="#ffb23e", linewidth=1.2))
    checkpoint = report["checkpoint"]["name"]
    figure.text(0.5, 0.012, f"{PLANES[axis]} slice, checkpoint {checkpoint}", color="#bbbbbb", ha="center", fontsize=10)
    figure.subplots_adjust(left=0.005, right=0.995, top=0.95, bottom=0.04, wspace=0.015, hspace=0.02)
    figure.savefig(path, dpi=100, facecolor="black")


def _slices(image, axis):
    """Voxels with the slice axis first, superior or anterior upwards in each slice."""
    array = np.moveaxis(sitk.GetArrayFromImage(image), 2 - axis, 0)
    return array if axis == 2 else array[:, ::-1]


def _millimetres(image):
    return " x ".join(f"{step:.2f}".rstrip("0").rstrip(".") for step in image.GetSpacing()) + " mm"


def _box_around(brain, margin_mm, spacing):
    """Slices (rows, columns) of the mask's box with a margin; spacing is (columns, rows) in mm."""
    window = []
    for axis, step in ((0, spacing[1]), (1, spacing[0])):
        occupied = np.flatnonzero(brain.any(axis=1 - axis))
        margin = int(margin_mm / step)
        window.append(slice(max(0, occupied[0] - margin), min(brain.shape[axis], occupied[-1] + margin + 1)))
    return tuple(window)


def _busiest_window(picture, brain, spacing):
    """Square window with most of the brain's folds, judged on the interpolated input."""
    rows, columns = (int(round(DETAIL_MM / step)) for step in (spacing[1], spacing[0]))
    calm = ndimage.gaussian_filter(picture.astype(float), sigma=(SMOOTHING_MM / spacing[1], SMOOTHING_MM / spacing[0]))
    edges = np.hypot(*np.gradient(calm))
    # Many edges count, not strong ones (else the ventricles would win), and none near the brain's surface.
    deep = ndimage.distance_transform_edt(brain, sampling=(spacing[1], spacing[0])) > SURFACE_MM
    edges = np.minimum(edges, np.percentile(edges[brain], 70)) * deep
    sums = np.pad(edges, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    totals = sums[rows:, columns:] - sums[:-rows, columns:] - sums[rows:, :-columns] + sums[:-rows, :-columns]
    top, left = np.unravel_index(np.argmax(totals), totals.shape)
    return slice(top, top + rows), slice(left, left + columns)


def _extent(window, spacing):
    """(left, right, bottom, top) of a window in mm, rows downwards."""
    rows, columns = window
    left, right = (columns.start - 0.5) * spacing[0], (columns.stop - 0.5) * spacing[0]
    return left, right, (rows.stop - 0.5) * spacing[1], (rows.start - 0.5) * spacing[1]
