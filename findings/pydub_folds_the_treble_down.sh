#!/usr/bin/env bash
# pydub 0.25.1 from PyPI (with audioop-lts 0.2.2 where Python has no audioop of its own).
#
# `AudioSegment.set_frame_rate` is at hand to bring a song or a note to a model's 16 or 22.05 kHz. One would guess a
# resampler, a fast and bad one perhaps. It is audioop's `ratecv`: samples on a straight line, and no filter at all.
# Everything above half of the new rate is folded down and stays as loud as it was: from 44.1 to 22.05 kHz, where it
# takes every second sample, to the decibel. Sibilants become a tone beside the voice, and what a model or a measure of
# noise hears is not in the recording. Hand `set_frame_rate` to nobody: resample by soxr, FFmpeg or torchaudio.
#
# Seen, sines at 44.1 kHz: to 22.05 kHz 12 kHz becomes 10050 Hz at 0.0 dB, 20 kHz 2050 Hz at 0.0 dB; to 16 kHz 9 kHz
# becomes 7000 Hz at -1.2 dB, 15 kHz 1000 Hz at -3.1 dB. soxr 1.1.0 leaves nothing but the rounding to 16 bits, below -90 dB.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pydub==0.25.1 numpy==2.4.6 soxr==1.1.0 "audioop-lts==0.2.2; python_version >= '3.13'"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
import soxr
from pydub import AudioSegment

RATE = 44_100


def sine(hertz: int) -> np.ndarray:
    return np.round(16_000 * np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE)).astype(np.int16)


def loudest(sound: np.ndarray, rate: int) -> int:
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return round(float(spectrum.argmax()) * rate / len(sound))


def decibels(sound: np.ndarray, before: np.ndarray) -> float:
    return 20 * float(np.log10(max(1e-9, float(sound.astype(float).std())) / float(before.astype(float).std())))


def by_pydub(sound: np.ndarray, rate: int) -> np.ndarray:
    segment = AudioSegment(sound.tobytes(), frame_rate=RATE, sample_width=2, channels=1)
    return np.array(segment.set_frame_rate(rate).get_array_of_samples(), float)


seen = {}
for hertz, rate in ((12_000, 22_050), (20_000, 22_050), (9_000, 16_000), (15_000, 16_000)):
    before = sine(hertz)
    folded = by_pydub(before, rate)
    filtered = soxr.resample(before.astype(float), RATE, rate)[rate // 10 : -rate // 10]
    seen[hertz, rate] = loudest(folded, rate), round(decibels(folded, before), 1), decibels(filtered, before)
print(seen)
assert [one[:2] for one in seen.values()] == [(10_050, 0.0), (2_050, 0.0), (7_000, -1.2), (1_000, -3.1)]
assert all(one[2] < -90 for one in seen.values())
PYTHON
