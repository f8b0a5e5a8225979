#!/usr/bin/env bash
# pyworld-prebuilt 0.3.6.post1 from PyPI (WORLD's CheapTrick).
#
# Below a floor CheapTrick does not use the f0 that it is given: it takes 500 Hz, without a word. The floor follows from
# the length of the FFT, and this from the sample rate by powers of two, so it goes up and down: 47 Hz at 16 and 32 kHz,
# 65 Hz at 22.05 and 44.1 kHz, 70.5 Hz at 24 and 48 kHz. `f0_floor` of dio and harvest (71 Hz) can be set to 50, and then
# a bass voice is tracked rightly and its envelope is not: the window is 6 ms, a part of one period, and the envelope of
# a perfectly steady tone goes up and down with the place in the period. An expert expects the same voice to have the
# same envelope at each rate, or an error. Hand over fft_size=get_cheaptrick_fft_size(rate, floor), to d4c too.
#
# Seen, a steady sawtooth of 65.4 Hz (C2), deviation over time of its envelope below 3 kHz in dB: 16 kHz
# .0, 32 kHz .0, 44.1 kHz .0; 24 kHz 4.4, 48 kHz 4.4; 48 kHz with the longer FFT .0. At 62 Hz 44.1 kHz 4.6.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyworld-prebuilt==0.3.6.post1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import pyworld


def unsteadiness(frequency: float, rate: int, floor: float | None = None) -> float:
    time = np.arange(2 * rate) / rate
    saw = sum(0.05 * np.sin(2 * np.pi * frequency * k * time + k * k) / k for k in range(1, int(7000 / frequency)))
    times = np.arange(401) * 0.005
    size = None if floor is None else pyworld.get_cheaptrick_fft_size(rate, floor)
    power = pyworld.cheaptrick(saw, np.full(401, frequency), times, rate, fft_size=size)
    below = power[100:300, : int(3000 / (rate / 2) * power.shape[1])]
    return round(float((10 * np.log10(below)).std(0).mean()), 1)


seen = {(65.4, rate): unsteadiness(65.4, rate) for rate in (16000, 32000, 44100, 24000, 48000)}
seen |= {(62.0, 44100): unsteadiness(62.0, 44100)}
longer = unsteadiness(65.4, 48000, 50.0)
floors = [round(pyworld.get_cheaptrick_f0_floor(r, pyworld.get_cheaptrick_fft_size(r)), 1) for r in (16000, 44100, 48000)]
print(seen, longer, floors)
assert floors == [47.0, 64.7, 70.4]
assert all(seen[65.4, rate] <= 0.2 for rate in (16000, 32000, 44100)) and longer <= 0.2
assert all(3 < seen[pair] < 7 for pair in ((65.4, 24000), (65.4, 48000), (62.0, 44100)))
PYTHON
