"""Weights of an ensemble where the best are known, and on a real song."""

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from lab.evaluate.ensemble_weights import error_products, fit_weights
from models.separation import spleeter
from models.signal import Floats32
from pipeline.covers.cover_figures import sdr
from pipeline.separation.ensemble import avg_wave
from pipeline.separation.spleeter_stream import separate
from tests.pipeline.separation.stereo import cut, falcon, joined, noise


def fitted(estimates: list[list[Floats32]], references: list[Floats32]) -> list[float]:
    """The weights for songs that are given as waves."""
    forms = []
    for members, reference in zip(estimates, references, strict=True):
        products = error_products(np.stack(members).astype(np.float64), reference.astype(np.float64))
        forms.append(products / (reference.astype(np.float64) ** 2).sum())
    return fit_weights(forms)


def test_the_fit_finds_the_weights_that_a_song_was_mixed_by() -> None:
    """Two errors cancel at 0.3 : 0.7, and only there."""
    song, error = noise(1), noise(2)
    members = [song + 0.7 * error, song - 0.3 * error]
    np.testing.assert_allclose(fitted([members], [song]), [0.3, 0.7], atol=1e-4)


def test_independent_errors_are_weighed_by_their_inverse_energy() -> None:
    song = noise(1, 200_000)
    members = [song + noise(2, 200_000) * level for level in (1.0,)] + [
        song + noise(seed, 200_000) * level for seed, level in ((3, 2.0), (4, 0.5))
    ]
    expected = np.array([1.0, 1 / 4, 4.0])
    np.testing.assert_allclose(fitted([members], [song]), expected / expected.sum(), atol=0.01)


def test_a_member_that_only_harms_gets_nothing() -> None:
    """Unbounded, the best weights would be 1.5 and −0.5."""
    song, error = noise(1), noise(2)
    weights = fitted([[song + error, song + 3 * error]], [song])
    assert weights == [1.0, 0.0]


def test_equal_members_share_and_a_perfect_one_takes_all() -> None:
    song, error = noise(1), noise(2)
    assert sum(fitted([[song + error, song + error]], [song])) == pytest.approx(1)
    np.testing.assert_allclose(fitted([[song + error, song]], [song]), [0, 1], atol=1e-6)
    assert fitted([[song + error]], [song]) == [1.0]


def test_a_loud_song_counts_no_more_than_a_quiet_one() -> None:
    songs = [noise(1), noise(2) * 100]
    errors = [noise(3), noise(4) * 100]
    first = [[songs[0] + errors[0], songs[0]], [songs[1], songs[1] + errors[1]]]
    np.testing.assert_allclose(fitted(first, songs), [0.5, 0.5], atol=0.02)


def test_what_cannot_be_fitted_is_refused() -> None:
    song = noise(1)
    with pytest.raises(ValueError, match="at least one song"):
        fitted([], [])
    with pytest.raises(ValueError, match="from 1 to 10 members"):
        fitted([[song] * 11], [song])


def test_on_a_real_song_the_fitted_mean_is_no_worse_than_its_best_member() -> None:
    mix, vocals = falcon("mix"), falcon("vocals")
    separated = np.concatenate(list(separate([mix], spleeter.load())), axis=1)
    low = sosfilt(butter(4, 3000, fs=44100, output="sos"), separated, axis=1).astype(np.float32)
    degraded = low + 0.05 * mix
    weights = fitted([[separated, degraded]], [vocals])
    ensemble = joined(avg_wave([cut(separated, 44100), cut(degraded, 30_000)], weights))
    figures = [sdr(vocals, estimate) for estimate in (separated, degraded, ensemble)]
    print(f"SDR: Spleeter {figures[0]:.3f}, degraded {figures[1]:.3f}, mean at {weights} {figures[2]:.3f} dB")
    assert figures[2] >= max(figures[:2]) - 1e-6
    for share in np.linspace(0, 1, 11):
        other = np.float32(share) * separated + np.float32(1 - share) * degraded
        assert sdr(vocals, other) <= figures[2] + 1e-6
