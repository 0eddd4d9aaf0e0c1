"""Draws the documentation's picture of a thick-sliced scan along its three axes: as it is, slice by slice, and "three".

python -m CHARMSSRLab.documents.stack_picture VOLUMES/openMS_long_04_FLAIR.nii.gz Resources/thick-slices.png --keep DIR

With --keep the enhanced volumes are kept in DIR, and a second run draws from them.
"""

import argparse
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from CHARMSSRLib import EnhancementSettings, enhance
from CHARMSSRLib.files.volumes import read_volume
from CHARMSSRLib.preprocessing.pipeline import preprocess
from CHARMSSRLib.settings import DEFAULT_CHECKPOINT

from ..plots import new_figure, save_figure

WAYS = {"cubic interpolation": None, "slice by slice": "acquisition", "three": "three"}
STEP = 0.4  # mm of the picture's pixels
CLOSE_UP = 60.0  # mm


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scan", type=Path)
    parser.add_argument("picture", type=Path, help="PNG to write")
    parser.add_argument("--checkpoint", default=DEFAULT_CHECKPOINT, help="default: %(default)s")
    parser.add_argument("--extent", type=float, default=100.0, metavar="MM", help="edge of the cube in the middle of"
                        " the brain that is enhanced (default: %(default)s)")  # fmt: skip
    parser.add_argument("--keep", type=Path, help="folder for the enhanced volumes")
    arguments = parser.parse_args()
    scan = sitk.DICOMOrient(sitk.Cast(read_volume(arguments.scan), sitk.sitkFloat32), "LPS")
    done = preprocess(scan)
    part, mask = central_cube(done.image, sitk.Cast(done.mask != 0, sitk.sitkUInt8), arguments.extent)
    volumes = {way: part if planes is None else enhanced(part, mask, planes, arguments) for way, planes in WAYS.items()}
    draw(volumes, mask, arguments.picture)


def central_cube(image, mask, extent):
    """Image and mask, cut to a cube of ``extent`` mm around the middle of the mask."""
    bounds = sitk.LabelShapeStatisticsImageFilter()
    bounds.Execute(mask)
    start, size = np.reshape(bounds.GetBoundingBox(1), (2, 3))
    wanted = np.minimum(size, np.round(extent / np.array(image.GetSpacing()))).astype(int)
    first = start + (size - wanted) // 2
    return [sitk.RegionOfInterest(one, wanted.tolist(), first.tolist()) for one in (image, mask)]


def enhanced(scan, mask, planes, arguments):
    """The image of ``enhance``, from the kept file where there is one."""
    name = None
    if arguments.keep is not None:
        name = arguments.keep / f"{arguments.scan.name.split('.')[0]}-{planes}.nii.gz"
        if name.is_file():
            return sitk.ReadImage(str(name))
    settings = EnhancementSettings(checkpoint=arguments.checkpoint, planes=planes, bias_correction=False)
    result = enhance(scan, settings, mask)
    said = {key: result.report[key] for key in ("output", "stages", "banding", "data_consistency")}
    print(planes, said, flush=True)
    if name is not None:
        sitk.WriteImage(result.image, str(name), True)
    return result.image


def draw(volumes, mask, picture):
    """A column per volume: coronal, sagittal, and a close-up of the sagittal section."""
    bounds = sitk.LabelShapeStatisticsImageFilter()
    bounds.Execute(mask)
    x, y, z, *size = bounds.GetBoundingBox(1)
    low = np.array(mask.TransformIndexToPhysicalPoint((x, y, z)))
    axes = np.array(mask.GetDirection()).reshape(3, 3)
    extent = np.array(size) * np.array(mask.GetSpacing())
    values = {way: on_display_grid(image, low, axes, extent) for way, image in volumes.items()}
    shape = next(iter(values.values())).shape
    middle = (shape[0] // 2, int(shape[1] * 0.52), int(shape[2] * 0.40))
    half = int(CLOSE_UP / STEP / 2)
    near = tuple(slice(max(0, m - half), m + half) for m in (int(shape[0] * 0.60), int(shape[1] * 0.55)))
    first = next(iter(values.values()))
    brightest = np.percentile(first[first > 0], 99.5)
    figure = new_figure(3.0 * len(values), 7.6)
    for column, (way, one) in zip(figure.subplots(3, len(values), squeeze=False).T, values.items()):
        for panel, section in zip(column, (one[:, middle[1]], one[:, :, middle[2]], one[(*near, middle[2])])):
            panel.imshow(section, cmap="gray", vmin=0, vmax=brightest, origin="lower", interpolation="nearest")
            panel.set_xticks([])
            panel.set_yticks([])
        column[0].set_title(way, fontsize=9)
    for name, panel in zip(("coronal", "sagittal", "close-up"), figure.axes[:: len(values)]):
        panel.set_ylabel(name, fontsize=9)
    save_figure(figure, picture)


def on_display_grid(image, low, axes, extent):
    """The volume (z, y, x) in isotropic pixels along the image's own axes: cubic, as a viewer shows it."""
    size = [int(length / STEP) for length in extent]
    grid = sitk.Image(size, sitk.sitkFloat32)
    grid.SetSpacing((STEP,) * 3)
    grid.SetOrigin([float(one) for one in low])
    grid.SetDirection(axes.ravel().tolist())
    return sitk.GetArrayFromImage(sitk.Resample(image, grid, sitk.Transform(), sitk.sitkBSpline3))


if __name__ == "__main__":
    main()
