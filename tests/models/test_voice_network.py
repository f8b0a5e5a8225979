"""The seconds by which a voice's network is heard."""

import pytest
import torch
from torch import Tensor

from models.voice_network import TRIAL_FRAMES, VoiceFrames, most_voiced


def noise(width: int, rate: int, stream: int = 0) -> Tensor:
    return torch.zeros(width, 8 * rate)


def frames(voiced: slice, wanted: tuple[tuple[int, int], ...] | None, count: int = 800) -> VoiceFrames:
    f0 = torch.zeros(count)
    f0[voiced] = 200.0
    return VoiceFrames(torch.zeros(count // 2, 4), f0, torch.zeros(count), wanted=wanted)


@pytest.mark.parametrize(
    ("voiced", "wanted", "heard"),
    [
        (slice(400, 700), None, ((400, 700),)),
        (slice(400, 700), ((0, 100), (450, 500), (600, 800)), ((450, 500), (600, 700))),
        (slice(0, 800), ((0, 800),), ((0, TRIAL_FRAMES),)),
        (slice(700, 800), ((500, 800),), ((500, 800),)),
        (slice(0, 0), ((10, 20),), ((10, 20),)),
    ],
    ids=["a phrase", "what is wanted of it", "all", "the end", "a whisper"],
)
def test_the_three_seconds_with_most_voice_are_heard_as_far_as_they_are_wanted(
    voiced: slice, wanted: tuple[tuple[int, int], ...] | None, heard: tuple[tuple[int, int], ...]
) -> None:
    part, same = most_voiced((frames(voiced, wanted), noise))
    assert part.wanted == heard and same is noise and len(part.f0) == 800


def test_a_short_window_and_one_whose_voice_is_not_wanted_are_heard_whole() -> None:
    for given in (frames(slice(0, 90), None, count=100), frames(slice(0, 300), ((500, 600),))):
        assert most_voiced((given, noise))[0] is given
