"""Grids of volume nodes as the worker wants them: spacing, origin and direction in LPS.

Slicer keeps IJK -> RAS; the worker follows ITK: LPS, arrays (k, j, i), direction row by row.
"""

import numpy as np
import slicer
import vtk

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
ORTHONORMAL_TOLERANCE = 1e-3


def ijkToRasOfNode(volumeNode):
    """4x4 IJK -> RAS of a volume node, without its parent transform."""
    matrix = vtk.vtkMatrix4x4()
    volumeNode.GetIJKToRASMatrix(matrix)
    return arrayFromMatrix(matrix)


def worldFromLocalOfNode(node):
    """4x4: a node's own coordinates -> world, by its (linear) parent transforms."""
    matrix = vtk.vtkMatrix4x4()
    slicer.vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(node.GetParentTransformNode(), None, matrix)
    return arrayFromMatrix(matrix)


def ijkToWorldOfNode(volumeNode):
    """4x4 IJK -> world RAS of a volume node, parent transforms included; the node stays as it is."""
    return worldFromLocalOfNode(volumeNode) @ ijkToRasOfNode(volumeNode)


def gridFromIjkToRas(ijkToRas):
    """{"spacing", "origin", "direction"} in LPS of a 4x4 IJK -> RAS array."""
    ijkToLps = RAS_TO_LPS @ ijkToRas
    spacing = np.linalg.norm(ijkToLps[:3, :3], axis=0)
    direction = ijkToLps[:3, :3] / spacing
    return {
        "spacing": spacing.tolist(),
        "origin": ijkToLps[:3, 3].tolist(),
        "direction": direction.ravel().tolist(),
    }


def ijkToRasFromGrid(grid):
    """4x4 IJK -> RAS array of a grid as in gridFromIjkToRas."""
    ijkToLps = np.eye(4)
    ijkToLps[:3, :3] = np.reshape(grid["direction"], (3, 3)) * np.asarray(grid["spacing"], dtype=float)
    ijkToLps[:3, 3] = grid["origin"]
    return RAS_TO_LPS @ ijkToLps


def isSheared(ijkToRas):
    """True if the axes are not at right angles (to 1e-3) or have no length."""
    axes = ijkToRas[:3, :3]
    lengths = np.linalg.norm(axes, axis=0)
    if not np.all(np.isfinite(axes)) or np.any(lengths <= 0):
        return True
    directions = axes / lengths
    return bool(np.max(np.abs(directions.T @ directions - np.eye(3))) > ORTHONORMAL_TOLERANCE)


def sliceAxis(ijkToRas):
    """Array axis (0 = i, 1 = j, 2 = k) across the acquired slices.

    It is the one that the library calls coarse by its spacing, else the one nearest to superior.
    """
    from CHARMSSRLib.grids.slices import coarse_axis

    coarsest = coarse_axis(voxelSize(ijkToRas))
    return axisNearest(ijkToRas, 2) if coarsest is None else coarsest


def axisNearest(ijkToRas, rasAxis):
    """Array axis nearest to a patient axis (0 = left-right, 1 = front-back, 2 = down-up)."""
    directions = ijkToRas[:3, :3] / np.linalg.norm(ijkToRas[:3, :3], axis=0)
    return int(np.argmax(np.abs(directions[rasAxis])))


def acrossSlices(ijkToRas, planes):
    """Array axis across the slices that ``planes`` (the library's word) names."""
    names = ("sagittal", "coronal", "axial")
    return axisNearest(ijkToRas, names.index(planes)) if planes in names else sliceAxis(ijkToRas)


def enhancedSpacing(ijkToRas, planes, scale, size=None, measuredSize=None):
    """Voxel size of the result for slices as in the settings, by the rules of the library.

    Args:
        size: voxels along i, j, k; needed with ``measuredSize``.
        measuredSize: voxels of the grid that was measured; None where it is the stated one.
    """
    from CHARMSSRLib.grids.slices import enlargement

    spacing = np.array(voxelSize(ijkToRas))
    across = acrossSlices(ijkToRas, planes)
    if measuredSize is not None:
        coarse = spacing * size / measuredSize
        if planes == "three":
            across = sliceAxis(ijkToRas * np.array([*(coarse / spacing), 1]))
    else:
        coarse = spacing
    stacked = [across] + [axis for axis in range(3) if axis != across]
    factors = enlargement([coarse[axis] for axis in stacked], scale, planes)
    fine = np.array([coarse[axis] / factors[stacked.index(axis)] for axis in range(3)])
    return np.minimum(fine, spacing).tolist()  # never coarser than the scan came


def isIsotropic(ijkToRas):
    """True if the voxels are about cubes, so that all three directions count alike."""
    from CHARMSSRLib.grids.slices import is_isotropic

    return bool(is_isotropic(voxelSize(ijkToRas)))


def voxelSize(ijkToRas):
    """Spacing (mm) along i, j and k."""
    return np.linalg.norm(ijkToRas[:3, :3], axis=0).tolist()


def matrixFromArray(array):
    """4x4 array -> vtkMatrix4x4."""
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(np.asarray(array, dtype=float).ravel().tolist())
    return matrix


def arrayFromMatrix(matrix):
    """vtkMatrix4x4 -> 4x4 array."""
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])
