#!/usr/bin/env bash
# moonshine-voice 0.1.0 and 0.1.1 from PyPI (Linux x86-64 wheels).
#
# 0.1.0 is a whole recogniser: its wheel carries the weights of the tiny English model (encoder_model.ort and
# decoder_model_merged.ort). The next patch release carries its tokenizer and no weights: they are fetched from the
# network when it first runs. A pin of `>=0.1.0`, `~=0.1.0` or "the latest" therefore turns an offline recogniser into
# one that needs a network, without any change of the interface. Pin ==0.1.0 where the wheel is all there is.
#
# Seen: 0.1.0 has 2 files of weights, 0.1.1 none; both have tokenizer.bin.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for version in 0.1.0 0.1.1; do
    python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$folder/$version" \
        --platform manylinux_2_34_x86_64 --platform manylinux_2_31_x86_64 --platform manylinux_2_28_x86_64 \
        --platform manylinux2014_x86_64 "moonshine-voice==$version"
done
python3 - "$folder" <<'PYTHON'
import pathlib
import sys
import zipfile

counts = {}
for version in ("0.1.0", "0.1.1"):
    (wheel,) = (pathlib.Path(sys.argv[1]) / version).glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    counts[version] = sum(name.endswith(("encoder_model.ort", "decoder_model_merged.ort")) for name in names)
    print(version, wheel.stat().st_size, "bytes,", counts[version], "files of weights")
    assert any(name.endswith("tokenizer.bin") for name in names)
assert counts == {"0.1.0": 2, "0.1.1": 0}
PYTHON
