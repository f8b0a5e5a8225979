#!/usr/bin/env bash
# essentia 2.1b6.dev1389 from PyPI (the algorithm PitchYin, pitchyin.cpp).
#
# `FrameGenerator` centres its frames, and what is found in a frame is taken for what sounds in its middle: so it is
# with `PitchYinFFT` and `PitchMelodia`, to a tenth of a millisecond. `PitchYin` compares the first half of the frame
# with what comes one period later, so its middle is a quarter of a frame early, half a period less, and its curve as
# much late: 7 to 11 ms with the default frame of 2048 at 44.1 kHz, and 27 to 31 ms at 16 kHz, more for a high voice
# than for a low one, so that no shift is right for a whole song. Beside another tracker's curve, or beside the words,
# each slide and each vibrato is late: at 5.5 Hz, 30 ms are a sixth of a turn. Take frame / (4 * rate) - 1 / (2 * f0)
# seconds off the time of each frame.
#
# Seen, vibrato of 4 Hz, ms late at 110, 220 and 440 Hz: PitchYin at 44.1 kHz 7.1, 9.3, 10.5, at 16 kHz 27.5, 29.7,
# 30.9, with frames of 1024 at 16 kHz 11.4, 13.7, 14.9; PitchYinFFT 0.0 each time.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet essentia==2.1b6.dev1389 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import essentia
import numpy as np

essentia.log.infoActive = essentia.log.warningActive = False
from essentia.standard import FrameGenerator, PitchYin, PitchYinFFT, Spectrum, Windowing  # noqa: E402

VIBRATO, NOTES = 4.0, (110.0, 220.0, 440.0)


def sung(f0, rate):
    time = np.arange(6 * rate) / rate
    phase = 2 * np.pi * np.cumsum(f0 * 2 ** (np.sin(2 * np.pi * VIBRATO * time) / 24)) / rate
    return (0.1 * sum(np.sin(k * phase + k * k) / k for k in range(1, int(5000 / f0)))).astype(np.float32)


def late(f0, rate, size, fft):
    """Milliseconds by which the vibrato found is behind the one sung."""
    window, spectrum = Windowing(type="hann", zeroPhase=False, size=size), Spectrum(size=size)
    find = (PitchYinFFT if fft else PitchYin)(frameSize=size, sampleRate=rate)
    frames = FrameGenerator(sung(f0, rate), frameSize=size, hopSize=160, startFromZero=False)
    pitch = np.array([find(spectrum(window(frame)) if fft else frame)[0] for frame in frames])
    times = np.arange(len(pitch)) * 160 / rate
    steady = (times > 1) & (times < 5)
    turn = 2 * np.pi * VIBRATO * times[steady]
    parts = np.stack([np.ones_like(turn), np.sin(turn), np.cos(turn)], axis=1)
    _, sine, cosine = np.linalg.lstsq(parts, 1200 * np.log2(pitch[steady] / f0), rcond=None)[0]
    return -1000 * np.arctan2(cosine, sine) / (2 * np.pi * VIBRATO)


for rate, size in ((44_100, 2048), (16_000, 2048), (16_000, 1024)):
    yin, fft = (np.array([late(f0, rate, size, kind) for f0 in NOTES]) for kind in (False, True))
    said = [1000 * (size / 4 / rate - 1 / (2 * f0)) for f0 in NOTES]
    print(f"{rate} Hz, frames of {size}: PitchYin {yin.round(1)} ms late; PitchYinFFT {fft.round(1)}")
    assert np.abs(yin - said).max() < 0.5 and yin.min() > 6
    assert np.abs(fft).max() < 0.2
PYTHON
