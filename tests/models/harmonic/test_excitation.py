"""The pulse train: every harmonic of f0 up to its limit, nothing where unvoiced, one phase however it is cut."""

import math

import pytest
import torch
from torch import Tensor

from models.harmonic.excitation import TOP, pulse_train, start_phases

RATE, HOP = 24_000, 300


def pulses(f0: Tensor, phase: float = 0.0) -> Tensor:
    return pulse_train(f0[None], RATE, HOP, phase)[0]


def wandering(frames: int, seed: int = 0) -> Tensor:
    """Notes with vibrato and rests between."""
    time = torch.arange(frames) / 80
    f0 = 220 * 2 ** ((torch.sin(6 * 2 * math.pi * time) + 5 * torch.sin(time + seed)) / 12)
    return f0 * (torch.sin(3 * time) > -0.7)


@pytest.mark.parametrize("hertz", [80.0, 220.0, 440.5, 1000.0])
def test_it_has_every_harmonic_at_1_up_to_its_limit(hertz: float) -> None:
    wav = pulses(torch.full((160,), hertz)).double()
    time = torch.arange(1, len(wav) + 1, dtype=torch.float64) / RATE
    window = torch.hann_window(len(wav), dtype=torch.float64)

    def amplitude(frequency: float) -> float:
        turns = torch.polar(torch.ones_like(time), -2 * math.pi * frequency * time)
        return float((wav * window * turns).sum().abs() * 2 / window.sum())

    highest = int(TOP // hertz)
    for number in {1, 2, highest}:
        assert amplitude(number * hertz) == pytest.approx(1, abs=0.02)
    assert max(amplitude((highest + 1) * hertz), amplitude(1.5 * hertz), amplitude(0.0)) < 0.02


def test_its_peaks_are_one_period_apart() -> None:
    wav = pulses(torch.full((80,), 240.0))
    peaks = torch.nonzero(wav > 0.9 * wav.max())[:, 0]
    assert set(peaks.diff().tolist()) == {100} and len(peaks) == 240
    assert float(wav.max()) == pytest.approx(int(TOP // 240), rel=0.01)


def test_it_is_silent_where_there_is_no_voice() -> None:
    f0 = torch.cat([torch.full((20,), 200.0), torch.zeros(20), torch.full((20,), 200.0)])
    wav = pulses(f0)
    assert not wav[21 * HOP : 39 * HOP].any() and not pulses(torch.zeros(8)).any()
    assert wav[: 19 * HOP].square().mean() > 1 and wav[41 * HOP :].square().mean() > 1


def test_one_phase_however_a_recording_is_cut() -> None:
    f0 = wandering(800)
    whole = pulses(f0)
    phases = start_phases(f0.numpy(), 80)
    assert phases.shape == (800,) and float(phases[0]) == 0
    for low in range(0, 560, 37):
        cut = pulses(f0[low : low + 240], float(phases[low] % 1))[HOP:-HOP]
        same = whole[low * HOP :][HOP : HOP + len(cut)]
        assert (cut - same).square().mean() <= 1e-4 * same.square().mean() + 1e-12


def test_an_error_of_pitch_ends_with_its_phrase() -> None:
    f0 = wandering(1600)
    off = f0.clone()
    off[:400] *= 2 ** (1 / 1200)  # a cent, for five seconds
    begins = 1 + int(torch.nonzero((f0[399:-1] == 0) & (f0[400:] > 0))[0, 0]) + 399
    ours, theirs = (pulses(track) for track in (f0, off))
    assert (ours - theirs)[: 400 * HOP].square().mean() > 0.05 * ours[: 400 * HOP].square().mean()
    rest = ours[begins * HOP :]
    assert rest.square().mean() > 1 and (rest - theirs[begins * HOP :]).square().mean() < 1e-6 * rest.square().mean()


def test_pitch_is_held_where_voice_begins_and_ends() -> None:
    f0 = torch.cat([torch.zeros(20), torch.full((20,), 240.0), torch.zeros(20)])
    wav = pulses(f0)
    peaks = torch.nonzero(wav > 0.9 * wav.max())[:, 0]
    assert set(peaks.diff().tolist()) == {100}
    assert not wav[: 20 * HOP].any() and not wav[40 * HOP :].any()
