#!/usr/bin/env bash
# soundfile 0.14.0 from PyPI (libsndfile 1.2.2).
#
# The same samples written twice as a float WAV or AIFF are not the same bytes: libsndfile adds a PEAK chunk, and in it
# stands the second of writing. So a folder that is named by its files' hash keeps each stem twice, a cache by hash never
# meets, and "nothing changed" is never true. PCM of any width, FLAC, MP3 and the other homes of floats (W64, RF64, CAF,
# AU) are the same each time. An expert expects that of Ogg, whose streams get a random serial, and not of plain WAV.
# Write W64, CAF or 24 bits where bytes are to be compared.
#
# Seen, written 1.1 s apart: WAV FLOAT and DOUBLE and AIFF FLOAT differ, in the four bytes of PEAK's time alone;
# WAV PCM_24, W64, RF64, CAF and AU in floats, FLAC and MP3 are equal.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet soundfile==0.14.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import io
import time

import numpy as np
import soundfile

sound = np.random.default_rng(0).standard_normal(4800).astype(np.float32) * 0.1
FORMATS = [("WAV", "FLOAT"), ("WAV", "DOUBLE"), ("AIFF", "FLOAT"), ("WAV", "PCM_24"), ("W64", "FLOAT"), ("RF64", "FLOAT")]
FORMATS += [("CAF", "FLOAT"), ("AU", "FLOAT"), ("FLAC", "PCM_16"), ("MP3", "MPEG_LAYER_III")]


def written(container: str, subtype: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, sound, 48000, format=container, subtype=subtype)
    return file.getvalue()


first = {pair: written(*pair) for pair in FORMATS}
time.sleep(1.1)
second = {pair: written(*pair) for pair in FORMATS}
differ = [pair for pair in FORMATS if first[pair] != second[pair]]
print("differ:", differ)
assert differ == [("WAV", "FLOAT"), ("WAV", "DOUBLE"), ("AIFF", "FLOAT")]
for pair in differ:
    peak = first[pair].index(b"PEAK")
    changed = [at for at, (one, two) in enumerate(zip(first[pair], second[pair], strict=True)) if one != two]
    assert all(peak + 12 <= at < peak + 16 for at in changed), changed
PYTHON
