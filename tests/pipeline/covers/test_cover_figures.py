from pathlib import Path

import numpy as np
import pytest

from models.signal import MUSIC_RATE, SPEECH_RATE
from pipeline.covers.cover_figures import FRAMES, heard_windows, sounding
from pipeline.sound.decode import STEM, decode
from pipeline.sound.downmix import Downmix
from pipeline.sound.encode import encode

WINDOW = 7.68
LOUD, SOFT = 0.1, 0.001


@pytest.mark.parametrize(
    "levels, most, windows",
    [
        ([LOUD] * 10, 4, [0, 3, 6, 9]),
        ([LOUD] * 10, 20, list(range(10))),
        ([SOFT, LOUD, SOFT, LOUD, LOUD], 2, [1, 4]),
        ([SOFT, LOUD], 1, [1]),
        ([SOFT] * 3, 4, []),
        ([], 4, []),
    ],
)
def test_windows_that_sound_are_spread_evenly_over_the_song(levels: list[float], most: int, windows: list[int]) -> None:
    rms = np.repeat(np.array(levels, np.float32), FRAMES)
    assert sounding(rms, most).tolist() == windows


def test_the_last_window_counts_by_the_sound_that_it_has() -> None:
    assert sounding(np.full(FRAMES + 5, LOUD, np.float32), 4).tolist() == [0, 1]


def test_a_window_of_a_stem_is_what_lies_there(tmp_path: Path) -> None:
    seconds = 2.5 * WINDOW
    time = np.arange(round(seconds * MUSIC_RATE)) / MUSIC_RATE
    tone = np.sin(2 * np.pi * (200 + 40 * time) * time) / 2
    sound = np.stack([tone, np.zeros(len(time))]).astype(np.float32)
    encode(tmp_path / "stem.flac", sound, MUSIC_RATE)
    whole = decode(tmp_path / "stem.flac", SPEECH_RATE, channels=2, limits=STEM, name="stem")[0]
    first, last = heard_windows(tmp_path / "stem.flac", Downmix(1.0, 0.0), np.array([1, 2]))
    window = round(WINDOW * SPEECH_RATE)
    assert len(first) == window and len(last) == pytest.approx(window / 2, abs=1)
    inner = slice(100, -100)  # a resampler knows nothing of what lies beside
    assert np.abs(first - whole[window : 2 * window])[inner].max() < 1e-4
    assert np.abs(last - whole[2 * window : 2 * window + len(last)])[inner].max() < 1e-4
