"""The clips of a listening test: short, equally loud, and the anchor is worse."""

from pathlib import Path

import numpy as np
import pytest

from models.signal import MUSIC_RATE, Floats32
from pipeline.errors import NotAudio, SilentFile
from pipeline.sound.decode import STEM, decode
from pipeline.sound.encode import encode
from pipeline.sound.loudness import LoudnessMeter, true_peak
from pipeline.sound.rated_clips import RatedSource, loudest_part, low_anchor, make_rated_clips


def tone(seconds: float, gain: float, hertz: float = 440.0) -> Floats32:
    time = np.arange(round(seconds * MUSIC_RATE)) / MUSIC_RATE
    return np.asarray(gain * np.sin(2 * np.pi * hertz * time) * np.ones((2, 1)), np.float32)


def noise(seconds: float, gain: float) -> Floats32:
    return np.asarray(gain * np.random.default_rng(1).standard_normal((2, round(seconds * MUSIC_RATE))), np.float32)


def loudness(sound: Floats32) -> float:
    meter = LoudnessMeter(MUSIC_RATE, 2)
    meter.add(sound)
    return meter.integrated()


def above(sound: Floats32, hertz: float) -> float:
    """The share of power above a frequency."""
    power = np.abs(np.fft.rfft(sound[0])) ** 2
    return float(power[np.fft.rfftfreq(sound.shape[1], 1 / MUSIC_RATE) > hertz].sum() / power.sum())


def test_all_clips_are_equally_loud_and_at_most_15_seconds(tmp_path: Path) -> None:
    sounds = [
        tone(20, 0.01),
        tone(3, 0.9),
        noise(16, 0.1),
        noise(10, 0.03) * np.where(np.arange(441_000) % 44_100 < 9000, 3, 1),
    ]
    sources = []
    for number, sound in enumerate(sounds):
        path = tmp_path / f"source{number}.wav"
        encode(path, np.asarray(np.broadcast_to(sound, (2, sound.shape[-1])), np.float32), MUSIC_RATE)
        sources.append(RatedSource(path, path.name))
    out = tmp_path / "out"
    out.mkdir()
    paths = make_rated_clips([*sources, RatedSource(sources[2].path, "a", anchor=True)], out, 1, lambda *_: None)
    clips = [decode(path, MUSIC_RATE, channels=2, limits=STEM, name="x") for path in paths]
    assert [clip.shape[1] / MUSIC_RATE for clip in clips] == pytest.approx([15, 3, 15, 10, 15], abs=0.01)
    levels = [loudness(clip) for clip in clips]
    assert max(levels) - min(levels) < 0.6 and max(levels) < -20
    assert max(true_peak(clip, MUSIC_RATE) for clip in clips) < -0.5
    assert {path.name for path in paths} == {f"{number}.mp3" for number in range(5)}


def test_the_loudest_seconds_are_those_of_what_is_in_the_middle() -> None:
    sound = np.zeros((2, 60 * MUSIC_RATE), np.float32)
    sound[:, 20 * MUSIC_RATE : 30 * MUSIC_RATE] = tone(10, 0.2)
    beside = tone(10, 0.9)
    sound[:, 45 * MUSIC_RATE : 55 * MUSIC_RATE] = beside * np.array([[1], [-1]], np.float32)
    part = loudest_part(sound, MUSIC_RATE)
    assert part.shape == (2, 15 * MUSIC_RATE)
    assert np.square(part.mean(0)).sum() == pytest.approx(np.square(tone(10, 0.2)[0]).sum(), rel=1e-3)


def test_the_anchor_is_dull_and_noisy_and_always_the_same() -> None:
    clip = tone(2, 0.3) + tone(2, 0.3, 8000)
    anchor = low_anchor(clip, MUSIC_RATE, 7)
    assert above(clip, 4000) == pytest.approx(0.5, abs=0.01)
    rest = anchor - tone(2, 0.3)
    inner = slice(4000, -4000)
    ratio = 10 * np.log10(np.square(tone(2, 0.3)[:, inner]).mean() / np.square(rest[:, inner]).mean())
    assert ratio == pytest.approx(15, abs=0.5)
    assert np.array_equal(anchor, low_anchor(clip, MUSIC_RATE, 7))
    assert not np.array_equal(anchor, low_anchor(clip, MUSIC_RATE, 8))


def test_what_cannot_be_heard_is_one_sentence(tmp_path: Path) -> None:
    silent, text = tmp_path / "silent.wav", tmp_path / "text.wav"
    encode(silent, np.zeros((2, 5 * MUSIC_RATE), np.float32), MUSIC_RATE)
    text.write_text("no sound at all")
    with pytest.raises(SilentFile, match="An uploaded clip"):
        make_rated_clips([RatedSource(silent, "An uploaded clip")], tmp_path, 1, lambda *_: None)
    with pytest.raises(NotAudio):
        make_rated_clips([RatedSource(text, "x")], tmp_path, 1, lambda *_: None)
