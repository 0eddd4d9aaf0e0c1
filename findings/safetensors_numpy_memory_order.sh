#!/bin/sh
# safetensors 0.8.0, numpy interface: save writes an array's memory as it lies. One in Fortran order, or a
# transposed view, is read back with its values in other places, of the right shape, without a word; the
# torch interface refuses such a tensor with an error. (States of networks in channels_last are such arrays:
# weights that went through .numpy() come back scrambled.) Exits non-zero if that changes.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "safetensors==0.8.0" "numpy==2.2.6"
"$folder/venv/bin/python" - <<'END'
import numpy as np
from safetensors.numpy import load, save

plain = np.arange(6.0).reshape(2, 3)
for name, array in {"C order": plain, "Fortran order": np.asfortranarray(plain), "view": plain.T}.items():
    back = load(save({"x": array}))["x"]
    print(name, array.tolist(), "->", back.tolist())
    assert back.shape == array.shape
    assert np.array_equal(back, array) == (name == "C order")
    assert np.array_equal(load(save({"x": np.ascontiguousarray(array)}))["x"], array)
END
