#!/usr/bin/env bash
# ONNX Runtime's wheel for Linux writes down every process that loads it, and what it runs, to send that to Microsoft.
#
# Versions:  onnxruntime 1.31.1 and 1.23.2 (wheels for Linux x86_64), swift-f0 0.3.0, numpy 2.2.6, Python 3.11
# Source:    Privacy.md in the wheel of 1.31.1; https://github.com/microsoft/onnxruntime
# Expected:  telemetry is a matter of its Windows builds, as Privacy.md said for years; a pitch tracker that runs a
#            model of 135 kB on the CPU leaves nothing behind.
# Behaviour: telemetry is on by default on Linux and macOS too. Whoever imports the library leaves an id of the machine
#            and an SQLite database of events in ~/.cache/Microsoft/DeveloperTools/.onnxruntime, which wait there to
#            be uploaded: the path of the interpreter, the processor and its memory, the kind of container. Of some
#            sessions there are also the name of the model's file and how long it ran (seen in a store that many
#            processes had filled; which, it seems, is chance). ORT_DISABLE_TELEMETRY=1 before it is loaded prevents
#            all of it; `disable_telemetry_events()` comes after the first event. 1.23.2 leaves nothing. So a service
#            that promises that a voice stays on its machine talks to a third party after an update of what a package
#            of its packages needs.
# Seen:      1.23.2: nothing
#            1.31.1, imported: an id; 1 event: ProcessInfo with the interpreter's path and the processor
#            1.31.1, a second of sound: an id; 1 event: ProcessInfo with the interpreter's path and the processor
#            1.31.1 with ORT_DISABLE_TELEMETRY=1: nothing
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
pip() { "$work/venv/bin/pip" install --quiet "$@"; }

# what is in the home of a user after a program has run
left() {
    "$work/venv/bin/python" - "$1" <<'PY'
import sqlite3
import sys
from pathlib import Path

found = [path for path in Path(sys.argv[1]).rglob("*") if path.is_file() and "onnxruntime" in str(path)]
if not found:
    print("nothing")
    sys.exit()
identified = any(path.name == "deviceid" for path in found)
(database,) = (path for path in found if path.name == "onnxruntime.db")
first, *others = [row[0] for row in sqlite3.connect(database).execute("SELECT payload FROM events ORDER BY timestamp")]
told = [said for sign, said in ((sys.executable, "the interpreter's path"), ("cpuModel", "the processor"))
        if sign.encode() in first]
kind = "ProcessInfo" if b"ProcessInfo" in first else "another"
print(f"{'an' if identified else 'no'} id; {1 + len(others)} event: {kind} with {' and '.join(told)}")
PY
}

# the answer of a program in a home of its own; $1: the program, the rest: its environment
run() {
    local home program=$1
    home=$(mktemp -d "$work/home.XXXX")
    shift
    env -u ORT_DISABLE_TELEMETRY -u XDG_CACHE_HOME "$@" HOME="$home" "$work/venv/bin/python" -c "$program" >/dev/null
    left "$home"
}

imported="import onnxruntime, time; time.sleep(2)"
heard="
import time
import numpy as np
from swift_f0 import SwiftF0
SwiftF0().detect(np.sin(np.arange(16000) * 0.1).astype(np.float32), 16000)
time.sleep(2)
"
pip swift-f0==0.3.0 onnxruntime==1.23.2 numpy==2.2.6
before=$(run "$heard")
pip onnxruntime==1.31.1 numpy==2.2.6
loaded=$(run "$imported")
ran=$(run "$heard")
silent=$(run "$heard" ORT_DISABLE_TELEMETRY=1)
printf '1.23.2: %s\n1.31.1, imported: %s\n1.31.1, a second of sound: %s\n1.31.1 with ORT_DISABLE_TELEMETRY=1: %s\n' \
    "$before" "$loaded" "$ran" "$silent"
[ "$before" = nothing ]
[[ "$loaded" == "an id; "*"ProcessInfo with the interpreter's path and the processor" ]]
[[ "$ran" == "an id; "*"ProcessInfo with the interpreter's path and the processor" ]]
[ "$silent" = nothing ]
