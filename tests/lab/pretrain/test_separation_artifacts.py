"""What a separation leaves: a voice stays the loudest, rooms ring on, a mask's mistakes are smooth."""

import torch

from lab.pretrain.separation_artifacts import _music, _reverberated, add_mask_errors, add_separation_artifacts
from models.signal import SPEECH_RATE


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def voices() -> torch.Tensor:
    time = torch.arange(SPEECH_RATE) / SPEECH_RATE
    return torch.stack([0.1 * torch.sin(2 * torch.pi * hz * time) for hz in (150, 220, 310, 415)])


def test_the_voice_stays_above_what_is_under_it() -> None:
    clean = voices()
    for seed in range(20):
        rest = add_separation_artifacts(clean, SPEECH_RATE, generator(seed)) - clean
        under = 20 * torch.log10(clean.std(1) / rest.std(1).clamp_min(1e-9))
        assert (under > 0).all()


def test_half_of_each_kind_is_left_out_so_that_some_voices_stay_clean() -> None:
    clean = voices()
    untouched = sum(
        int((add_separation_artifacts(clean, SPEECH_RATE, generator(s)) == clean).all(1).sum()) for s in range(50)
    )
    assert 10 <= untouched <= 45  # an eighth of 200 is 25


def test_a_room_rings_on_after_the_voice_and_fades() -> None:
    click = torch.zeros(1, SPEECH_RATE)
    click[0, 0] = 1.0
    wet = _reverberated(click, SPEECH_RATE, generator())[0].square()
    first, second = wet[: SPEECH_RATE // 20].sum(), wet[SPEECH_RATE // 10 : SPEECH_RATE // 10 + SPEECH_RATE // 20].sum()
    assert first > 2 * second and wet[0] > 0


def test_music_has_its_length_and_sounds_throughout() -> None:
    for seed in range(5):
        music = _music(SPEECH_RATE + 77, SPEECH_RATE, generator(seed))
        assert music.shape == (SPEECH_RATE + 77,)
        assert (music[:SPEECH_RATE].reshape(4, -1).std(1) > 0.01).all()


def test_mistakes_are_smooth_and_as_large_as_asked() -> None:
    mel = torch.zeros(8, 80, 300)
    field = add_mask_errors(mel, 0.3, generator())
    assert 0.02 < field.std() < 0.3
    assert field.diff(dim=2).std() < 0.3 * field.std()
    assert (add_mask_errors(mel, 0.0, generator()) == 0).all()


def test_the_same_seed_gives_the_same_sound() -> None:
    assert torch.equal(
        add_separation_artifacts(voices(), SPEECH_RATE, generator(3)),
        add_separation_artifacts(voices(), SPEECH_RATE, generator(3)),
    )
