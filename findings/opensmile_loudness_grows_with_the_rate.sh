#!/usr/bin/env bash
# opensmile 2.6.0 from PyPI (eGeMAPSv02, as its package has it).
#
# eGeMAPS' loudness is meant to be what an ear hears, so one expects the same sound at another sampling rate to be as loud,
# as its mean pitch is the same. It is not: where nothing sounds above 3.4 kHz, at 48 kHz it is 1.8 times that of 16 kHz,
# as much as 8 dB more make at one rate. The spectrum behind it is not divided by the samples of a frame. Nothing is
# resampled and nothing is said. Singers, emotions or votes that are predicted from it follow the corpus' rate; a clip
# fetched at 44.1 kHz is "shouted" beside one that a speech model's 16 kHz was made of. Bring all to one rate first.
#
# Seen, 19 partials of 175 Hz, mean loudness at 16, 22.05, 24, 44.1 and 48 kHz 1.11, 1.22, 1.27, 1.94, 2.00; 7 dB more at
# 16 kHz 1.70 times, 8 dB 1.84 times; ten partials of 311 Hz the same, 1.19 to 2.15. The mean pitch is within .1 semitones.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet opensmile==2.6.0 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import opensmile

smile = opensmile.Smile(
    feature_set=opensmile.FeatureSet.eGeMAPSv02, feature_level=opensmile.FeatureLevel.Functionals
)


def heard(rate: int, pitch: float, decibels: float = 0.0) -> tuple[float, float]:
    """Mean loudness and mean pitch (semitones above 27.5 Hz) of three seconds of partials below 3.4 kHz."""
    time = np.arange(3 * rate) / rate
    voice = sum(np.sin(2 * np.pi * k * pitch * time + k * k) / k for k in range(1, int(3400 / pitch) + 1))
    found = smile.process_signal((0.1 * 10 ** (decibels / 20) * voice).astype(np.float32), rate).iloc[0]
    return float(found["loudness_sma3_amean"]), float(found["F0semitoneFrom27.5Hz_sma3nz_amean"])


RATES = (16_000, 22_050, 24_000, 44_100, 48_000)
for pitch in (175.0, 311.0):
    loudness, semitones = np.transpose([heard(rate, pitch) for rate in RATES])
    by_level = [heard(16_000, pitch, decibels)[0] / loudness[0] for decibels in (3, 6, 7, 8)]
    print(f"{pitch} Hz: loudness {loudness.round(2)}, {loudness[-1] / loudness[0]:.2f} times; pitch {semitones.round(2)};", end=" ")
    print(f"16 kHz by 3, 6, 7, 8 dB more: {np.round(by_level, 2)} times")
    assert 1.5 < loudness[-1] / loudness[0] < 2.1 and loudness[3] > 1.4 * loudness[0] and np.ptp(semitones) < 0.15
    assert by_level[1] < loudness[-1] / loudness[0]
PYTHON
