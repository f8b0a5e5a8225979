"""Features: frames that line up with the sound, true voicing, the same in a stream as at once."""

from pathlib import Path

import numpy as np
import pytest
import torch

from models.content.encoder import ContentEncoder
from models.memory import AllocationFailed
from models.pitch import trackers
from models.signal import SPEECH_RATE, Floats32
from pipeline.listening import features as module
from pipeline.listening.features import Features, extract, extract_stream, load, save
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.decode import NOTE, decode


def tone(seconds: float, hz: float = 220.0) -> Floats32:
    """A buzz like a sung vowel: harmonics that fall by 6 dB an octave."""
    t = np.arange(int(seconds * SPEECH_RATE)) / SPEECH_RATE
    return np.asarray(sum(0.2 / k * np.sin(2 * np.pi * hz * k * t) for k in range(1, 12)), np.float32)


def test_a_tone_has_its_pitch_and_a_rest_has_none(models: ModelPool) -> None:
    wav = tone(4)
    wav[int(1.5 * SPEECH_RATE) : int(2.5 * SPEECH_RATE)] = 0
    extracted = extract(wav, models.content, models.pitch)
    assert len(extracted) == 400 and extracted.content.shape == (200, 192)
    sung = np.r_[20:130, 270:380]
    assert extracted.voiced[sung].mean() > 0.95
    assert not extracted.voiced[170:230].any()
    cents = 1200 * np.log2(extracted.f0[sung][extracted.voiced[sung]] / 220)
    assert np.abs(np.median(cents)) < 20


def vowel(hz: float, seconds: float = 1.2) -> Floats32:
    """A sung vowel with vibrato: harmonics under four formants."""
    t = np.arange(int(seconds * SPEECH_RATE)) / SPEECH_RATE
    turn = 2 * np.pi * np.cumsum(hz * 2 ** (0.25 / 12 * np.sin(2 * np.pi * 5.5 * t))) / SPEECH_RATE
    formants = ((850, 300, 1.0), (1300, 300, 0.7), (2800, 350, 0.3), (3400, 400, 0.2))

    def strength(k: int) -> float:
        return (sum(a / (1 + ((k * hz - c) / b) ** 2) for c, b, a in formants) + 0.02) / k

    sung = sum(strength(k) * np.sin(k * turn) for k in range(1, int(7500 / hz) + 1))
    fade = np.minimum(1, np.minimum(t, seconds - t) / 0.05)
    return np.asarray(0.4 * sung / np.abs(sung).max() * fade, np.float32)


NOTES = {"A1": 55.0, "E2": 82.41, "A3": 220.0, "A5": 880.0, "D6": 1174.66, "F6": 1396.91, "G6": 1567.98}


@pytest.mark.parametrize("tracker", ["swift", "fcpe"])
def test_from_a_bass_to_a_soprano_the_pitch_is_the_notes(models: ModelPool, tracker: str) -> None:
    trackers_ = models.pitch if tracker == "swift" else trackers.load(name=tracker)
    for name, hz in NOTES.items():
        f0 = extract(vowel(hz), models.content, trackers_).f0[20:100]
        assert (f0 > 0).mean() > 0.9, name
        assert abs(np.median(1200 * np.log2(f0[f0 > 0] / hz))) < 20, name


@pytest.mark.parametrize("tracker", ["swift", "fcpe"])
def test_no_tracker_hears_how_loud_a_recording_is(models: ModelPool, notes: list[Path], tracker: str) -> None:
    trackers_ = models.pitch if tracker == "swift" else trackers.load(name=tracker)
    wav = decode(notes[0], SPEECH_RATE, channels=1, limits=NOTE, name="note")[: 8 * SPEECH_RATE]
    loud = extract(wav / np.abs(wav).max(), models.content, trackers_).voiced
    for decibels in (-50, 14):
        gained = extract(wav * np.float32(10 ** (decibels / 20)), models.content, trackers_).voiced
        assert gained.sum() == pytest.approx(loud.sum(), rel=0.01)


def test_a_soft_word_in_a_long_break_is_heard(models: ModelPool) -> None:
    wav = np.zeros(50 * SPEECH_RATE, np.float32)
    wav[SPEECH_RATE : 3 * SPEECH_RATE] = tone(2)
    word = slice(34 * SPEECH_RATE, int(34.4 * SPEECH_RATE))
    wav[word] = tone(0.4) * np.float32(10 ** (-40 / 20))
    heard = extract_stream([wav], models.content, models.pitch, 50)
    assert heard.voiced[3402:3438].mean() > 0.8


def test_pitch_does_not_jump_where_one_tracker_loses_the_note(models: ModelPool, song: Path) -> None:
    wav = decode(song, SPEECH_RATE, channels=1, limits=NOTE, name="song")  # voice among instruments: hard for both
    fcpe = trackers.load(name="fcpe")
    alone, together = fcpe.f0(wav), extract(wav, models.content, fcpe)
    n = min(len(alone), len(together))
    both = together.voiced[1:n] & together.voiced[: n - 1]

    def jumps(f0: Floats32) -> float:
        return float((np.abs(1200 * np.diff(np.log2(np.maximum(f0[:n], 1.0)))) > 600)[both].mean())

    assert jumps(together.f0) < jumps(alone)
    assert jumps(together.f0) < 0.02


def test_a_stream_has_the_features_of_the_whole(
    models: ModelPool, notes: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    wav = decode(notes[0], SPEECH_RATE, channels=1, limits=NOTE, name="note")
    whole = extract(wav, models.content, models.pitch)
    monkeypatch.setattr(module, "BLOCK_SECONDS", 6)
    blocks = (wav[i : i + 30_000] for i in range(0, len(wav), 30_000))
    streamed = extract_stream(blocks, models.content, models.pitch, len(wav) / SPEECH_RATE)
    alike(streamed, whole)


@pytest.mark.parametrize("tracker", ["swift", "fcpe"])
def test_what_was_heard_of_a_note_before_is_heard_again(
    models: ModelPool, notes: list[Path], tracker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_SECONDS", 12)
    wav = decode(notes[0], SPEECH_RATE, channels=1, limits=NOTE, name="note")
    long = wav[: 14 * SPEECH_RATE + 123]  # in parts
    pitch = models.pitch if tracker == "swift" else trackers.load(name=tracker)
    alone, told = (extract(long, models.content, pitch, heard) for heard in (None, pitch.voicing(long)))
    assert (alone.voiced == told.voiced).mean() > 0.99
    both = alone.voiced & told.voiced
    cents = np.abs(1200 * np.log2(told.f0[both] / alone.f0[both]))
    assert np.median(cents) < 2 and np.percentile(cents, 99) < 50
    silent = np.zeros_like(pitch.voicing(long)[1])
    assert not extract(long, models.content, pitch, (silent, silent)).voiced.any()


def test_where_memory_runs_out_less_is_encoded_at_once(models: ModelPool, notes: list[Path]) -> None:
    wav = decode(notes[0], SPEECH_RATE, channels=1, limits=NOTE, name="note")[: 13 * SPEECH_RATE]
    whole = extract(wav, models.content, models.pitch)
    small = SmallMemory(models.content, seconds=8)
    halved = extract(wav, small, models.pitch)
    assert small.asked[0] == len(wav) and max(small.asked[-3:]) <= 8 * SPEECH_RATE
    alike(halved, whole)
    streamed = extract_stream([wav], small, models.pitch, len(wav) / SPEECH_RATE)
    alike(streamed, whole)
    with pytest.raises(AllocationFailed, match="1 pieces of 2 s that are listened to at once"):
        extract(wav, SmallMemory(models.content, seconds=1), models.pitch)


def test_a_long_note_is_encoded_in_equal_parts(models: ModelPool, notes: list[Path]) -> None:
    wav = decode(notes[0], SPEECH_RATE, channels=1, limits=NOTE, name="note")
    twice, patient = np.concatenate([wav] * 3), SmallMemory(models.content, seconds=1000)
    extracted = extract(twice, patient, models.pitch)
    assert len(extracted) == len(twice) // 160
    assert patient.asked == [
        36 * SPEECH_RATE,
        len(twice) - 32 * SPEECH_RATE,
    ]  # 34 s and the rest, with 2 s heard around
    alike(extract(wav, models.content, models.pitch), extract(wav, patient, models.pitch))


class SmallMemory:
    """The content encoder on a device that holds so many seconds."""

    def __init__(self, encoder: ContentEncoder, seconds: int) -> None:
        self.encoder, self.seconds, self.asked = encoder, seconds, list[int]()
        self.centred, self.width, self.name = encoder.centred, encoder.width, encoder.name
        self.model_id, self.cache_id, self.device = encoder.model_id, encoder.cache_id, encoder.device

    def encode(self, wav: torch.Tensor) -> torch.Tensor:
        self.asked.append(len(wav))
        if len(wav) > self.seconds * SPEECH_RATE:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")
        return self.encoder.encode(wav)


def alike(some: Features, whole: Features) -> None:
    n = min(len(some), len(whole))
    assert abs(len(some) - len(whole)) <= 1
    assert (some.voiced[:n] == whole.voiced[:n]).mean() > 0.97
    both = some.voiced[:n] & whole.voiced[:n]
    cents = 1200 * np.abs(np.log2(some.f0[:n][both] / whole.f0[:n][both]))
    assert np.median(cents) < 5 and np.percentile(cents, 95) < 60
    np.testing.assert_allclose(some.rms[:n], whole.rms[:n], atol=2e-3)
    loud = whole.rms[:n:2] > 0.01
    rows = min(len(some.content), len(whole.content), len(loud))
    one, other = some.content[:rows][loud[:rows]], whole.content[:rows][loud[:rows]]
    cosine = (one * other).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
    assert np.median(cosine) > 0.97 and np.percentile(cosine, 5) > 0.9  # the encoder hears a mean over what it is given


def test_saved_features_are_read_as_they_were(models: ModelPool, tmp_path: Path) -> None:
    extracted = extract(tone(2), models.content, models.pitch)
    save(tmp_path / "f.npz", extracted)
    again = load(tmp_path / "f.npz")
    np.testing.assert_array_equal(again.f0, extracted.f0)
    np.testing.assert_allclose(again.content, extracted.content, atol=0.01)
    assert [p.name for p in tmp_path.iterdir()] == ["f.npz"]
