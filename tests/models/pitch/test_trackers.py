"""What a tracker makes of what SwiftF0 hears: at any level the same, and without octaves that a growl suggests."""

from pathlib import Path

import numpy as np

from models.pitch.level import at_full_scale
from models.pitch.subharmonics import without_subharmonics
from models.pitch.trackers import HIGHEST, SWIFT_HOP, VOICED_CONFIDENCE
from models.signal import SPEECH_RATE
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.decode import NOTE, decode


def test_subharmonics_are_taken_out_of_what_is_heard_at_full_scale(models: ModelPool, notes: list[Path]) -> None:
    wav = 0.01 * decode(notes[0], SPEECH_RATE, channels=1, limits=NOTE, name="note")
    swift = models.pitch.swift
    level = at_full_scale(wav)
    expected = without_subharmonics(
        level, *swift.network.hear(level), hop=SWIFT_HOP, sure=VOICED_CONFIDENCE, highest=HIGHEST
    )
    for ours, one in zip(swift.detect(wav), expected, strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_array_equal(ours, one)
