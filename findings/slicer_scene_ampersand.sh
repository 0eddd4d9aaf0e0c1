#!/bin/sh
# 3D Slicer's MRML (slicer-core 5.13.31053.0): a volume named "T1 & T2" is saved into a scene bundle without a
# complaint (SaveSceneToSlicerDataBundleDirectory, what .mrb files are made by, returns True), and the scene cannot
# be read again: fileName="Data/T1%20&%20T2.nrrd" stands in the .mrml with a bare "&", which is no XML. Import
# answers 0 and leaves the scene empty. The node's own name is written as "T1 &amp; T2"; "T1 and T2" comes back.
# Exits non-zero if that changes.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "slicer-core==5.13.31053.0" "numpy==2.2.6"
"$folder/venv/bin/python" - "$folder" 2>/dev/null <<'END'
import pathlib
import sys

import vtk
from slicer_core.MRMLCore import vtkMRMLScalarVolumeNode, vtkMRMLScene

read = {}
for name in ("T1 and T2", "T1 & T2"):
    folder = pathlib.Path(sys.argv[1]) / name
    folder.mkdir()
    image = vtk.vtkImageData()
    image.SetDimensions(2, 2, 2)
    image.AllocateScalars(vtk.VTK_SHORT, 1)
    node = vtkMRMLScalarVolumeNode()
    node.SetName(name)
    node.SetAndObserveImageData(image)
    scene = vtkMRMLScene()
    scene.AddNode(node)
    node.AddDefaultStorageNode()
    assert scene.SaveSceneToSlicerDataBundleDirectory(str(folder), None)
    path = next(folder.glob("*.mrml"))
    again = vtkMRMLScene()
    again.SetURL(str(path))
    read[name] = (again.Import(), again.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode"))
    bare = 'fileName="Data/T1%20&%20T2.nrrd"' in path.read_text(encoding="utf-8")
    print(f"{name!r}: read {read[name]}, bare ampersand {bare}")
    assert bare == ("&" in name)
assert read == {"T1 and T2": (1, 1), "T1 & T2": (0, 0)}
END
