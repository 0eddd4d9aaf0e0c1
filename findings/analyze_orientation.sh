#!/bin/sh
# An Analyze 7.5 volume (orientation 0, "transverse unflipped"), written by nibabel: SimpleITK 2.5.7 reads
# it with its axes along left, BACK, up from an origin of 0; nibabel 5.4.2 (as SPM) along left, FRONT, up,
# centred. The two differ by a mirror image front to back, so registering or overlaying the one's reading
# on the other's exchanges front and back, and no turn can mend it. The same voxels in NIfTI agree in both.
# Exits non-zero if that changes.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "nibabel==5.4.2" "SimpleITK==2.5.7" "numpy==2.2.6"
"$folder/venv/bin/python" - "$folder" 2>/dev/null <<'END'
import sys

import nibabel
import numpy as np
import SimpleITK as sitk

affine = np.diag([-1.0, 2.0, 3.0, 1.0])
voxels = np.arange(120, dtype=np.int16).reshape(6, 5, 4)
handed = {}
for kind, name in ((nibabel.AnalyzeImage, "a.img"), (nibabel.Nifti1Image, "b.nii")):
    path = f"{sys.argv[1]}/{name}"
    nibabel.save(kind(voxels, affine), path)
    image = sitk.ReadImage(path.replace(".img", ".hdr"))
    axes = np.diag([-1.0, -1.0, 1.0]) @ np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    theirs = nibabel.load(path).affine[:3, :3]
    print(name, "SimpleITK:", axes.tolist(), "nibabel:", theirs.tolist())
    handed[name] = np.sign(np.linalg.det(axes)) == np.sign(np.linalg.det(theirs))
    if name == "a.img":
        assert np.allclose(axes, np.diag([-1.0, -2.0, 3.0])) and np.allclose(theirs, np.diag([-1.0, 2.0, 3.0]))
assert handed == {"a.img": False, "b.nii": True}
END
