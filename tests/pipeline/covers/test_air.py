"""Air: above 11 kHz the source's vocals are heard, as loud as the converted voice below."""

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from models.signal import MUSIC_RATE, Floats32, Floats64
from pipeline.covers import alongside
from pipeline.covers.air import with_air
from pipeline.covers.source_image import images
from pipeline.sound.downmix import Downmix
from pipeline.sound.resample import resample
from tests.pipeline.covers.stereo_figures import log_spectral_distance, mid_over_side, spectrum
from tests.pipeline.separation import stereo

BINS = np.fft.rfftfreq(2048, 1 / MUSIC_RATE)


def aired(converted: Floats32, source: Floats32, block: int = MUSIC_RATE) -> Floats32:
    """Both (2, samples)."""
    found = images(stereo.cut(source, 30_011), Downmix())
    return stereo.joined(with_air(stereo.cut(converted, block), stereo.cut(source, 30_011), found))


def breath(gain: float = 0.02, samples: int = 5 * MUSIC_RATE) -> Floats32:
    """White noise (2, samples)."""
    return np.random.default_rng(0).normal(0, gain, (2, samples)).astype(np.float32)


def dull(sound: Floats32) -> Floats32:
    """As a voice of 24 kHz has it: one channel twice, and nothing above 12 kHz."""
    mono = resample(resample(sound.mean(0), MUSIC_RATE, 24_000), 24_000, MUSIC_RATE)[: sound.shape[1]]
    mono = np.pad(mono, (0, sound.shape[1] - len(mono)))
    return np.stack([mono, mono])


def level(sound: Floats32, low: float, high: float) -> float:
    """In dB, between two frequencies."""
    inside = (low < BINS) & (high > BINS)
    return float(10 * np.log10((np.abs(spectrum(sound)[..., inside]) ** 2).mean() + 1e-12))


def test_a_source_converted_to_itself_comes_out_as_it_was() -> None:
    source = breath()
    np.testing.assert_allclose(aired(source, source), source, atol=1e-6)


def test_real_vocals_cut_at_12_khz_get_their_air_back() -> None:
    source = stereo.falcon("vocals")
    before, after = (
        log_spectral_distance(dull(source), source),
        log_spectral_distance(aired(dull(source), source), source),
    )
    print(f"{before:.1f} → {after:.1f} dB")
    assert after < 1 < before


def test_the_air_is_the_sources_and_below_it_is_the_voices() -> None:
    source, converted = breath(), dull(breath()[:, ::-1])
    out = aired(converted, source)
    below, above = (sosfiltfilt(butter(12, 11_000, kind, fs=MUSIC_RATE, output="sos"), out) for kind in ("low", "high"))
    wanted = sosfiltfilt(butter(12, 11_000, "high", fs=MUSIC_RATE, output="sos"), source)
    assert np.corrcoef(above[0], wanted[0])[0, 1] > 0.97
    assert abs(mid_over_side(_powers(above)) - mid_over_side(_powers(wanted))) < 0.5
    np.testing.assert_allclose(below[0], below[1], atol=0.02)
    assert level(out, 300, 10_000) == pytest.approx(level(converted, 300, 10_000), abs=0.05)


def _powers(sound: Floats64) -> Floats64:
    left, right = sound
    return np.array([(left**2).mean(), (right**2).mean(), (left * right).mean()])


@pytest.mark.parametrize(("softer", "air"), [(-30.0, -32.25), (-15.0, -4.5), (-6.0, -3.0), (0.0, 0.0), (12.0, 3.0)])
def test_a_softer_voice_has_softer_air(softer: float, air: float) -> None:
    source = np.repeat(breath(0.2)[:1], 2, axis=0)
    out = aired(dull(source) * np.float32(10 ** (softer / 20)), source)
    assert level(out, 13_000, 20_000) - level(source, 13_000, 20_000) == pytest.approx(air, abs=1.5)


def test_where_the_voice_is_silent_nothing_is_added() -> None:
    """Bleed stays in the source's pauses, and air begins with the voice."""
    source = breath()
    converted = dull(source)
    start = 2 * MUSIC_RATE
    converted[:, :start] = 0
    out = aired(converted, source)
    assert not out[:, : start - 4096].any()
    assert level(out[:, start + 4096 :], 13_000, 20_000) > level(source, 13_000, 20_000) - 1.5


def test_voices_of_a_higher_rate_give_way_to_the_air() -> None:
    """A voice of 48 kHz has treble of its own; there is not twice of it."""
    source = breath()
    out = aired(breath()[:, ::-1].copy(), source)
    assert level(out, 13_000, 20_000) == pytest.approx(level(source, 13_000, 20_000), abs=0.5)


def test_blocks_and_their_size_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    source = stereo.falcon("vocals")
    whole = aired(dull(source), source, block=source.shape[1])
    np.testing.assert_array_equal(aired(dull(source), source, block=4_097), whole)
    monkeypatch.setattr(alongside, "SIZE", 1 << 13)
    assert np.abs(aired(dull(source), source) - whole).max() < 1e-6


@pytest.mark.parametrize("samples", [1, 511, 65_536, 65_537, 70_000])
def test_every_length_is_kept_and_silence_is_silent(samples: int) -> None:
    source = breath(samples=samples)
    out = aired(np.zeros_like(source), source)
    assert out.shape == source.shape and not out.any()
    assert not aired(np.zeros_like(source), np.zeros_like(source)).any()
