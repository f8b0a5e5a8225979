#!/usr/bin/env bash
# lrc-kit 0.1.8.3 (line.py) and pylrc 0.1.2 (classes.py, toLRC) from PyPI, beside lrcparser 0.2.0.
#
# `[00:14.09]` in a file of lyrics is 9 hundredths past the fourteenth second, and of a reader or a writer one expects it to the hundredth.
# Nine lines of a hundred, those at .01 to .09, come late by nine times as much, up to .81 s, and no other does: lrc-kit reads "09" as
# a number and then as .9, so that [00:14.09] is 14.9 s; pylrc reads it rightly, and its `toLRC` writes 90 ms as ".90". A look at a few
# lines shows nothing, the order of the lines stays, and such a line is sung before it is shown; what is cut from a recording by these
# times begins in the middle of a word. What pylrc has read and written, without a change, is wrong for every reader from then on; lrc-kit
# writes 14.900, too.
#
# Seen, 100 lines from .00 to .99: by lrc-kit 9 are late, by .09 to .81 s; read by pylrc or lrcparser none; written by pylrc and read by
# lrcparser the same 9 by the same times.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet lrc-kit==0.1.8.3 pylrc==0.1.2 lrcparser==0.2.0
"$folder/venv/bin/python" - <<'PYTHON'
import lrc_kit
import pylrc
from lrcparser import LrcParser

TIMES = [10 * i + i / 100 for i in range(100)]
FILE = "\n".join(f"[{int(at // 60):02}:{int(at % 60):02}.{i:02}]line {i}" for i, at in enumerate(TIMES))


def by_lrcparser(lrc):
    starts = [line.start_time for line in LrcParser.parse(lrc)["lrc_lines"]]
    return [60 * at.minutes + at.seconds + at.microseconds / 1e6 for at in starts]


def late(found):
    """Which lines are not in their place, and by how many seconds."""
    return {i: round(at - TIMES[i], 3) for i, at in enumerate(found) if abs(at - TIMES[i]) > 0.011}


seen = {
    "read by lrcparser": late(by_lrcparser(FILE)),
    "read by pylrc": late([line.time for line in pylrc.parse(FILE)]),
    "read by lrc-kit": late([line.time_seconds for line in lrc_kit.parse_lyrics(FILE)[0]]),
    "written by pylrc": late(by_lrcparser(pylrc.parse(FILE).toLRC())),
    "written by lrc-kit": late(by_lrcparser("\n".join(map(str, lrc_kit.parse_lyrics(FILE)[0])))),
}
for name, lines in seen.items():
    print(f"{name}: {lines}")
nine = {i: round(0.09 * i, 2) for i in range(1, 10)}
assert seen.pop("read by lrcparser") == seen.pop("read by pylrc") == {} and len(seen) == 3
assert all(lines.keys() == nine.keys() and max(abs(lines[i] - nine[i]) for i in nine) < 0.011 for lines in seen.values())
PYTHON
