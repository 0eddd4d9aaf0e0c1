"""Where other programs' readers put a volume: 4x4 matrices from voxel index to RAS millimetres."""

import itertools

import nibabel
import numpy as np
import SimpleITK as sitk

TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def sitk_affine(path):
    return TO_RAS @ image_affine(sitk.ReadImage(str(path)))


def image_affine(image):
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    matrix[:3, 3] = image.GetOrigin()
    return matrix


def nibabel_affine(path):
    return nibabel.load(path).affine


def nibabel_qform(path):
    return nibabel.load(path).header.get_qform()


def slicer_affine(path):
    import slicer
    import vtk

    scene = slicer.vtkMRMLScene()
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    storage = scene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
    storage.SetFileName(str(path))
    storage.SetCenterImage(False)
    assert storage.ReadData(node)
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return np.array([[matrix.GetElement(i, j) for j in range(4)] for i in range(4)])


def box_corners(affine, size):
    """(3, 8): the box's corners, voxel edges."""
    index = [[*corner, 1.0] for corner in itertools.product(*((-0.5, count - 0.5) for count in size))]
    return (affine @ np.array(index).T)[:3]


def box_distance(reader, source, result):
    """How far (mm) a reader puts a corner of the result from the same corner of its source."""
    sizes = [reader_size(path) for path in (source, result)]
    corners = [box_corners(reader(path), size) for path, size in zip((source, result), sizes)]
    return float(np.linalg.norm(corners[0] - corners[1], axis=0).max())


def reader_size(path):
    if str(path).endswith((".mgz", ".mgh", ".mnc", ".nii", ".nii.gz", ".hdr", ".img")):
        return nibabel.load(path).shape[:3]
    return sitk.ReadImage(str(path)).GetSize()
