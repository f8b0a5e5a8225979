"""Mutated sounds are decoded, or refused with one sentence: nothing crashes, hangs, grows or leaves a file."""

from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest

from models.signal import Floats32
from pipeline.errors import SoundError
from pipeline.sound.decode import NOTE, decode_blocks
from tests.fuzz.trials import run_trials, trial_count

SAMPLE = 150
RATE = 48_000
FORMATS = {
    ".wav": "pcm_s16le",
    ".flac": "flac",
    ".mp3": "libmp3lame",
    ".ogg": "libopus",
    ".m4a": "aac",
    ".webm": "libopus",
    ".mkv": "libvorbis",
}
pytestmark = [pytest.mark.slow, pytest.mark.timeout(6 * 3600)]


def sound() -> Floats32:
    """(1, n) two seconds: a rising tone in noise."""
    seconds = np.arange(2 * RATE) / RATE
    tone = np.sin(2 * np.pi * (200 + 100 * seconds) * seconds) + 0.1 * np.random.default_rng(0).normal(
        size=len(seconds)
    )
    return (0.2 * tone[None]).astype(np.float32)


def encoded(folder: Path, suffix: str, codec: str) -> bytes:
    """The sound in one format."""
    path = folder / f"sound{suffix}"
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=RATE, layout="mono")
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame.from_ndarray(sound(), format="fltp", layout="mono")
        frame.sample_rate = RATE
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return path.read_bytes()


def read(path: Path) -> str:
    """What came of decoding it as a note."""
    samples = 0
    try:
        for block in decode_blocks(path, 16_000, channels=1, limits=NOTE, block_seconds=1.0, name=path.name):
            assert np.isfinite(block).all() and block.shape[0] == 1
            samples += block.shape[1]
    except SoundError as error:
        assert str(error) and "\n" not in str(error)
        return type(error).__name__
    assert samples <= NOTE.max_seconds * 16_000 + 16_000
    return "decoded"


def test_mutated_sounds_are_decoded_or_refused(tmp_path: Path) -> None:
    files = [encoded(tmp_path, suffix, codec) for suffix, codec in FORMATS.items()]
    outcomes = run_trials(partial(read), files, list(FORMATS), trial_count(SAMPLE))
    print(dict(sorted(outcomes.items())))
    assert outcomes["decoded"] and outcomes.keys() - {"decoded"}
