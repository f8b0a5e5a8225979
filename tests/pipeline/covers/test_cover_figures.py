from pathlib import Path

import numpy as np
import pytest
import torch

from models.quality.distillmos import MosPredictor
from models.signal import MUSIC_RATE, SPEECH_RATE, Floats32
from pipeline.covers.cover_figures import FRAMES, compare, heard_windows, sounding
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.decode import STEM, decode
from pipeline.sound.downmix import Downmix
from pipeline.sound.encode import encode

WINDOW = 7.68
LOUD, SOFT = 0.1, 0.001
LEFT = Downmix(1.0, 0.0)


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


def a_stem(path: Path, windows: float) -> Floats32:
    """Write a rising tone of so many windows; the left channel (samples,) at 16 kHz."""
    time = np.arange(round(windows * WINDOW * MUSIC_RATE)) / MUSIC_RATE
    tone = np.sin(2 * np.pi * (200 + 15 * time) * time) / 2
    encode(path, np.stack([tone, np.zeros(len(time))]).astype(np.float32), MUSIC_RATE)
    left, _ = decode(path, SPEECH_RATE, channels=2, limits=STEM, name="stem")
    return np.asarray(left)


def check_same(heard: Floats32, whole: Floats32, window: float) -> None:
    """What was heard is this window of the whole; a resampler knows nothing of what lies beside."""
    there = whole[round(window * WINDOW * SPEECH_RATE) :][: len(heard)]
    assert len(heard) == round(WINDOW * SPEECH_RATE) and np.abs(heard - there)[100:-100].max() < 1e-4


def test_windows_of_a_stem_are_what_lies_there_and_the_last_reaches_back(tmp_path: Path) -> None:
    whole = a_stem(tmp_path / "stem.flac", 2.5)
    heard = heard_windows(tmp_path / "stem.flac", LEFT, np.array([0, 2]))
    for window, start in zip(heard.whole, [0, 1.5], strict=True):
        check_same(window, whole, start)
    assert len(heard.joined) == round(1.5 * WINDOW * SPEECH_RATE)
    assert (heard.joined == np.concatenate([heard.whole[0], heard.whole[1][len(heard.whole[1]) // 2 :]])).all()


def test_a_stem_that_is_shorter_than_a_window_is_one(tmp_path: Path) -> None:
    whole = a_stem(tmp_path / "stem.flac", 0.5)
    heard = heard_windows(tmp_path / "stem.flac", LEFT, np.array([0]))
    assert len(heard.whole) == 1 and len(heard.joined) == len(whole)


def test_no_opinion_is_of_two_places_of_a_song(
    models: ModelPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Floats32] = []

    def opinions(self: MosPredictor, wav: Floats32) -> Floats32:
        asked.append(wav)
        return np.full(1, len(asked), np.float32)

    monkeypatch.setattr(MosPredictor, "windows", opinions)
    whole = a_stem(tmp_path / "vocals.flac", 6.5)
    (tmp_path / "cover.flac").write_bytes((tmp_path / "vocals.flac").read_bytes())
    rms = np.full(len(whole) * 100 // SPEECH_RATE, LOUD, np.float32)
    files = tmp_path / "vocals.flac", tmp_path / "cover.flac"
    figures = compare(*files, rms, LEFT, torch.zeros(256), 0, models)
    assert len(asked) == 8
    for heard, window in zip(asked, [0, 2, 4, 5.5] * 2, strict=True):
        check_same(heard, whole, window)
    assert (figures.mos_source, figures.mos_cover) == (2.5, 6.5)
    assert figures.seconds == pytest.approx(3.5 * WINDOW)
    assert compare(*files, rms, LEFT, torch.zeros(256), 0, models).mos_source == 2.5 and len(asked) == 12
