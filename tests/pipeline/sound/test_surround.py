"""Of surround sound every channel is heard where it stands, at the level that BS.775 gives it."""

from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
import pytest
import soundfile

from models.signal import Floats32
from pipeline.sound.decode import SONG, decode, probe
from tests.pipeline import sounds

RATE = 48_000
TONES = 200 * 2 ** np.arange(6) + 37.0
"""Hz of front left and right, centre, LFE, left and right behind."""
SIX = np.stack([sounds.sine(4, RATE, hertz, peak=0.2) for hertz in TONES])
HALF = 0.5**0.5
LEFT, RIGHT = [1, 0, HALF, 0, HALF, 0], [0, 1, HALF, 0, 0, HALF]


def made(path: Path) -> Path:
    codec = {".m4a": "aac", ".mka": "ac3", ".flac": "flac"}.get(path.suffix)
    if codec is None:
        soundfile.write(path, SIX.T, RATE, subtype="PCM_24")
        return path
    form = "s16" if codec == "flac" else "fltp"
    data: Any = np.rint(SIX * 32767).astype(np.int16).T.reshape(1, -1) if form == "s16" else SIX
    with av.open(str(path), "w") as box:
        stream: Any = box.add_stream(codec, rate=RATE, layout="5.1")
        stream.format, stream.bit_rate = form, 448_000
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(data), form, "5.1")
        frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            box.mux(packet)
    return path


def levels(sound: Floats32) -> list[float]:
    """How loud each channel's tone is, of what it was."""
    middle = sound[RATE : 3 * RATE]
    turns = np.exp(-2j * np.pi * TONES[:, None] / RATE * np.arange(len(middle)))
    return list(np.abs(turns @ middle) / len(middle) / 0.1)


@pytest.mark.parametrize("suffix", [".wav", ".m4a", ".mka", ".flac"])
def test_surround_sound_is_heard_in_stereo(tmp_path: Path, suffix: str) -> None:
    path = made(tmp_path / f"song{suffix}")
    left, right = decode(path, RATE, channels=2, limits=SONG, name="x")
    assert levels(left) == pytest.approx(LEFT, abs=0.05)
    assert levels(right) == pytest.approx(RIGHT, abs=0.05)
    assert probe(path, SONG, "x").channels == 2


@pytest.mark.parametrize("channels", [1, 2])
def test_it_is_as_long_as_it_was(tmp_path: Path, channels: Literal[1, 2]) -> None:
    sound = decode(made(tmp_path / "song.wav"), RATE, channels=channels, limits=SONG, name="x")
    assert sound.shape[-1] == SIX.shape[1] and np.abs(sound).max() > 0.2
