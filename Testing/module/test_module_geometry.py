"""Slicer's IJK -> RAS and the worker's LPS grids are the same places."""

import numpy as np
import pytest
import SimpleITK as sitk
import vtk
from CHARMSSRModule.scene import geometry


def oblique(spacing=(0.9, 1.1, 3.0), flip=(1, 1, 1), order=(0, 1, 2)):
    """IJK -> RAS with turned axes."""
    a, b = 0.3, -0.2
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    tilt = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    matrix = np.eye(4)
    matrix[:3, :3] = ((turn @ tilt) * np.array(flip))[:, order] * np.array(spacing)[list(order)]
    matrix[:3, 3] = (12.5, -71.25, 33.125)
    return matrix


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 0, 2)])
@pytest.mark.parametrize("flip", [(1, 1, 1), (-1, -1, 1), (1, -1, -1), (-1, 1, 1)])
def test_a_grid_comes_back_as_it_was(order, flip):
    matrix = oblique(flip=flip, order=order)
    back = geometry.ijkToRasFromGrid(geometry.gridFromIjkToRas(matrix))
    np.testing.assert_allclose(back, matrix, rtol=0, atol=1e-12)


def test_itk_finds_each_voxel_where_slicer_does():
    matrix = oblique()
    grid = geometry.gridFromIjkToRas(matrix)
    image = sitk.Image(5, 6, 7, sitk.sitkUInt8)
    image.SetSpacing(grid["spacing"])
    image.SetOrigin(grid["origin"])
    image.SetDirection(grid["direction"])
    for ijk in ((0, 0, 0), (4, 0, 0), (0, 5, 0), (1, 2, 6)):
        x, y, z = image.TransformIndexToPhysicalPoint(ijk)
        np.testing.assert_allclose((-x, -y, z), (matrix @ [*ijk, 1])[:3], atol=1e-9)


def test_a_matrix_keeps_its_values():
    matrix = geometry.matrixFromArray(oblique())
    assert isinstance(matrix, vtk.vtkMatrix4x4)
    np.testing.assert_array_equal(geometry.arrayFromMatrix(matrix), oblique())


def test_sheared_axes_are_noticed_and_rounding_is_not():
    sheared = oblique()
    sheared[:3, 0] += 0.01 * sheared[:3, 1]
    assert geometry.isSheared(sheared)
    rounded = oblique()
    rounded[:3, :3] = np.round(rounded[:3, :3], 5)
    assert not geometry.isSheared(rounded)


@pytest.mark.parametrize("broken", [0.0, np.nan])
def test_axes_without_length_count_as_sheared(broken):
    matrix = oblique()
    matrix[:3, 1] = broken
    assert geometry.isSheared(matrix)


@pytest.mark.parametrize(
    ("spacing", "order", "axis"),
    [((1, 1, 3), (0, 1, 2), 2), ((3, 1, 1), (0, 1, 2), 0), ((1, 1, 1), (0, 1, 2), 2), ((1, 1, 1.04), (2, 0, 1), 0)],
)
def test_the_slice_axis_is_the_coarsest_or_else_the_one_towards_the_head(spacing, order, axis):
    assert geometry.sliceAxis(oblique(spacing, order=order)) == axis


@pytest.mark.parametrize(
    ("planes", "expected"),
    [
        ("acquisition", [0.5, 0.5, 1.2]),
        ("sagittal", [1.0, 0.5, 0.6]),
        ("coronal", [0.5, 1.0, 0.6]),
        ("axial", [0.5, 0.5, 1.2]),
        ("three", [0.5, 0.5, 0.6]),
    ],
)
def test_the_announced_voxel_size_follows_the_planes(planes, expected):
    assert geometry.enhancedSpacing(oblique((1.0, 1.0, 1.2)), planes, 2) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("spacing", "scale", "expected"),
    [
        ((1.0, 1.0, 1.3), 2, [0.5, 0.5, 0.65]),
        ((1.0, 1.0, 4.0), 2, [0.5, 0.5, 0.5]),
        ((0.9, 0.9, 5.0), 2, [0.45, 0.45, 0.625]),
        ((5.0, 0.9, 0.9), 4, [0.625, 0.225, 0.225]),
        ((0.5, 0.5, 9.0), 2, [0.25, 0.25, 1.125]),
    ],
)
def test_three_directions_bring_thick_slices_towards_cubes_by_powers_of_two(spacing, scale, expected):
    assert geometry.enhancedSpacing(oblique(spacing), "three", scale) == pytest.approx(expected)


@pytest.mark.parametrize("planes", ["acquisition", "axial", "coronal", "sagittal", "three"])
@pytest.mark.parametrize("spacing", [(1.0, 1.1, 1.2), (0.9, 0.9, 5.0), (4.0, 1.0, 1.0)])
def test_the_announced_voxel_size_is_that_of_the_library(planes, spacing):
    from CHARMSSRLib.enhancement.volume import chosen_axis, stacked_axes
    from CHARMSSRLib.grids.orientation import LPSFrame
    from CHARMSSRLib.grids.slices import enlargement

    image = sitk.Image(5, 6, 7, sitk.sitkFloat32)
    grid = geometry.gridFromIjkToRas(oblique(spacing, order=(2, 0, 1)))
    image.SetSpacing(grid["spacing"])
    image.SetDirection(grid["direction"])
    frame = LPSFrame(image)
    lps = frame.enter(image)
    axis = chosen_axis(lps, planes)
    before = stacked_axes(lps.GetSpacing()[::-1], axis)
    after = [step / factor for step, factor in zip(before, enlargement(before, 2, planes))]
    announced = geometry.enhancedSpacing(oblique(spacing, order=(2, 0, 1)), planes, 2)
    assert sorted(announced) == pytest.approx(sorted(after))
