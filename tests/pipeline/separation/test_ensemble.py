"""Ensembles: means and spectra of streams."""

from collections.abc import Iterator

import numpy as np
import pytest

from models.signal import Floats32
from pipeline.separation.ensemble import N_FFT, Rule, avg_wave, combine_spectra
from tests.pipeline.separation.stereo import cut, joined, noise

RULES: list[Rule] = ["min", "max", "median"]


def test_the_mean_is_weighted_whatever_blocks_the_members_give() -> None:
    a, b = noise(1), noise(2)
    out = joined(avg_wave([cut(a, 777), cut(b, 5000)], [15, 85]))
    np.testing.assert_allclose(out, 0.15 * a + 0.85 * b, atol=1e-7)


@pytest.mark.parametrize("weights", [[1.0], [1.0, -0.1], [0.0, 0.0]])
def test_weights_that_mean_nothing_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="needs a weight"):
        list(avg_wave([cut(noise(1), 500), cut(noise(2), 500)], weights))


def test_members_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="different lengths"):
        list(avg_wave([cut(noise(1), 500), cut(noise(2)[:, :-1], 700)], [1, 1]))


def test_the_mean_reads_its_members_side_by_side() -> None:
    """One member in blocks of 100, one in blocks of 10 000: neither is read far ahead of the other."""
    read = [0, 0]

    def member(number: int, block: int) -> Iterator[Floats32]:
        for part in cut(noise(number, 100_000), block):
            read[number] += part.shape[1]
            yield part

    for _ in avg_wave([member(0, 100), member(1, 10_000)], [1, 1]):
        assert abs(read[0] - read[1]) <= 10_000


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("samples", [1, 500, 2048, 2049, 20_000])
def test_equal_members_come_out_as_they_went_in(rule: Rule, samples: int) -> None:
    a = noise(3, samples)
    out = joined(combine_spectra([cut(a, 300), cut(a, 4096), cut(a, 999)], rule))
    assert out.shape == a.shape
    np.testing.assert_allclose(out, a, atol=1e-6)


@pytest.mark.parametrize("rule", RULES)
def test_blocks_change_nothing(rule: Rule) -> None:
    a, b, c = noise(1), noise(2), noise(3)
    whole = joined(combine_spectra([iter([x]) for x in (a, b, c)], rule))
    cut_up = joined(combine_spectra([cut(a, 100), cut(b, 3000), cut(c, 777)], rule))
    np.testing.assert_allclose(cut_up, whole, atol=1e-6)


def tone(bin_: int, peak: float) -> Floats32:
    wave = peak * np.sin(2 * np.pi * bin_ / N_FFT * np.arange(20_000))
    return np.stack([wave, wave]).astype(np.float32)


@pytest.mark.parametrize(("rule", "low", "high"), [("min", 0.1, 0.2), ("max", 0.5, 0.8), ("median", 0.3, 0.4)])
def test_each_bin_is_chosen_by_itself(rule: Rule, low: float, high: float) -> None:
    """Three members who differ in two tones: quietest, loudest and middle are other members' in each."""
    members = [(0.1, 0.8), (0.5, 0.4), (0.3, 0.2)]
    mixes = [cut(tone(100, a) + tone(600, b), 5000) for a, b in members]
    out = joined(combine_spectra(mixes, rule))
    np.testing.assert_allclose(out[:, 4096:-4096], (tone(100, low) + tone(600, high))[:, 4096:-4096], atol=1e-3)
