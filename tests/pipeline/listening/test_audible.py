"""What no listener hears in a note changes nothing of what networks hear."""

from pathlib import Path

import numpy as np
import pytest

from models.signal import SPEECH_RATE, Floats32
from pipeline.listening.notes import audible, audible_at
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.decode import NOTE, decode, decode_at
from pipeline.sound.hum import part_hum
from tests.conftest import LIBRARY
from tests.pipeline import sounds


def voice(name: str, number: int = 2) -> Floats32:
    path: Path = LIBRARY / name / f"{number}.ogg"
    wav = decode(path, SPEECH_RATE, channels=1, limits=NOTE, name=name)
    return np.asarray(0.5 * wav / np.abs(wav).max(), np.float32)


def tone(samples: int, hertz: float, peak: float) -> Floats32:
    return np.asarray(peak * np.sin(2 * np.pi * hertz * np.arange(samples) / SPEECH_RATE), np.float32)


@pytest.mark.parametrize("name", ["af_heart", "libri-2609", "bf_emma", "am_michael"])
def test_offset_rumble_and_hum_leave_the_embedding_where_it_was(models: ModelPool, name: str) -> None:
    wav = voice(name)
    count = len(wav)
    added = {
        "offset": np.full(count, 0.02, np.float32),
        "rumble": tone(count, 20, 0.05),
        "hum of 50 Hz": tone(count, 50.05, 0.02),
        "hum of 60 Hz": tone(count, 60, 0.02),
        "hum of a rectifier": tone(count, 99.93, 0.02),
        "hum of another rectifier": tone(count, 120.1, 0.02),
        "hum of a rectifier's overtones": np.sum(
            [tone(count, 100.06 * k, 0.02 / k) for k in range(1, 9)], axis=0, dtype=np.float32
        ),
        "hum with overtones": np.sum([tone(count, 60 * k, 0.02 / k) for k in range(1, 10)], axis=0, dtype=np.float32),
    }
    before = models.singer.embed(audible(wav, SPEECH_RATE))
    assert before is not None
    for what, sound in added.items():
        after = models.singer.embed(audible(wav + sound, SPEECH_RATE))
        assert after is not None
        cosine = float(before @ after)
        print(f"{name}, {what}: {cosine:.4f}")
        assert cosine > (0.995 if what.startswith("hum") else 0.999), what


def overtones(samples: int, hertz: float, peak: float) -> Floats32:
    return np.asarray(np.sum([tone(samples, hertz * k, peak / k) for k in range(1, 10)], axis=0), np.float32)


@pytest.mark.parametrize("hertz", [50, 60, 100, 120])
@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("af_heart", 1),  # of less than three seconds
        ("af_heart", 4),  # its number of windows falls with six decibels more of what is left
        ("libri-3080", 2),  # recorded in a room
    ],
)
def test_hum_leaves_short_recordings(models: ModelPool, name: str, number: int, hertz: float) -> None:
    wav = voice(name, number)
    before = models.singer.embed(audible(wav, SPEECH_RATE))
    after = models.singer.embed(audible(wav + overtones(len(wav), hertz, 0.02), SPEECH_RATE))
    assert before is not None and after is not None and float(before @ after) > 0.99


@pytest.mark.parametrize("hertz", [50, 60, 120])
@pytest.mark.parametrize(("name", "number"), [("af_heart", 4), ("am_michael", 2), ("bf_emma", 1)])
def test_hum_goes_to_the_very_ends_of_a_recording(name: str, number: int, hertz: float) -> None:
    wav = voice(name, number)
    hum = overtones(len(wav), hertz, 0.05)
    left = audible(wav + hum, SPEECH_RATE) - audible(wav, SPEECH_RATE)
    for part in (slice(SPEECH_RATE // 4), slice(-SPEECH_RATE // 4, None), slice(None)):
        decibels = 10 * np.log10(np.square(left[part]).mean() / np.square(hum[part]).mean())
        print(f"{name}, {hertz} Hz: {decibels:.1f} dB")
        assert decibels < -55


@pytest.mark.parametrize("hertz", [49.93, 60, 120.1])
@pytest.mark.parametrize("rate", [24_000, 44_100])
@pytest.mark.parametrize(("name", "number"), [("af_heart", 1), ("am_michael", 2)])
def test_hum_that_is_heard_at_one_rate_goes_at_another(name: str, number: int, rate: int, hertz: float) -> None:
    rates = [SPEECH_RATE, rate]
    path: Path = LIBRARY / name / f"{number}.ogg"
    wavs = decode_at(path, rates, channels=1, limits=NOTE, name=name)
    hums = [
        np.sum([0.05 / k * np.sin(2 * np.pi * hertz * k * np.arange(len(wav)) / rate) for k in range(1, 10)], axis=0)
        for wav, rate in zip(wavs, rates, strict=True)
    ]
    humming = [np.asarray(wav + hum, np.float32) for wav, hum in zip(wavs, hums, strict=True)]
    left = audible_at(humming, rates)[1] - audible(wavs[1], rate)
    for part in (slice(rate // 4), slice(-rate // 4, None), slice(None)):
        decibels = 10 * np.log10(np.square(left[part]).mean() / np.square(hums[1][part]).mean())
        print(f"{name}, {hertz} Hz at {rate} Hz: {decibels:.1f} dB")
        assert decibels < -55


def test_where_nothing_hums_nothing_changes(notes: list[Path]) -> None:
    wav = decode(notes[0], SPEECH_RATE, channels=1, limits=NOTE, name="note")
    assert part_hum(wav, SPEECH_RATE)[0] is wav
    held = sounds.sine(6, SPEECH_RATE, 100) + sounds.sine(6, SPEECH_RATE, 200)
    assert part_hum(held, SPEECH_RATE)[0] is held  # a held note of a bass is no hum
