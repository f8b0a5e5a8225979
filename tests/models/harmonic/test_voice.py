"""The voice sings what it is asked: length, pitch, loudness; windows of one song agree where they overlap."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from models.content import whisper_text
from models.harmonic import voice_base
from models.harmonic.energy import SILENT_ENERGY
from models.harmonic.network import ConvNeXtBlock
from models.harmonic.voice import HarmonicVoice
from models.signal import SPEECH_RATE, Floats32
from models.voice_network import VoiceFrames
from models.weights.integrity import WeightsError, digest
from pipeline.listening.features import Features, extract
from pipeline.pool.model_pool import ModelPool
from pipeline.singing.noise import SongNoise
from pipeline.sound.decode import NOTE, decode
from pipeline.sound.resample import resample

SECONDS = 9
EDGE = 100
"""Frames of context, as a conversion has."""


@pytest.fixture(scope="module")
def wav(notes: list[Path]) -> Floats32:
    return decode(notes[0], SPEECH_RATE, channels=1, limits=NOTE, name="note")[: SECONDS * SPEECH_RATE]


@pytest.fixture(scope="module")
def features(wav: Floats32, models: ModelPool) -> Features:
    return extract(wav, models.text, models.pitch)


@pytest.fixture(scope="module")
def voice(wav: Floats32, models: ModelPool, one_thread: None) -> HarmonicVoice:
    return voice_base.load_base(torch.from_numpy(models.speaker.embed(wav)), whisper_text.MODEL_ID).voice.eval()


def frames_of(features: Features, low: int = 0, high: int = SECONDS * 100) -> VoiceFrames:
    content, f0, energy = map(torch.from_numpy, (features.content, features.f0, features.energy))
    return VoiceFrames(content[low // 2 : -(-high // 2)], f0[low:high], energy[low:high], features.level)


def sung(voice: HarmonicVoice, frames: VoiceFrames) -> Tensor:
    return voice.sing(frames, SongNoise(0, len(frames.f0)))


def decibels(wav: Tensor) -> float:
    return float(10 * wav.square().mean().log10())


@pytest.mark.parametrize("frames", [1, 9, 10, 11, 99, 100, 173])
def test_a_frame_is_240_samples(voice: HarmonicVoice, features: Features, frames: int) -> None:
    wav = sung(voice, frames_of(features, 100, 100 + frames))
    assert wav.shape == (240 * frames,) and bool(wav.isfinite().all())


@pytest.mark.parametrize(
    "pitch",
    [
        lambda time: 110 + 0 * time,
        lambda time: 440 + 0 * time,
        lambda time: 220 * 2 ** (np.sin(2 * np.pi * 5 * time) / 24),
        lambda time: 150 * 2 ** (time / SECONDS),
    ],
    ids=["a low note", "a high note", "a vibrato", "a glide of an octave"],
)
def test_it_sings_the_pitch_that_is_asked(
    voice: HarmonicVoice,
    features: Features,
    models: ModelPool,
    pitch: Callable[[np.ndarray], np.ndarray],
) -> None:
    asked = np.where(features.voiced, pitch((np.arange(len(features)) + 0.5) / 100), 0).astype(np.float32)
    made = resample(sung(voice, frames_of(replace(features, f0=asked))).numpy(), 24_000, SPEECH_RATE)
    heard, confidence = models.pitch.voicing(made)
    there = np.minimum((np.arange(len(heard)) * 1.6).round().astype(int), len(asked) - 1)
    sure = (confidence > 0.9) & (asked[there] > 0)
    cents = 1200 * np.log2(heard[sure] / asked[there][sure])
    assert sure.sum() > 0.4 * features.voiced.sum() / 1.6
    assert abs(float(np.median(cents))) < 10 and float(np.median(np.abs(cents))) < 15


def test_it_is_as_loud_as_the_recording(voice: HarmonicVoice, features: Features, wav: Floats32) -> None:
    assert decibels(sung(voice, frames_of(features))) == pytest.approx(decibels(torch.from_numpy(wav)), abs=4)


def test_a_recording_that_is_20_db_softer_is_sung_20_db_softer(
    voice: HarmonicVoice, features: Features, wav: Floats32, models: ModelPool
) -> None:
    soft = extract(wav / np.float32(10), models.text, models.pitch)
    steps = decibels(sung(voice, frames_of(features))) - decibels(sung(voice, frames_of(soft)))
    assert steps == pytest.approx(20, abs=1)


def test_what_is_softer_within_a_recording_is_sung_softer(voice: HarmonicVoice, features: Features) -> None:
    half = len(features) // 2
    faded = features.energy.copy()
    faded[half:] -= np.float32(2)  # 8.7 dB
    as_it_was, softer = (
        sung(voice, frames_of(one))[(half + 50) * 240 :] for one in (features, replace(features, energy=faded))
    )
    assert 3 < decibels(as_it_was) - decibels(softer) < 15


@pytest.mark.parametrize("shift", [0, 7])
def test_windows_of_a_song_agree_where_they_overlap(voice: HarmonicVoice, features: Features, shift: int) -> None:
    song = replace(features, f0=features.f0 * np.float32(2 ** (shift / 12)))
    phases = voice.start_phases(song.f0)
    assert phases.shape == (len(song),)

    def window(low: int, high: int) -> Tensor:
        frames = replace(frames_of(song, low, high), phase=float(phases[low] % 1))
        return voice.sing(frames, SongNoise(low, high, seed=3))

    whole = window(0, 100 * SECONDS)
    for low, high in ((200, 500), (500, 900), (400, 867)):
        inner = slice((low + EDGE) * 240, (high - EDGE) * 240)
        ours = window(low, high)[EDGE * 240 : -EDGE * 240]
        assert decibels(ours - whole[inner]) < decibels(whole[inner]) - 40


def test_the_noise_is_the_songs(voice: HarmonicVoice, features: Features) -> None:
    first, again, other = (voice.sing(frames_of(features), SongNoise(0, len(features), seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert decibels(first) - 80 < decibels(first - other) < decibels(first) - 5


def test_silence_is_sung_as_silence(voice: HarmonicVoice, features: Features, models: ModelPool) -> None:
    nothing = extract(np.zeros(2 * SPEECH_RATE, np.float32), models.text, models.pitch)
    assert nothing.level == 0.0 and nothing.energy.max() == pytest.approx(SILENT_ENERGY, abs=1e-4)
    wav = sung(voice, replace(frames_of(nothing, 0, 200), level=features.level))
    assert bool(wav.isfinite().all()) and decibels(wav) < decibels(sung(voice, frames_of(features))) - 20


def test_two_people_are_two_voices(voice: HarmonicVoice, features: Features) -> None:
    draw = torch.Generator().manual_seed(0)
    speakers = torch.nn.functional.normalize(torch.rand(2, 256, generator=draw), dim=1)
    voices = [HarmonicVoice(speaker) for speaker in speakers]
    for one in voices:
        one.load_state_dict({**voice.state_dict(), "speaker": one.speaker})
        for block in one.decoder.dec:
            assert isinstance(block, ConvNeXtBlock) and block.speaker is not None
            torch.nn.init.normal_(block.speaker.weight, std=0.02, generator=torch.Generator().manual_seed(1))
    first, second = (sung(one, frames_of(features)) for one in voices)
    assert decibels(first - second) > decibels(first) - 20


def test_the_base_belongs_to_its_encoder_and_is_whole(tmp_path: Path) -> None:
    speaker = torch.ones(256) / 16
    with pytest.raises(WeightsError, match=r"was trained on whisper-text-\w+, not on another"):
        voice_base.load_base(speaker, "another")
    half = tmp_path / "half.safetensors"
    half.write_bytes(voice_base.FILE.read_bytes()[:1_000_000])
    with pytest.raises(WeightsError, match=r"half\.safetensors is not the pinned file"):
        voice_base.load_base(speaker, whisper_text.MODEL_ID, half)
    sha256 = digest(half)
    with pytest.raises(WeightsError, match=r"half\.safetensors is not a whole voice base"):
        voice_base.load_base(speaker, whisper_text.MODEL_ID, half, sha256)
