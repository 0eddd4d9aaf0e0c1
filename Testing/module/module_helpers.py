"""Folders, stand-ins on disk, and where voxels are, for the tests."""

import json
import stat
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
MODULE_FOLDER = REPOSITORY / "CHARMSSR"
OUTPUT_FOLDER = REPOSITORY / "Testing" / "output"


def writeProgram(path, command):
    """An executable that runs a shell command."""
    path.write_text(f"#!/bin/sh\n{command}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def writeCheckpoint(folder, name, title, **fields):
    """A checkpoint whose weights are no weights: enough for the lists and for a fake worker."""
    card = {
        "format": 1, "name": name, "title": title, "task": "super-resolution", "architecture": {}, "scale": 2,
        "intensity": {"kind": "minmax"}, "margin": 16, "data_consistency_operator": "bicubic", "sha256": "00", **fields,
    }  # fmt: skip
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(card), encoding="utf-8")
    (folder / f"{name}.safetensors").write_bytes(b"")


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
