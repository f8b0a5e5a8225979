"""DistillMOS scores what is said, however long it is: silence after it is none of it."""

from pathlib import Path

import numpy as np
import pytest

from models.quality import distillmos
from models.signal import SPEECH_RATE, Floats32
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.decode import NOTE, decode


@pytest.fixture(scope="module")
def speech(notes: list[Path]) -> Floats32:
    return decode(notes[1], SPEECH_RATE, channels=1, limits=NOTE, name="note")


@pytest.fixture(scope="module")
def predictor(models: ModelPool) -> distillmos.MosPredictor:
    assert isinstance(models.mos, distillmos.MosPredictor)
    return models.mos


def test_a_piece_that_is_shorter_than_a_window_scores_like_a_whole_one(
    predictor: distillmos.MosPredictor, speech: Floats32
) -> None:
    starts = range(0, len(speech) - distillmos.WINDOW, 2 * SPEECH_RATE)
    whole = [predictor.windows(speech[start:][: distillmos.WINDOW])[0] for start in starts]
    short = [predictor.windows(speech[start:][: 3 * SPEECH_RATE])[0] for start in starts]
    print(f"of 7.7 s {np.mean(whole):.2f}, of 3 s {np.mean(short):.2f}")
    assert np.mean(short) == pytest.approx(np.mean(whole), abs=0.3)


def test_the_last_window_is_a_whole_one(predictor: distillmos.MosPredictor, speech: Floats32) -> None:
    wav = speech[: 11 * SPEECH_RATE]
    scores = predictor.windows(wav)
    assert scores.shape == (2,) and scores.dtype == np.float32
    assert scores[1] == predictor.windows(wav[-distillmos.WINDOW :])[0]


def test_no_sound_at_all_has_a_score(predictor: distillmos.MosPredictor) -> None:
    assert [predictor.windows(np.zeros(n, np.float32)).shape for n in (0, 1)] == [(1,), (1,)]
