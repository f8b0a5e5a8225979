#!/usr/bin/env bash
# safetensors 0.8.0 from PyPI (numpy and torch writers alike).
#
# The same tensors with the same metadata are written to different bytes each time, within one process too: the entries
# of `__metadata__` are serialised in the order of a randomly seeded hash map. One metadata entry, or none, is stable,
# and so is the order of the tensors. The files mean the same, but a sha256 of a file does not identify its content: a
# training repeated to the bit gives another hash, equal files are not found equal, a reproducible build is not.
# To compare or to name such files, hash tensors and sorted metadata, or keep all metadata in one JSON entry.
#
# Seen: 11 and more different files of 20 with four entries (it varies); 1 of 20 with one entry; 1 of 20 with none.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-deps safetensors==0.8.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import hashlib

import numpy as np
from safetensors.numpy import save

tensors = {"weight": np.arange(4, dtype=np.float32), "bias": np.zeros(2, np.float32)}


def distinct(metadata):
    return len({hashlib.sha256(save(tensors, metadata)).hexdigest() for _ in range(20)})


many, one, none = distinct({"format": "1", "config": "{}", "info": "{}", "name": "x"}), distinct({"info": "{}"}), distinct(None)
print(f"distinct files of 20: four entries {many}, one entry {one}, no metadata {none}")
assert many > 1 and one == none == 1
PYTHON
