#!/usr/bin/env bash
# mir_eval 0.8.2 from PyPI (sonify.py, pitch_contour).
#
# To hear, or to measure again, what a tracker found, its f0 is played by `sonify.pitch_contour`: "Non-positive measurements or NaNs
# will be interpreted as un-voiced samples", and those are taken for silence. The source says why they should be ("wave(0) = 0, so
# clipping here will un-voice"), but what is handed to the sine is the phase so far, not the frequency: in a rest it stands still,
# and the output stays at whatever value the last note ended on, up to full scale, until the next one. By ear it is a click at either
# end; by RMS, a voice detector or a normaliser there is no rest, and a mix with the song has an offset. An f0 that ends in zeros
# ends in a constant, too. Give it `amplitudes=(f0 > 0)`: then there is silence.
#
# Seen, 20 rests of .5 s between notes of .5 s at full scale: each holds one value, between -.98 and .93, 9 of them beyond .7 either way; rms of the
# rests .70, of the notes .71; with amplitudes 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mir_eval==0.8.2 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PYTHON'
import mir_eval
import numpy as np

RATE = 16_000
times = np.arange(2001) * 0.01
slot = np.minimum((times + 1e-9) // 0.5, 39).astype(int)
f0 = np.where(slot % 2 == 0, 220 * 2 ** (slot // 2 * 7 % 12 / 12), 0.0)
f0[times < 0.005] = 220.0


def rests(**options):
    """The inner .4 s of each of the twenty rests, one a row."""
    sound = mir_eval.sonify.pitch_contour(times, f0.copy(), RATE, length=20 * RATE, **options)
    return np.stack([sound[int((0.55 + k) * RATE) : int((0.95 + k) * RATE)] for k in range(20)])


def rms(sound):
    return float(np.sqrt((sound**2).mean()))


plain, masked = rests(), rests(amplitudes=(f0 > 0).astype(float))
held = plain[:, 0]
print(f"held in the rests: {held.round(2)}")
print(f"moving within a rest by at most {np.ptp(plain, axis=1).max():.1e}; {(np.abs(held) > 0.7).sum()} of 20 above .7")
print(f"rms of the rests {rms(plain):.2f}, of a sine 0.71; with amplitudes {rms(masked):.2f}")
assert np.ptp(plain, axis=1).max() < 1e-9 and (np.abs(held) > 0.7).sum() > 6 and np.ptp(held) > 1.5
assert rms(plain) > 0.6 and not masked.any()
PYTHON
