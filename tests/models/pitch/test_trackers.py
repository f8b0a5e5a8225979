"""SwiftF0 hears a recording in pieces, and in them what it hears of the whole."""

from pathlib import Path

import numpy as np
import pytest

from models.pitch.level import at_full_scale
from models.pitch.subharmonics import without_subharmonics
from models.pitch.trackers import AT_ONCE, HIGHEST, SWIFT_HOP, VOICED_CONFIDENCE
from models.signal import SPEECH_RATE
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.decode import NOTE, decode


@pytest.mark.parametrize("samples", [100, SWIFT_HOP, AT_ONCE - 1, AT_ONCE, AT_ONCE + 300, 2 * AT_ONCE, 999_999])
def test_pitch_is_the_same_in_pieces(models: ModelPool, notes: list[Path], samples: int) -> None:
    wav = decode(notes[0], SPEECH_RATE, channels=1, limits=NOTE, name="note")[SPEECH_RATE // 2 :][:samples]
    swift = models.pitch.swift
    level = at_full_scale(wav)
    whole = swift.network.detect(level, SPEECH_RATE)
    f0, confidence = whole.pitch_hz.astype(np.float32), whole.confidence.astype(np.float32)
    heard = swift.detect(wav)
    expected = without_subharmonics(level, f0, confidence, hop=SWIFT_HOP, sure=VOICED_CONFIDENCE, highest=HIGHEST)
    for ours, one in zip(heard, expected, strict=True):
        assert ours.dtype == np.float32 and ours.shape == one.shape
        np.testing.assert_allclose(ours, one, rtol=1e-5, atol=1e-5)
