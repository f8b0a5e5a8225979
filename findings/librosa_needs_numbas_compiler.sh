#!/usr/bin/env bash
# librosa 0.11.0 with numba 0.68.1, from PyPI.
#
# numba documents NUMBA_DISABLE_JIT=1 as the switch with which compiled functions run as plain Python: to debug them, to
# measure coverage, or to spare a short program the compilation. One would guess that librosa is slower with it and else
# the same. It cannot be used at all: `guvectorize` compiles whatever the switch says, and finds that the functions and
# stencils that it calls are not. `import librosa` and librosa.filters are fine, since librosa loads its parts when they
# are used; the first `librosa.stft`, `load` or `feature.*` raises AttributeError. What is left is to compile for some
# twenty seconds in each fresh environment.
#
# Seen: without the switch (201, 51); with it the mel filters, then AttributeError from numba.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet librosa==0.11.0 numba==0.68.1 numpy==2.4.6
cd "$folder"
cat > transform.py <<'PYTHON'
import numpy as np
from librosa.filters import mel

print("mel", mel(sr=16000, n_fft=400, n_mels=40).shape)

import librosa

try:
    print("stft", librosa.stft(np.zeros(16000, np.float32), n_fft=400, hop_length=320).shape)
except AttributeError as error:
    print("stft", type(error).__name__, "get_call_template" in str(error))
PYTHON
plain=$("$folder/venv/bin/python" transform.py)
interpreted=$(NUMBA_DISABLE_JIT=1 NUMBA_CACHE_DIR="$folder/cache" "$folder/venv/bin/python" transform.py)
printf '%s\n' "compiled:" "$plain" "NUMBA_DISABLE_JIT=1:" "$interpreted"
[ "$plain" = $'mel (40, 201)\nstft (201, 51)' ]
[ "$interpreted" = $'mel (40, 201)\nstft AttributeError True' ]
