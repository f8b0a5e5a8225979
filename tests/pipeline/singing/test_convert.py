"""Conversion: pitch, loudness and joints, on a network that follows f0 from its first step."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from models.content import whisper_text
from models.harmonic.voice_base import load_base
from models.memory import AllocationFailed
from models.precision import agreement
from models.rvc import S24, Synthesizer
from models.rvc.voice_base import initialize
from models.signal import SPEECH_RATE, Floats32
from pipeline.listening.features import Features, extract
from pipeline.pool.model_pool import ModelPool
from pipeline.singing import convert as module
from pipeline.singing.convert import ConvertOptions, convert, octave_shift
from pipeline.sound.decode import NOTE, decode
from pipeline.sound.resample import resample
from pipeline.voices.retrieval import Retrieval, blend


@pytest.fixture(scope="module")
def voice() -> Synthesizer:
    torch.manual_seed(0)
    network = Synthesizer(S24)
    initialize(network)
    return network.eval()


def sung(seconds: float, hz: float = 220.0, seed: int = 0) -> Features:
    """A steady note with a rest of a second in its middle."""
    frames = round(seconds * 100)
    content = np.random.default_rng(seed).normal(size=(-(-frames // 2), S24.content_dim)).astype(np.float32)
    f0, rms = np.full(frames, hz, np.float32), np.full(frames, 0.1, np.float32)
    rest = slice(frames // 2 - 50, frames // 2 + 50)
    f0[rest], rms[rest] = 0, 0
    return Features(content, f0, rms, np.log(rms + np.float32(1e-5)))


def joined(features: Features, voice: Synthesizer, options: ConvertOptions = ConvertOptions()) -> Floats32:
    return np.concatenate(list(convert(features, voice, None, options)))


def heard_pitch(wav: Floats32, models: ModelPool) -> float:
    f0, sure = models.pitch.voicing(resample(wav, S24.sampling_rate, 16000))
    return float(np.median(f0[sure >= 0.5]))


@pytest.mark.parametrize("shift", [-5, 0, 12])
def test_the_converted_pitch_is_the_asked_one(voice: Synthesizer, models: ModelPool, shift: int) -> None:
    wav = joined(sung(4), voice, ConvertOptions(key_shift=shift))
    cents = 1200 * np.log2(heard_pitch(wav, models) / (220 * 2 ** (shift / 12)))
    assert abs(cents) < 20


def test_length_is_frames_times_hop_and_rests_are_silent(voice: Synthesizer) -> None:
    wav = joined(sung(4), voice)
    assert len(wav) == 400 * S24.hop
    rest = wav[int(1.8 * 24000) : int(2.2 * 24000)]
    assert np.abs(rest).max() < 1e-4
    assert np.sqrt((wav[:24000] ** 2).mean()) > 0.01


def test_loudness_follows_the_source(voice: Synthesizer) -> None:
    loud = sung(4)
    quiet = replace(loud, rms=loud.rms / np.float32(10))
    follow = ConvertOptions(envelope=0.0)
    ratio = np.abs(joined(loud, voice, follow)).mean() / np.abs(joined(quiet, voice, follow)).mean()
    assert ratio == pytest.approx(10, rel=0.1)


def test_blocks_meet_without_a_step(voice: Synthesizer, monkeypatch: pytest.MonkeyPatch) -> None:
    features = sung(6)
    features.f0[:], features.rms[:] = 220.0, 0.1
    whole = joined(features, voice)
    monkeypatch.setattr(module, "BLOCK_SECONDS", 2)
    blocks = joined(features, voice)
    error = np.sqrt(((whole - blocks) ** 2).mean()) / np.sqrt((whole**2).mean())
    assert error < 0.15  # a random network's attention averages over the window that it sees
    steps = np.abs(np.diff(blocks))
    joints = np.zeros(len(steps), bool)
    for joint in (200, 400):
        joints[joint * S24.hop - 600 : joint * S24.hop + 600] = True
    assert steps[joints].max() < 1.2 * steps[~joints].max()


def test_blocks_in_an_h24_voice_are_one_song(
    notes: list[Path], models: ModelPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    wav = decode(notes[0], SPEECH_RATE, channels=1, limits=NOTE, name="note")[: 9 * SPEECH_RATE]
    features = extract(wav, models.text, models.pitch)  # words, rests and glides
    h24 = load_base(torch.full((256,), 1 / 16), models.text.model_id).voice.eval()
    songs = []
    for seconds in (20, 2):
        monkeypatch.setattr(module, "BLOCK_SECONDS", seconds)
        songs.append(np.concatenate(list(convert(features, h24, None, ConvertOptions(key_shift=3)))))
    assert songs[0].shape == songs[1].shape == (len(features) * 240,)
    assert np.sqrt(((songs[0] - songs[1]) ** 2).mean()) < 1e-4 * np.sqrt((songs[0] ** 2).mean())


def test_the_phase_of_a_window_is_the_cycles_before_it(voice: Synthesizer) -> None:
    f0 = np.full(250, 220.25, np.float32)
    f0[20:40] = 0  # nothing turns without a voice
    phases = voice.start_phases(f0)
    assert phases[[0, 100, 200]].tolist() == pytest.approx([0.0, 0.8 * 220.25, 1.8 * 220.25], abs=1e-4)


def test_where_memory_runs_out_blocks_are_halved_and_the_song_is_the_same(
    voice: Synthesizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = sung(9)
    monkeypatch.setattr(module, "BLOCK_SECONDS", 4)
    wanted = joined(features, voice)
    monkeypatch.setattr(module, "BLOCK_SECONDS", 17)
    asked, infer = [], voice.infer

    def with_little_memory(phone: Tensor, *rest: Any, **options: Any) -> Tensor:
        asked.append(phone.shape[1])
        if phone.shape[1] > 600:  # frames; four seconds with one before and after
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return infer(phone, *rest, **options)

    monkeypatch.setattr(voice, "infer", with_little_memory)
    np.testing.assert_array_equal(joined(features, voice), wanted)
    assert asked == [900, 500, 600, 200]  # all nine seconds, then four, four and one


def test_when_not_even_a_second_fits_it_says_so(voice: Synthesizer, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_memory(*_: Any, **__: Any) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(voice, "infer", without_memory)
    with pytest.raises(AllocationFailed, match="1 seconds that are converted at once"):
        joined(sung(3), voice)


def test_a_second_conversion_is_the_same_as_the_first(voice: Synthesizer) -> None:
    np.testing.assert_array_equal(joined(sung(2), voice), joined(sung(2), voice))


@pytest.mark.parametrize("kind", ["s24", "h24"])
def test_rests_are_not_sung_and_the_rest_sounds_the_same(
    kind: str, voice: Synthesizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    h24 = load_base(torch.full((256,), 1 / 16), whisper_text.MODEL_ID).voice.eval()
    singer: Any = voice if kind == "s24" else h24
    singer.choose_precision(False)  # else it sings twice at first
    features = replace(sung(18), content=sung(18).content[:, : S24.content_dim if kind == "s24" else 128])
    for start, stop in ((0, 400), (600, 1100), (1300, 1700)):
        features.f0[start:stop], features.rms[start:stop] = 0, 0
    frames: list[int] = []
    where, what = (singer.dec, "decode") if kind == "s24" else (singer.decoder, "filters")
    work = getattr(where, what)

    def counted(content: Tensor, *rest: Tensor) -> Any:
        frames.append(content.shape[-1])
        return work(content, *rest)

    monkeypatch.setattr(where, what, counted)
    partly, spent = joined(features, singer), sum(frames)
    monkeypatch.setattr(module, "_sung_parts", lambda rms, start, stop, origin: ((0, len(rms)),))
    frames.clear()
    wholly = joined(features, singer)
    assert np.abs(wholly).max() > 0.01
    assert 10 * np.log10((wholly**2).sum() / max(((wholly - partly) ** 2).sum(), 1e-30)) > 90
    assert spent < 0.75 * sum(frames)


def test_silence_is_not_converted(voice: Synthesizer) -> None:
    silent = replace(sung(3), rms=np.zeros(300, np.float32))
    assert not joined(silent, voice).any()


@pytest.mark.parametrize(
    ("sung_hz", "median", "expected"), [(220, 110, -12), (110, 220, 12), (150, 170, 0), (440, 100, -24)]
)
def test_octave_shift_brings_a_song_to_the_voice(sung_hz: float, median: float, expected: int) -> None:
    assert octave_shift(np.array([0, sung_hz, sung_hz], np.float32), median) == expected


def test_octave_shift_without_pitch_is_none() -> None:
    assert octave_shift(np.zeros(10, np.float32), 200.0) == 0


@pytest.mark.parametrize("offset", [0.0, 30.0])
def test_retrieval_is_the_exact_inverse_fourth_power_mean(offset: float) -> None:
    """Also far from zero, where the squares are a thousand times the distances."""
    generator = torch.Generator().manual_seed(0)
    rows, content = (torch.randn(count, 8, generator=generator) + offset for count in (500, 20))
    squared = torch.cdist(content.double(), rows.double()) ** 2
    near = squared.topk(8, largest=False)
    weight = near.values**-2 / (near.values**-2).sum(1, keepdim=True)
    expected = torch.einsum("tk,tkc->tc", weight, rows.double()[near.indices])
    torch.testing.assert_close(Retrieval(rows)(content).double(), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("width", [128, 768])
@pytest.mark.parametrize("offset", [0.0, 5.0])
def test_retrieval_in_bfloat16_finds_the_same_rows(width: int, offset: float) -> None:
    """Frames of a few dozen sounds, as speech has them, and far from zero, as an encoder's may be."""
    generator = torch.Generator().manual_seed(0)
    sounds = torch.randn(40, width, generator=generator) + offset

    def frames(count: int) -> Tensor:
        near = sounds[torch.randint(0, 40, (count,), generator=generator)]
        return near + 0.3 * torch.randn(count, width, generator=generator)

    rows, content = frames(3000), frames(600)
    exact, searched = Retrieval(rows)(content), Retrieval(rows, True)(content)
    assert agreement(exact - offset, searched - offset) > 45
    assert agreement(exact - offset, rows[:600] - offset) < 10


def test_an_exact_match_is_itself_and_not_a_division_by_zero() -> None:
    rows = torch.randn(50, 8, generator=torch.Generator().manual_seed(0))
    for bf16 in (False, True):
        torch.testing.assert_close(Retrieval(rows, bf16)(rows[:3]), rows[:3], rtol=1e-3, atol=1e-3)
    for few in (rows[:1], rows[:5]):  # of a voice of a moment
        torch.testing.assert_close(Retrieval(few, True)(rows[:9]), Retrieval(few)(rows[:9]), rtol=1e-3, atol=1e-3)


def test_protect_keeps_unvoiced_frames_nearer_to_the_singer() -> None:
    generator = torch.Generator().manual_seed(0)
    rows, content = torch.randn(50, 8, generator=generator), torch.randn(2, 8, generator=generator)
    voiced = torch.tensor([True, False])
    drawn = blend(content, Retrieval(rows), voiced, index_rate=1.0, protect=0.5)
    shielded = blend(content, Retrieval(rows), voiced, index_rate=1.0, protect=0.2)
    torch.testing.assert_close(shielded[0], drawn[0])
    torch.testing.assert_close(shielded[1], 0.2 * drawn[1] + 0.8 * content[1])
