#!/usr/bin/env bash
# PyAV 16.1.0 from PyPI (its wheel carries FFmpeg 8 with its own AAC encoder, which `.m4a` and `.mp4` get by default).
#
# Two channels that are the same, a mono song or a voice in the middle, are thought to be the same again after a codec: joint stereo
# spends nothing on the difference. FFmpeg's AAC replaces what it takes for noise, above 4 kHz, by noise of the decoder's ("perceptual
# noise substitution"), and each channel gets its own. So breath, consonants, cymbals and applause in the middle come back wide: at the
# default of 128 kbit/s a fourteenth of their power is in the difference, at 96 a ninth. Folded to mono they are softer by as much, left minus
# right has them, and a song less the AAC of its stem keeps them. The documentation has the switch, `aac_pns`, and that it is on, not what it
# does to two equal channels. With `aac_pns=0` they stay equal; the program `ffmpeg` (9.0) does the same.
#
# Seen, 4 to 12 kHz, the difference beside what went in, and the level of the sum. A voice with hi-hats: 96 kbit/s -9.5 dB, -.9 dB; 128
# -11.5, -.6; 160 -15.6, -.4; 192 -19.8, -.2. White noise, 128: -9.2, -.9. With aac_pns=0 all differences are below -100 dB.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet av==16.1.0 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PYTHON'
import io

import av
import numpy as np
from scipy.signal import butter, sosfilt

RATE = 44_100
random = np.random.default_rng(0)
time = np.arange(4 * RATE) / RATE
phase = 2 * np.pi * np.cumsum(220 * (1 + 0.02 * np.sin(2 * np.pi * 5.5 * time))) / RATE
voice = sum(np.sin(k * phase + k * k) / k for k in range(1, 40))
hats = sosfilt(butter(4, [3000, 15_000], "bandpass", fs=RATE, output="sos"), random.standard_normal(len(time)))
hats *= np.exp(-(time % 0.125) / 0.03)
SONG = 0.1 * voice / voice.std() + 0.05 * hats / hats.std()
NOISE = 0.1 * random.standard_normal(len(time))


def by_aac(mono, bitrate, **options):
    """The same sound in both channels, coded and decoded: (2, samples)."""
    file = io.BytesIO()
    with av.open(file, "w", format="ipod") as container:
        stream = container.add_stream("aac", rate=RATE, layout="stereo", options={"b": f"{bitrate}k", **options})
        frame = av.AudioFrame.from_ndarray(np.stack([mono, mono]).astype(np.float32), "fltp", "stereo")
        frame.sample_rate = RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], 1)


def spread(mono, bitrate, **options):
    """DB of half the difference and of half the sum beside what went in, 4 to 12 kHz."""
    band = butter(6, [4000, 12_000], "bandpass", fs=RATE, output="sos")
    left, right = by_aac(mono, bitrate, **options)
    parts = [sosfilt(band, part)[RATE : 3 * RATE].std() for part in ((left - right) / 2, (left + right) / 2)]
    return [20 * float(np.log10(part / sosfilt(band, mono)[RATE : 3 * RATE].std() + 1e-12)) for part in parts]


for name, sound, bitrate, least in (("song", SONG, 96, -13), ("song", SONG, 128, -15), ("song", SONG, 160, -20),
                                    ("song", SONG, 192, -23), ("noise", NOISE, 128, -13)):
    difference, total = spread(sound, bitrate)
    without, _ = spread(sound, bitrate, aac_pns="0")
    print(f"{name}, {bitrate} kbit/s: difference {difference:.1f} dB, sum {total:+.1f} dB; without {without:.0f} dB")
    assert difference > least and without < -100 and (bitrate > 128 or total < -0.3)
PYTHON
