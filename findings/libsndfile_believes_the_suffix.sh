#!/usr/bin/env bash
# soundfile 0.14.0 from PyPI (its wheel carries libsndfile 1.2.2).
#
# A file that libsndfile does not know by its first bytes is judged by its name: *.au and *.snd are taken for raw µ-law,
# *.vox for OKI ADPCM, *.gsm for GSM 6.10, all at 8 kHz and without a header. Any bytes will do. A text, a picture or
# the page of an error that was saved as note.au is read as a second of noise, without an exception or a warning, while
# soundfile itself refuses *.raw unless rate, channels and subtype are given. The same file behind a file object or a
# descriptor has no name and is refused. To learn whether something is sound, open it and hand over the file, not the
# path.
#
# Seen: by path RAW/ULAW (8000 samples), RAW/VOX_ADPCM (16000), RAW/GSM610 (38880); by file object LibsndfileError.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet soundfile==0.14.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import pathlib

import soundfile

letter = b"Dear sir, please find my song attached.\n" * 200
seen = {}
for suffix in (".au", ".snd", ".vox", ".gsm", ".txt"):
    path = pathlib.Path(f"letter{suffix}")
    path.write_bytes(letter)
    try:
        sound, rate = soundfile.read(path)
        seen[suffix] = (soundfile.info(path).subtype, rate, len(sound))
    except soundfile.LibsndfileError:
        seen[suffix] = None
    with path.open("rb") as file:
        try:
            soundfile.read(file)
            raise SystemExit(f"{path} is sound without its name, too")
        except soundfile.LibsndfileError:
            pass
print(seen)
assert seen == {
    ".au": ("ULAW", 8000, 8000),
    ".snd": ("ULAW", 8000, 8000),
    ".vox": ("VOX_ADPCM", 8000, 16000),
    ".gsm": ("GSM610", 8000, 38880),
    ".txt": None,
}
PYTHON
