#!/usr/bin/env bash
# sphn 0.2.1 from PyPI, beside soxr 1.1.0.
#
# soxr, resampy, torchaudio and SciPy give back what they resample in its place and as long as it should be, and one expects it of
# `sphn.resample` and of `sphn.read(..., sample_rate=)`, through which voices come to their models. Its resampler works in blocks of
# 1024 samples and hands its own delay on: all sounds 11 to 32 ms later, by another time for each pair of rates. The length is rounded up
# to a block, so some sound gets silence at its end and another loses its last 24 ms. What went from 48 to 16 kHz and back is 43 ms late.
# Pitch, words and voices taken from it lie behind the song, and from 44.1 and from 48 kHz by different times. The documentation has one
# line, "Resamples some pcm data". Read at the file's own rate, and resample by another.
#
# Seen, noise of 3 s: 44.1 to 16 kHz and 48 to 16 kHz 15.0 and 10.7 ms late; 44.1 to 48 11.6; 48 to 24 10.7; 24 to 48 21.3; 16 to 48 32.0,
# the last 24 of them missing at the end.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet sphn==0.2.1 soxr==1.1.0 soundfile==0.14.0 numpy==2.4.6 scipy==1.17.1
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import soundfile
import soxr
import sphn
from scipy.signal import butter, sosfilt

random = np.random.default_rng(0)


def noise(rate):
    band = butter(4, [200, 5000], "bandpass", fs=rate, output="sos")
    return (0.1 * sosfilt(band, random.standard_normal(3 * rate))).astype(np.float32)


def late(sound, there, rate):
    """Ms by which a sound is behind another one, by correlation over a second."""
    most = rate // 10
    found = np.correlate(sound[rate - most : 2 * rate + most], there[rate : 2 * rate], "valid")
    return 1000 * (int(np.argmax(found)) - most) / rate


seen, lost = {}, {}
for rate, to in ((44_100, 16_000), (48_000, 16_000), (44_100, 48_000), (48_000, 24_000), (24_000, 48_000), (16_000, 48_000)):
    sound = noise(rate)
    resampled = sphn.resample(sound, src_sample_rate=rate, dst_sample_rate=to)
    seen[rate, to] = late(resampled, soxr.resample(sound, rate, to), to)
    lost[rate, to] = seen[rate, to] - 1000 * (len(resampled) / to - 3)
    print(f"{rate} to {to} Hz: {seen[rate, to]:.1f} ms late, the last {max(0, lost[rate, to]):.1f} ms are missing")
    assert 10 < seen[rate, to] < 33
sound = noise(48_000)
there = sphn.resample(sound, src_sample_rate=48_000, dst_sample_rate=16_000)
back = late(sphn.resample(there, src_sample_rate=16_000, dst_sample_rate=48_000), sound, 48_000)
print(f"48 to 16 kHz and back: {back:.1f} ms late")
sound = noise(44_100)
soundfile.write("noise.wav", sound, 44_100, subtype="FLOAT")
read = late(sphn.read("noise.wav", sample_rate=16_000)[0][0], soxr.resample(sound, 44_100, 16_000), 16_000)
print(f"read at 16 kHz: {read:.1f} ms late; at its own rate {late(sphn.read('noise.wav')[0][0], sound, 44_100):.1f}")
assert abs(read - seen[44_100, 16_000]) < 0.2 and late(sphn.read("noise.wav")[0][0], sound, 44_100) == 0
assert max(seen.values()) > min(seen.values()) + 15 and 40 < back < 46
assert lost[16_000, 48_000] > 20 and lost[44_100, 16_000] > 10
PYTHON
