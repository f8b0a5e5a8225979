#!/usr/bin/env bash
# libresvip 2.9.2 from PyPI (plugins/mid, svp, ustx, vsqx; core/tick_counter.py).
#
# LibreSVIP turns one singing program's project into another's. A change of tempo is not what one fears for: notes and
# changes are counted in the same ticks. But within, changes are counted with an empty bar before the song and notes
# without it. Some writers take the bar off and some do not, and the reader of MIDI does not add it. So from MIDI to SVP
# (Synthesizer V), USTX (OpenUtau) and UfData the notes are in their place and each change of tempo is a bar early; to
# VSQX (VOCALOID 3 and 4), which adds a bar to the notes, two bars; to VPR and CCS it is right. Nothing is said. What is
# sung from it drifts off the backing track at the first change. A song of one tempo does not show it, nor does
# LibreSVIP's reading of its own SVP, which adds the bar again.
#
# Seen, a MIDI file at 90 bpm, 140 from tick 2400 (beat 2 of bar 2) on, notes at 0, 1920 and 3840. The change in ticks
# after the first note, and the last note's start: vpr and ccs 2400, 4.62 s; svp, ustx and ufdata 480, 3.67 s; vsqx
# -1440, 3.43 s.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet libresvip==2.9.2 mido==1.3.3
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import json
import re
import zipfile
from pathlib import Path

import mido
from loguru import logger

logger.remove()
from libresvip.extension.manager import plugin_manager  # noqa: E402

BEAT = 480
formats = plugin_manager.plugins["svs"]
song = mido.MidiFile(ticks_per_beat=BEAT)
tempos, voice = song.add_track(), song.add_track()
tempos.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(90), time=0))
tempos.append(mido.MetaMessage("time_signature", numerator=4, denominator=4, time=0))
tempos.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(140), time=2400))
end = 0
for start in (0, 1920, 3840):
    voice.append(mido.MetaMessage("lyrics", text="la", time=start - end))
    voice.append(mido.Message("note_on", note=60, velocity=90, time=0))
    voice.append(mido.Message("note_off", note=60, time=960))
    end = start + 960
song.save("song.mid")


def written(name):
    project = formats["mid"].load(Path("song.mid"), {})
    formats[name].dump(Path(f"song.{name}"), project, {})
    return Path(f"song.{name}").read_bytes().decode(errors="replace")


# Each gives the changes of tempo, and the starts of the notes, in ticks of 480 a beat.
def vpr():
    written("vpr")
    found = json.loads(zipfile.ZipFile("song.vpr").read("Project/sequence.json"))
    part = found["tracks"][0]["parts"][0]
    changes = [(one["pos"], one["value"] / 100) for one in found["masterTrack"]["tempo"]["events"]]
    return changes, [part["pos"] + one["pos"] for one in part["notes"]]


def ccs():
    text = written("ccs")
    changes = re.findall(r'<Sound [^>]*Clock="(\d+)" Tempo="([\d.]+)"', text)
    notes = re.findall(r'<Note [^>]*Clock="(\d+)"', text)
    return [(int(tick) // 2, float(bpm)) for tick, bpm in changes], [int(tick) // 2 for tick in notes]


def svp():
    found, unit = json.JSONDecoder().raw_decode(written("svp"))[0], 1_470_000  # blicks a tick
    track = found["tracks"][0]
    changes = [(one["position"] // unit, one["bpm"]) for one in found["time"]["tempo"]]
    return changes, [(one["onset"] + track["mainRef"]["blickOffset"]) // unit for one in track["mainGroup"]["notes"]]


def ustx():
    text = written("ustx")
    changes = re.findall(r"- position: (\d+)\s+bpm: ([\d.]+)", text)
    part, *notes = re.findall(r"position: (\d+)", text[text.index("voice_parts:") :])
    return [(int(tick), float(bpm)) for tick, bpm in changes], [int(part) + int(note) for note in notes]


def ufdata():
    found = json.loads(written("ufdata"))["project"]
    changes = [(one["tickPosition"], one["bpm"]) for one in found["tempos"]]
    return changes, [one["tickOn"] for one in found["tracks"][0]["notes"]]


def vsqx():
    text = written("vsqx")
    changes = re.findall(r"<tempo>\s*<t>(\d+)</t>\s*<v>(\d+)</v>", text)
    part, *notes = re.findall(r"<(?:vsPart|note)>\s*<t>(\d+)</t>", text)
    return [(int(tick), int(bpm) / 100) for tick, bpm in changes], [int(part) + int(note) for note in notes]


def lasts(changes, notes):
    """Seconds from the first note's start to the last one's."""
    seconds = 0.0
    for tick in range(notes[0], notes[-1]):
        seconds += 60 / BEAT / [bpm for change, bpm in changes if change <= tick][-1]
    return round(seconds, 2)


seen = {}
for read in (vpr, ccs, svp, ustx, ufdata, vsqx):
    changes, notes = read()
    assert [bpm for _, bpm in changes] == [90, 140] and [note - notes[0] for note in notes] == [0, 1920, 3840]
    seen[read.__name__] = changes[1][0] - notes[0], lasts(changes, notes)
    print(f"{read.__name__}: tempo {changes}, notes {notes}, {seen[read.__name__]}")
assert seen["vpr"] == seen["ccs"] == (2400, 4.62)
assert seen["svp"] == seen["ustx"] == seen["ufdata"] == (480, 3.67) and seen["vsqx"] == (-1440, 3.43)
PYTHON
