"""A tracker that tells voicing itself takes FCPE's place in a song's features: its zeros stay, SwiftF0 is not asked."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import pytest

from models.pitch.trackers import HOP, PitchTrackers, Swift
from models.signal import SPEECH_RATE, Floats32
from pipeline.listening import features as module
from pipeline.listening.features import extract, extract_stream
from pipeline.pool.model_pool import ModelPool

Floats = Floats32


@dataclass(frozen=True)
class Loudness:
    """Says 1500 Hz where a frame is louder than 0.1, and nothing elsewhere."""

    name: str = "loudness"
    model_id: str = "loudness-1"
    own_voicing: bool = True

    def f0(self, wav: Floats) -> Floats:
        frames = np.pad(wav, (0, HOP))[: (len(wav) // HOP + 1) * HOP].reshape(-1, HOP)
        return np.where(np.sqrt((frames**2).mean(1)) > 0.1, 1500, 0).astype(np.float32)


@pytest.fixture
def trackers() -> PitchTrackers:
    """With nothing in SwiftF0's place: to ask it would fail."""
    return PitchTrackers(Loudness(), swift=cast(Swift, None))


@pytest.fixture
def wav() -> Floats:
    """A second of sound, one of quiet sound, one of sound."""
    noise = np.random.default_rng(0).standard_normal(3 * SPEECH_RATE).astype(np.float32)
    noise[SPEECH_RATE : 2 * SPEECH_RATE] *= 0.1
    return 0.3 * noise


def test_its_f0_is_taken_as_it_is(models: ModelPool, trackers: PitchTrackers, wav: Floats) -> None:
    estimated = extract(wav, models.content, trackers)
    assert len(estimated) == 300
    assert (estimated.f0[:98] == 1500).all() and (estimated.f0[202:] == 1500).all()
    assert not estimated.voiced[102:198].any()


def test_a_stream_gives_the_same(
    models: ModelPool, trackers: PitchTrackers, wav: Floats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK_SECONDS", 1)
    monkeypatch.setattr(module, "CONTEXT_SECONDS", 1)

    def blocks() -> Iterator[Floats]:
        yield from np.array_split(wav, 7)

    streamed = extract_stream(blocks(), models.content, trackers, 3.0)
    whole = extract(wav, models.content, trackers)
    assert len(streamed) == len(whole)
    assert (streamed.f0 == whole.f0).mean() > 0.99


def test_what_it_found_is_kept_apart_from_what_fcpe_found(models: ModelPool, trackers: PitchTrackers) -> None:
    beside = replace(models.pitch, tracker=trackers.tracker)
    assert beside.model_id == "loudness-1" != models.pitch.model_id
    assert beside.names["voicing"] == "loudness"
