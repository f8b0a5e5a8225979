"""The figures of a sound: its level changes no likeness, and a judge that is not here leaves a gap."""

import math

import numpy as np
import pytest

from lab.evaluate.figures import (
    Reference,
    capped_error_rate,
    compare_with,
    likeness_of,
    measure_performance,
    unit_mean,
)
from lab.evaluate.judges import Judges
from lab.evaluate.transcript import Recogniser
from models.signal import Floats32
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.resample import resample
from tests.lab.evaluate.conftest import RATE

NOBODY = Judges(whisper=Recogniser(None))


def test_a_sound_is_as_like_itself_as_can_be_at_any_level(models: ModelPool, speech: Floats32) -> None:
    low = resample(speech, RATE, 16000)
    performance = measure_performance(low, Reference(low, "words", "en"), 0, models, NOBODY)
    assert performance.content_cosine == pytest.approx(1, abs=1e-4)
    assert performance.f0_cents == performance.f0_cents_median == 0
    assert math.isnan(performance.cer) and math.isnan(performance.dnsmos)

    likeness = likeness_of([speech], RATE, 8000, models, NOBODY)
    loud, quiet = (
        compare_with(likeness, np.float32(gain) * speech, RATE, performance, models, NOBODY) for gain in (1, 0.1)
    )
    assert loud.mos == performance.mos
    assert loud.cosine == pytest.approx(1, abs=1e-4) and quiet.cosine == pytest.approx(loud.cosine, abs=2e-3)
    assert loud.spectral_distance < 1e-6 and quiet.spectral_distance < 1e-2
    assert math.isnan(loud.campplus_cosine)


def test_the_error_rate_is_one_at_most_and_none_without_words() -> None:
    assert capped_error_rate("ab", "xyz xyz") == 1
    assert math.isnan(capped_error_rate("", "words"))


def test_a_mean_leaves_out_what_was_not_heard() -> None:
    mean = unit_mean([None, np.array([2.0, 0.0], np.float32), np.array([0.0, 2.0], np.float32)])
    assert mean is not None
    np.testing.assert_allclose(mean, np.sqrt(0.5))
    assert unit_mean([None]) is None
