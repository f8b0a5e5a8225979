#!/usr/bin/env bash
# matchering 2.0.6 from PyPI.
#
# It matches a song to a reference by a linear-phase filter and a gain; the filter's delay is cut away, and the result is as
# long as the song, so one takes it to be in its place. It is one sample late: the filter has an even length, its middle lies
# at half of it, and `fftconvolve(..., "same")` cuts one sample less. Alone nobody hears that. But a matched cover over its
# own unmatched stem, a dry share mixed to it, or mix - vocals of matched files is a comb: 11 dB are left where nothing would be,
# and the treble goes (-6 dB at 14.7 kHz, gone at 22). Drop the first sample.
#
# Seen, a song of noise below 12 kHz matched to itself at another level, no limiter: by correlation 1 sample late; its error
# beside the song 9 dB down as it is, 47 dB once the first sample is dropped.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet matchering==2.0.6 soundfile==0.14.0 numpy==2.4.6 scipy==1.17.1
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import matchering
import numpy as np
import soundfile
from scipy.signal import butter, sosfilt

RATE = 44_100
rng = np.random.default_rng(0)
sos = butter(4, [60, 6000], "bandpass", fs=RATE, output="sos")
swell = 1 + 0.5 * np.sin(2 * np.pi * np.arange(30 * RATE) / (7 * RATE))
song = sosfilt(sos, rng.standard_normal((2, 30 * RATE))).T * swell[:, None]
song[:, 1] = 0.7 * song[:, 0] + 0.5 * song[:, 1]
song /= np.abs(song).max()
soundfile.write("song.wav", 0.1 * song, RATE, subtype="FLOAT")
soundfile.write("reference.wav", 0.5 * song, RATE, subtype="FLOAT")
result = matchering.Result("matched.wav", subtype="FLOAT", use_limiter=False, normalize=False)
matchering.process(target="song.wav", reference="reference.wav", results=[result])
matched = soundfile.read("matched.wav")[0]


def below(late: int) -> float:
    """DB by which what is not the song lies below it, if it is taken to be so many samples late."""
    there, found = song[: len(song) - late], matched[late:]
    sung = (there * found).sum() / (there**2).sum() * there
    return float(10 * np.log10((sung**2).sum() / ((found - sung) ** 2).sum()))


middle = slice(10 * RATE, 10 * RATE + 20_000)
late = int(np.argmax(np.correlate(matched[10 * RATE - 50 : 10 * RATE + 20_050, 0], song[middle, 0], "valid"))) - 50
print(f"{late} sample late; error {below(0):.1f} dB down as it is, {below(1):.1f} dB a sample earlier")
assert len(matched) == len(song) and late == 1 and below(0) < 20 and below(1) > 35
PYTHON
