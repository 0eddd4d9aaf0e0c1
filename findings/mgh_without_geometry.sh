#!/bin/sh
# An MGH volume whose RAS flag is 0 (it states no geometry): nibabel 5.4.2 and FreeSurfer's own Python
# library, surfa 0.6.3, fill in different axes. Both take the first axis to point to the left; nibabel's
# second axis points up and its third to the back, surfa's (and FreeSurfer's description of the format:
# x_r = -1, y_s = -1, z_a = 1) down and to the front. The same file so lies turned by 180 degrees about
# the left-right axis: upside down and back to front.
# Seen: nibabel [[-1,0,0,6],[0,0,-1,4],[0,1,0,-5]], surfa [[-1,0,0,6],[0,0,1,-4],[0,-1,0,5]].
# Exits non-zero if that changes.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "nibabel==5.4.2" "surfa==0.6.3" "numpy==2.2.6"
"$folder/venv/bin/python" -W ignore - "$folder" <<'END'
import struct
import sys

import nibabel
import numpy as np
import surfa

path = f"{sys.argv[1]}/volume.mgh"
size = (12, 10, 8)
header = struct.pack(">7ih", 1, *size, 1, 4, 0, 0).ljust(284, b"\0")
with open(path, "wb") as stream:
    stream.write(header + bytes(2 * int(np.prod(size))))
theirs, freesurfers = nibabel.load(path).affine, np.asarray(surfa.load_volume(path).geom.vox2world.matrix)
print("nibabel:", theirs[:3].tolist())
print("surfa:  ", freesurfers[:3].tolist())
assert np.allclose(theirs[:3], [[-1, 0, 0, 6], [0, 0, -1, 4], [0, 1, 0, -5]])
assert np.allclose(freesurfers[:3], [[-1, 0, 0, 6], [0, 0, 1, -4], [0, -1, 0, 5]])
END
