"""Where voxels are, for the tests."""


def geometry():
    from CHARMSSRModule.scene import geometry

    return geometry


def place(node, ijk):
    """World position of a voxel, parent transform included."""
    import slicer
    import vtk

    world = vtk.vtkMatrix4x4()
    slicer.vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(node.GetParentTransformNode(), None, world)
    return (geometry().arrayFromMatrix(world) @ geometry().ijkToRasOfNode(node) @ [*ijk, 1])[:3]
