#!/usr/bin/env bash
# pretty_midi 0.2.11.post0 with mido 1.3.3 from PyPI.
#
# Two notes of one pitch that overlap are not well told apart in MIDI, so that one expects the end of the one to be
# taken for the end of the other: with an overlap of 2 ms an error of 2 ms. pretty_midi, reading its own file, ends every note of
# that pitch that is open at the first note-off (pretty_midi.py, notes_to_close): the second note lasts as long as the overlap,
# a second becomes 2 ms, and its own note-off is dropped. One tick is enough. Repeated notes that touch, as a
# melody tracker writes them for syllables on one pitch, vanish from the melody without a warning, the note count stays
# what it was. First in, first out, as other readers do it, gives back what was written. Trim each note to the next one's start.
#
# Seen, written and read again: 0 to 1.000 s and 1 to 2 s: right; 0 to 1.002 s and 1 to 2 s: the second ends at 1.002 s; 100 notes
# of .4 s at every .395 s: 99 of them last 4.5 ms; paired first in, first out, all last .4 s.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet setuptools==80.9.0 pretty_midi==0.2.11.post0 mido==1.3.3 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import mido
import numpy as np
import pretty_midi


def write(notes):
    song, voice = pretty_midi.PrettyMIDI(), pretty_midi.Instrument(0)
    voice.notes = [pretty_midi.Note(velocity=80, pitch=60, start=start, end=end) for start, end in notes]
    song.instruments.append(voice)
    song.write("song.mid")


def by_pretty_midi():
    return np.array([(note.start, note.end) for note in pretty_midi.PrettyMIDI("song.mid").instruments[0].notes])


def first_in_first_out():
    now, starts, notes = 0.0, [], []
    for message in mido.MidiFile("song.mid"):
        now += message.time
        if message.type == "note_on" and message.velocity:
            starts.append(now)
        elif message.type in ("note_on", "note_off"):
            notes.append((starts.pop(0), now))
    return np.array(notes)


seen = {}
for end in (1.0, 1.002):
    write([(0.0, end), (1.0, 2.0)])
    seen[end] = by_pretty_midi(), first_in_first_out()
    ours, paired = (notes.round(3).tolist() for notes in seen[end])
    print(f"0 to {end} and 1 to 2: pretty_midi {ours}, first in, first out {paired}")
write([(0.395 * k, 0.395 * k + 0.4) for k in range(100)])
lasting, paired = np.diff(by_pretty_midi())[:, 0], np.diff(first_in_first_out())[:, 0]
print(f"{len(lasting)} notes of .4 s: {(lasting < 0.01).sum()} last {np.median(lasting) * 1000:.1f} ms; paired at least {paired.min():.3f} s")
assert np.allclose(seen[1.0][0], [[0, 1], [1, 2]], atol=0.003) and np.allclose(seen[1.002][0], [[0, 1.002], [1, 1.002]], atol=0.003)
assert np.allclose(seen[1.002][1], [[0, 1.002], [1, 2]], atol=0.003)
assert len(lasting) == 100 and (lasting < 0.01).sum() == 99 and paired.min() > 0.39
PYTHON
