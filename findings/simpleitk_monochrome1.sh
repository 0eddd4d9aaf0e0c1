#!/usr/bin/env bash
# SimpleITK turns the values of MONOCHROME1 images over (2^BitsStored - 1 - value if unsigned, before the rescale factors),
# while the header that it gives still says MONOCHROME1 and a window of the values as they were stored: whoever
# follows the header turns them over twice, or shows a wrong window. Signed ones become -1 - value
# where all 16 bits are used, and are not read at all where 12 are.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "SimpleITK==2.5.7" "pydicom==3.0.2" "numpy<3"
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileMetaDataset


def write(kind, signed, bits):
    one = Dataset()
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    one.SOPClassUID, one.SOPInstanceUID, one.Modality = "1.2.840.10008.5.1.4.1.1.4", "1.2.3.4", "MR"
    one.Rows = one.Columns = 4
    one.SamplesPerPixel, one.PhotometricInterpretation = 1, kind
    one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 16, bits, bits - 1, int(signed)
    one.WindowCenter, one.WindowWidth = 8, 16
    one.PixelData = np.arange(16, dtype=np.uint16).tobytes()
    one["PixelData"].VR = "OW"
    one.save_as("a.dcm", enforce_file_format=True)


def read():
    reader = sitk.ImageFileReader()
    reader.SetFileName("a.dcm")
    try:
        values = sitk.GetArrayFromImage(reader.Execute()).ravel()
    except RuntimeError as error:
        return f"not read ({str(error).splitlines()[-1].strip()})", ""
    return values[:3].tolist(), f"{reader.GetMetaData('0028|0004').strip()}, window at {reader.GetMetaData('0028|1050')}"


for kind in ("MONOCHROME2", "MONOCHROME1"):
    for signed in (False, True):
        for bits in (12, 16):
            write(kind, signed, bits)
            stored = pydicom.dcmread("a.dcm").pixel_array.ravel()[:3].tolist()
            values, said = read()
            print(f"{kind} {'signed' if signed else 'unsigned'} {bits} bits: stored {stored}, SimpleITK {values} {said}")
            if kind == "MONOCHROME2":
                assert values == stored
            elif signed and bits == 12:
                assert "not read" in str(values)
            else:
                highest = -1 if signed else 2**bits - 1
                assert values == [highest - one for one in stored] and said.startswith("MONOCHROME1")
PYTHON
