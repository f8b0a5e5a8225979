#!/usr/bin/env bash
# mir_eval 0.8.2 from PyPI (melody.py, to_cent_voicing and resample_melody_series).
#
# A melody is judged frame by frame, and what a tracker says nothing about is expected to count as missed: recall falls by as much
# as is missing. mir_eval puts one unvoiced value at the very end of the reference and holds the last one that was said up to
# there, and the first one back to 0 s, without a word. A tracker that stopped after a second of ten has a voicing recall of 1 and, of
# a note that is held, no error in pitch at all; one that is right and ends with the last sung frame is "voiced" through the rest
# behind it, so its false alarm is 1 and its overall accuracy half. With `hop` the end is filled with unvoiced frames, as
# expected, so the same two files have other scores; the beginning is held with it, too. Fill in zeros for the whole length first.
#
# Seen, recall, false alarm, pitch, overall: 1 s of a held note of 10 s: 1, 0, 1, 1, with hop=.01 .1, 0, .1, .1; a tune of 5 s without
# the rest of 5 s behind it: 1, 1, 1, .5, with a hop 1, 0, 1, 1; the second half of a held note: 1, 0, 1, 1 both ways.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mir_eval==0.8.2 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import warnings

import mir_eval
import numpy as np

warnings.simplefilter("error")  # nothing is said about it
time = np.arange(1000) * 0.01
held = 440 * 2 ** (0.3 * np.sin(2 * np.pi * 5.5 * time) / 12)
tune = np.where(time < 5, 220 * 2 ** (np.floor(time * 2) / 12), 0)


def scores(reference, part, **options):
    """Voicing recall, false alarm, pitch and overall accuracy of an estimate that is right and of which only a part is there."""
    found = mir_eval.melody.evaluate(time, reference, time[part], reference[part], **options)
    names = ("Voicing Recall", "Voicing False Alarm", "Raw Pitch Accuracy", "Overall Accuracy")
    return [round(float(found[name]), 2) for name in names]


CASES = {
    "1 s of a held note of 10 s": (held, slice(0, 100)),
    "a tune without the rest behind it": (tune, slice(0, 500)),
    "the second half of a held note": (held, slice(500, None)),
}
seen = {name: (scores(*case), scores(*case, hop=0.01)) for name, case in CASES.items()}
for name, (plain, hop) in seen.items():
    print(f"{name}: {plain}, with a hop {hop}")
stopped, tuned, late = seen.values()
assert min(stopped[0][0], stopped[0][2], stopped[0][3]) > 0.97 and max(stopped[1][0], stopped[1][2]) < 0.12
assert tuned[0][1] > 0.97 and tuned[0][3] < 0.52 and tuned[1][1] < 0.03 and tuned[1][3] > 0.97
assert min(late[0][0], late[0][2], late[1][0], late[1][2]) > 0.97
zeros = mir_eval.melody.evaluate(time, held, time, np.where(time < 1, held, 0))
assert abs(zeros["Voicing Recall"] - 0.1) < 0.01 and abs(zeros["Raw Pitch Accuracy"] - 0.1) < 0.01
PYTHON
