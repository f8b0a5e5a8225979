"""The meters against pyloudnorm and against signals whose true peak is known."""

from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
from scipy.signal import lfilter, resample_poly

from models.signal import Floats32
from pipeline.sound.decode import SONG, decode
from pipeline.sound.loudness import LoudnessMeter, TruePeakMeter, k_weighting, true_peak
from tests.pipeline import sounds


def measured(sound: Floats32, rate: int, cuts: list[int]) -> float:
    meter = LoudnessMeter(rate, sound.shape[0])
    for part in np.split(sound, cuts, axis=1):
        meter.add(part)
    return meter.integrated()


def dynamic(seconds: float, rate: int, channels: int) -> Floats32:
    """Noise that swells by 50 dB, so that both gates have something to leave out."""
    sound = sounds.noise(seconds, rate, channels, peak=0.9)
    return (sound * 10 ** (-25 * (1 - np.cos(np.arange(sound.shape[1]) / rate * 1.3)) / 20)).astype(np.float32)


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("seconds", [0.43, 1.33, 11.023])
def test_loudness_is_pyloudnorms_for_any_split(rate: int, channels: int, seconds: float) -> None:
    sound = dynamic(seconds, rate, channels)
    expected = pyloudnorm.Meter(rate).integrated_loudness(np.float64(sound.T))
    count = sound.shape[1]
    random = np.sort(np.random.default_rng(0).integers(0, count, 40)).tolist()
    for cuts in ([], [1, 2, 3], list(range(777, count, 777)), random):
        assert measured(sound, rate, cuts) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
@pytest.mark.parametrize("seconds", [0.449, 0.451, 0.499, 0.5, 1.37])
def test_a_block_that_the_end_cuts_off_does_not_count(rate: int, seconds: float) -> None:
    """BS.1770-4 by its own words, where pyloudnorm rounds the number of blocks."""
    sound = sounds.sine(seconds, rate, 997, peak=0.9)[None]
    weighted = sound.astype(np.float64)
    for stage in k_weighting(rate):
        weighted = lfilter(stage[:3], stage[3:], weighted)
    whole = round(0.4 * rate)
    starts = np.arange(0, sound.shape[1] - whole + 1, round(0.1 * rate))
    blocks = np.array([np.square(weighted[:, start : start + whole]).sum() / whole for start in starts])
    assert measured(sound, rate, []) == pytest.approx(-0.691 + 10 * np.log10(blocks.mean()), abs=0.005)


def test_the_k_weighting_is_pyloudnorms() -> None:
    for rate in (8000, 16_000, 22_050, 44_100, 48_000, 96_000):
        stages = pyloudnorm.Meter(rate)._filters.values()
        reference = np.array([np.concatenate([stage.b, stage.a]) for stage in stages])
        np.testing.assert_allclose(k_weighting(rate), reference, rtol=1e-12)


def test_real_music_has_pyloudnorms_loudness(song: Path) -> None:
    sound = decode(song, 44_100, channels=2, limits=SONG, name=song.name)
    with_their_filters = LoudnessMeter(44_100, 2)
    with_their_filters._sos = np.array(
        [np.concatenate([stage.b, stage.a]) for stage in pyloudnorm.Meter(44_100)._filters.values()]
    )
    with_their_filters.add(sound)
    assert measured(sound, 44_100, []) == pytest.approx(with_their_filters.integrated(), abs=1e-6)


def test_full_scale_sine_is_minus_3_lufs() -> None:
    assert measured(sounds.sine(5, 48_000, 997, peak=1.0)[None], 48_000, []) == pytest.approx(-3.01, abs=0.1)


def test_without_its_gates_silence_counts_as_sound_does() -> None:
    meter = LoudnessMeter(48_000, 1)
    meter.add(np.concatenate([sounds.sine(20, 48_000, 997, peak=1.0), np.zeros(60 * 48_000, np.float32)])[None])
    assert meter.integrated() == pytest.approx(-3.0, abs=0.1)
    assert meter.integrated(gated=False) == pytest.approx(-3.01 - 10 * np.log10(4), abs=0.1)
    silence = LoudnessMeter(48_000, 1)
    silence.add(np.zeros((1, 48_000), np.float32))
    assert silence.integrated(gated=False) == -np.inf


def test_silence_and_too_little_have_no_loudness() -> None:
    assert measured(np.zeros((2, 96_000), np.float32), 48_000, []) == -np.inf
    assert measured(sounds.noise(0.2, 48_000), 48_000, []) == -np.inf


def test_true_peak_between_the_samples() -> None:
    tone = sounds.sine(1, 48_000, 12_000, peak=1.0, phase=np.pi / 4)
    tone *= np.minimum(1, np.minimum(np.arange(48_000), np.arange(48_000)[::-1]) / 2000).astype(np.float32)
    assert 20 * np.log10(np.abs(tone).max()) == pytest.approx(-3.01, abs=0.01)
    assert true_peak(tone, 48_000) == pytest.approx(0.0, abs=0.05)


@pytest.mark.parametrize("hertz", [100, 997, 5000, 9000, 15_000])
def test_true_peak_of_any_tone_is_its_amplitude(hertz: float) -> None:
    tone = sounds.sine(0.5, 44_100, hertz, peak=0.5, phase=0.3) * np.hanning(22_050).astype(np.float32)
    assert true_peak(tone, 44_100) == pytest.approx(-6.02, abs=0.15)


def test_true_peak_is_near_a_far_finer_oversampling_and_independent_of_the_split() -> None:
    sound = sounds.noise(2, 44_100, peak=1.0)
    fine = 20 * np.log10(np.abs(resample_poly(np.float64(sound), 32, 1, axis=1)).max())
    whole = true_peak(sound, 44_100)
    assert whole == pytest.approx(fine, abs=0.05)
    meter = TruePeakMeter(2)
    for part in np.split(sound, [1, 2, 30, 31, 40_000], axis=1):
        meter.add(part)
    assert meter.value() == pytest.approx(whole, abs=1e-4)
    assert meter.value() == meter.value()


def test_a_peak_at_the_very_edge_counts() -> None:
    sound = np.zeros((1, 100), np.float32)
    sound[0, -2:] = 0.8
    assert true_peak(sound, 44_100) > 20 * np.log10(0.9)
    assert true_peak(sound[:, ::-1], 44_100) > 20 * np.log10(0.9)
    assert true_peak(np.zeros(10, np.float32), 44_100) == -np.inf
