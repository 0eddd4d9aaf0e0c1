#!/bin/sh
# safetensors 0.8.0: metadata of two entries or more are written in an order that changes from one call to the next,
# so the same tensors and the same metadata give files of several SHA-256; one entry, and the tensors' own order, are
# stable. Whoever pins files by their hash must write one entry. Exits non-zero if that changes.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "safetensors==0.8.0" "numpy==2.2.6"
"$folder/venv/bin/python" - <<'END'
import numpy as np
from safetensors.numpy import save

tensors = {name: np.arange(4.0) for name in "abcd"}
one, two = ({save(tensors, metadata) for _ in range(64)} for metadata in ({"k": "v"}, {"k": "v", "l": "w"}))
print("different files out of 64: one entry", len(one), ", two entries", len(two))
assert len(one) == 1 and len(two) == 2
END
