"""SwiftF0 in Torch hears what the package's own graph hears."""

from pathlib import Path

import numpy as np
import pytest
import torch

from files.private import no_telemetry
from lab.networks.swift_f0 import converted
from models.pitch import swift_f0
from models.signal import SPEECH_RATE, Floats32
from models.weights.integrity import WeightsError, load_tensors
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.decode import NOTE, decode
from tests.parity import Parity

SOUNDS = ("a voice", "a siren", "noise", "silence after a voice", "a click")
LENGTHS = (1, 100, 256, 300, 511, swift_f0.AT_ONCE * 256, swift_f0.AT_ONCE * 256 + 2817, 200_001)


def sound(name: str, notes: list[Path]) -> Floats32:
    """Twelve and a half seconds, none without noise: in an empty band the package's graph hears its own rounding."""
    noise = np.random.default_rng(0).normal(0, 0.1, 200_001)
    voice = decode(notes[0], SPEECH_RATE, channels=1, limits=NOTE, name="note")[:200_001]
    time = np.arange(200_001) / SPEECH_RATE
    siren = 0.3 * np.sin(2 * np.pi * np.cumsum(40 * 2 ** (time / 2)) / SPEECH_RATE)  # from 40 to 3000 Hz
    made = {
        "a voice": voice,
        "a siren": np.asarray(siren + 0.01 * noise, np.float32),
        "noise": np.asarray(noise, np.float32),
        "silence after a voice": np.where(time < 6, voice, np.float32(0)),
        "a click": np.where(np.arange(200_001) == 70_000, 0.9, 0.01 * noise).astype(np.float32),
    }
    return made[name]


def theirs(wav: Floats32) -> tuple[Floats32, Floats32]:
    """F0 and confidence by the package, in one piece."""
    no_telemetry()
    from swift_f0 import SwiftF0

    heard = SwiftF0(threads=1, spin=False).detect(wav, SPEECH_RATE)
    return heard.pitch_hz.astype(np.float32), heard.confidence.astype(np.float32)


@pytest.mark.parametrize("name", SOUNDS)
def test_it_hears_what_the_package_hears(models: ModelPool, notes: list[Path], parity: Parity, name: str) -> None:
    wav = sound(name, notes)
    ours, reference = models.pitch.swift.network.hear(wav), theirs(wav)
    for part, mine, other, limit in zip(("f0", "confidence"), ours, reference, (1e-5, 1e-3), strict=True):
        assert mine.dtype == np.float32
        parity(f"SwiftF0: {part} of swift-f0", torch.from_numpy(mine), torch.from_numpy(other), limit)


@pytest.mark.parametrize("samples", LENGTHS)
def test_every_length_is_heard_to_its_end_in_pieces(models: ModelPool, notes: list[Path], samples: int) -> None:
    wav = sound("a voice", notes)[-samples:]
    for mine, other in zip(models.pitch.swift.network.hear(wav), theirs(wav), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-4)


def test_nothing_has_no_frames(models: ModelPool) -> None:
    f0, confidence = models.pitch.swift.network.hear(np.zeros(0, np.float32))
    assert len(f0) == len(confidence) == 0


def test_the_weights_that_ship_are_the_packages() -> None:
    shipped, package = load_tensors(swift_f0.FILE, swift_f0.SHA256), converted()
    assert shipped.keys() == package.keys()
    assert all(torch.equal(shipped[name], tensor) for name, tensor in package.items())


def test_another_file_is_not_loaded(tmp_path: Path) -> None:
    other = tmp_path / "swift_f0.safetensors"
    other.write_bytes(swift_f0.FILE.read_bytes()[:-1] + b"\0")
    with pytest.raises(WeightsError, match=r"swift_f0\.safetensors is not the pinned file"):
        swift_f0.load(path=other)
