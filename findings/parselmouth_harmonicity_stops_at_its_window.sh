#!/usr/bin/env bash
# praat-parselmouth 0.4.7 from PyPI (Praat 6.1.38).
#
# Praat has two ways to the harmonics-to-noise ratio, by cross-correlation and by autocorrelation, and on a steady voice
# they agree within a decibel; so does parselmouth, one thinks, whose arguments have the same four defaults in both. But
# `to_harmonicity_ac` then looks through a window of one period of the lowest pitch, where Praat's own command starts
# from 4.5 and refuses less than 3. Of a low man's voice it says more noise than voice, of a woman's 16 or 17 dB, whatever
# the noise, and raises nothing. As a measure of how rough or breathy a singer is it measures pitch: who
# sings lower is rougher. Take `to_harmonicity_cc`, or `periods_per_window=4.5`.
#
# Seen, steady sawtooths in noise at 16 kHz, HNR in dB by cc, by ac, by ac with 4.5 periods: 110 Hz at 30 dB 30, -14, 30, at
# 15 dB 15, -14, 15; 220 Hz at 30 dB 30, 17, 31, at 15 dB 15, 16, 15.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet praat-parselmouth==0.4.7 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import parselmouth
from parselmouth.praat import call

RATE = 16_000
time = np.arange(2 * RATE) / RATE
noise = np.random.default_rng(0).standard_normal(len(time))


def ratios(f0: float, snr: float) -> list[float]:
    voice = sum(np.sin(2 * np.pi * f0 * k * time + k * k) / k for k in range(1, int(7500 / f0)))
    sound = parselmouth.Sound(0.1 * (voice + noise * voice.std() * 10 ** (-snr / 20)), RATE)
    found = (
        sound.to_harmonicity_cc(),
        sound.to_harmonicity_ac(),
        sound.to_harmonicity_ac(periods_per_window=4.5),
        call(sound, "To Harmonicity (ac)", 0.01, 75.0, 0.1, 4.5),
    )
    return [round(float(each.values[each.values > -199].mean()), 1) for each in found]


seen = {(f0, snr): ratios(f0, snr) for f0 in (110.0, 220.0) for snr in (15.0, 30.0)}
print(seen)
for (f0, snr), (cc, ac, longer, praat) in seen.items():
    assert abs(cc - snr) < 1.5 and abs(longer - snr) < 1.5 and longer == praat
    assert ac < 5 if f0 == 110 else ac < 21
try:
    call(parselmouth.Sound(0.1 * noise, RATE), "To Harmonicity (ac)", 0.01, 75.0, 0.1, 1.0)
    raise SystemExit("Praat takes one period now")
except parselmouth.PraatError as error:
    assert "at least 3" in str(error)
PYTHON
