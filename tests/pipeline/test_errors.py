"""What a refusal says of numbers that are almost enough."""

import re

import pytest

from bot.texts.sentences import texts
from pipeline.errors import Noisy, NotEnoughSpeech, SoundError, TooShort, VoiceMissing, rounded_down

ALMOST = (
    TooShort(name="a", seconds=0.99, limit=1.0),
    VoiceMissing(name="a", seconds=1.96, limit=2.0),
    Noisy(name="a", found=15.98, needed=16.0),
    NotEnoughSpeech(seconds=9.7, limit=10.0),
)


@pytest.mark.parametrize("error", ALMOST, ids=lambda error: str(error.code))
def test_what_falls_short_of_a_limit_is_never_said_to_reach_it(error: SoundError) -> None:
    for said in (str(error), texts("ko").error(error.code, error.params, "")):
        found, limit = map(float, re.findall(r"\d+(?:\.\d+)?", said))
        assert found < limit, said


def test_a_number_is_rounded_down_as_it_is_written() -> None:
    assert [rounded_down(value, 1) for value in (2.3, 0.7, -2.55, 2.0, 1.999)] == [2.3, 0.7, -2.6, 2.0, 1.9]
    assert rounded_down(29.7, 0) == 29
