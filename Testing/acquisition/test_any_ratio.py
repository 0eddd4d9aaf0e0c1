"""Measured grids at ratios that are no whole numbers, of any sizes: edges, consistency, maps, banding, DICOM."""

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from CHARMSSRLab.whole_volume.made_scans import acquired, interpolated
from CHARMSSRLib import EnhancementSettings, enhance, enhance_dicom
from CHARMSSRLib.acquisition.findings import ZERO_FILLED
from Testing.dicom.hospital import AXIAL, PIXEL, affine, read_back, write_series
from Testing.phantom import phantom_head_and_brain
from Testing.small_checkpoint import small_checkpoint


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return small_checkpoint(tmp_path_factory.mktemp("checkpoints"))


@pytest.fixture(scope="module")
def scan():
    """(a scan of odd size that is zero-filled 1.3 times in plane, its brain, its voxels)."""
    head, brain = phantom_head_and_brain(size=(63, 71, 40), spacing=(3.2, 3.1, 4.0))
    values, inside = (sitk.GetArrayFromImage(one)[10:27] for one in (head, brain))
    made, _ = interpolated(acquired(values, (1, 1, 1), 0.02, 1), ZERO_FILLED, (1, 1.3, 1.3))
    place = [np.minimum((np.arange(new) * old) // new, old - 1) for new, old in zip(made.shape, inside.shape)]
    images = [sitk.GetImageFromArray(one) for one in (made, inside[np.ix_(*place)].astype(np.uint8))]
    for one in images:
        one.SetSpacing((3.2 * 63 / made.shape[2], 3.1 * 71 / made.shape[1], 4.0))
        one.SetOrigin((-60.0, 31.0, 5.5))
        one.SetDirection(sitk.Euler3DTransform((0, 0, 0), 0.1, -0.2, 0.15).GetMatrix())
    return (*images, made)


def bounds(image):
    last = [size - 0.5 for size in image.GetSize()]
    return [image.TransformContinuousIndexToPhysicalPoint(corner) for corner in ([-0.5] * 3, last)]


@pytest.mark.parametrize(("factors", "sizes"), [("1.3", (64, 71, 17)), ("1.17x1.41x1", (71, 66, 17))])
def test_edges_consistency_maps_and_banding_are_those_of_the_measured_grid(scan, checkpoint, factors, sizes):
    image, brain, made = scan
    assert made.shape == (17, 92, 82)
    settings = EnhancementSettings(
        checkpoint=checkpoint, device="cpu", engine="torch", bias_correction=False, resolution=factors, maps=True,
        data_consistency="project",
    )  # fmt: skip
    result = enhance(image, settings, mask=brain)
    report = result.report
    assert tuple(report["resolution"]["measured_size"]) == sizes
    assert report["data_consistency"]["after"] < 6e-4 < report["data_consistency"]["before"]
    assert 0 < report["banding"]["output"] <= 1.05 * report["banding"]["input"] + 1e-4
    assert {"detail", "removed"} <= set(result.maps)
    for one in (result.image, result.mask, *result.maps.values()):
        assert one.GetSize() == (2 * sizes[0], 2 * sizes[1], 17)
        assert np.allclose(bounds(one), bounds(image), atol=1e-6)


def test_a_series_that_is_enhanced_from_measured_pixels_keeps_its_edges(scan, checkpoint, tmp_path):
    write_series(tmp_path / "in", np.clip(scan[2] / 4, 0, 4000).astype(np.uint16), orientation=AXIAL)
    settings = EnhancementSettings(
        checkpoint=checkpoint, device="cpu", engine="torch", bias_correction=False, skull_strip="none", keep_skull=True,
        resolution="1.3",
    )  # fmt: skip
    report = enhance_dicom(tmp_path / "in", tmp_path / "out", settings).report
    assert report["resolution"]["measured_size"] == [64, 71, 17]
    images = sorted(read_back(tmp_path / "out"), key=lambda one: float(one.SliceLocation))
    assert "The pixels are interpolated: 0.90 x 0.80 mm stated, " in images[0].DerivationDescription
    assert len(images) == 17 and all(isinstance(one, pydicom.Dataset) for one in images)
    assert (images[0].Rows, images[0].Columns) == (142, 128)
    rows, columns = (float(step) for step in images[0].PixelSpacing)
    assert rows * 142 == pytest.approx(PIXEL[0] * 92) and columns * 128 == pytest.approx(PIXEL[1] * 82)
    # The outer edge of the first pixel lies where it lay.
    corner = affine() @ (-0.5, -0.5, 0, 1)
    first = np.array([float(one) for one in images[0].ImagePositionPatient])
    assert first - (columns / 2, rows / 2, 0) == pytest.approx(corner[:3], abs=1e-4)
