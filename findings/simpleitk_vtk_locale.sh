#!/usr/bin/env bash
# Reading a legacy VTK file with SimpleITK leaves the whole process in the locale "C": from then on Python's
# own open(path), without an encoding, takes text for ASCII and fails on any other letter, far from the cause.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "SimpleITK==2.5.7"
cd "$folder"
LC_ALL=C.UTF-8 "$folder/venv/bin/python" - <<'PYTHON'
import locale

import SimpleITK as sitk

locale.setlocale(locale.LC_ALL, "C.UTF-8")
image = sitk.Image(8, 8, 8, sitk.sitkInt16)
for ending in ("nii.gz", "nrrd", "mha", "vtk"):
    before = locale.setlocale(locale.LC_CTYPE)
    sitk.WriteImage(image, f"a.{ending}")
    written = locale.setlocale(locale.LC_CTYPE)
    locale.setlocale(locale.LC_ALL, "C.UTF-8")
    sitk.ReadImage(f"a.{ending}")
    read = locale.setlocale(locale.LC_CTYPE)
    locale.setlocale(locale.LC_ALL, "C.UTF-8")
    print(f"SimpleITK {sitk.Version.VersionString()} .{ending}: {before} -> written {written}, read {read}")
    assert (written, read) == ("C.UTF-8", "C" if ending == "vtk" else "C.UTF-8")
PYTHON
