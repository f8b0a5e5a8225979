"""Width: pan, doubles and room of the source's vocals are laid on a voice that has none of them."""

import numpy as np
import pytest

from models.signal import MUSIC_RATE, Floats32
from pipeline.covers import alongside
from pipeline.covers.source_image import images
from pipeline.covers.width import with_width
from pipeline.sound.downmix import Downmix
from pipeline.sound.loudness import LoudnessMeter
from pipeline.sound.resample import resample
from tests.pipeline.covers.stereo_figures import correlation, level_difference, mid_over_side, thirds, total
from tests.pipeline.separation import stereo
from tests.pipeline.sounds import voice

SECONDS = 6.0


def widened(converted: Floats32, source: Floats32, block: int = MUSIC_RATE) -> Floats32:
    """A mono sound (samples,) with the width of a source (2, samples)."""
    dual = np.stack([converted, converted])
    return stereo.joined(with_width(stereo.cut(dual, block), images(stereo.cut(source, 30_011), Downmix())))


def doubles() -> Floats32:
    """Two takes (2, samples): the second 14 cents higher and 20 ms late."""
    one = voice(SECONDS, MUSIC_RATE, noise_db=-50)
    other = np.roll(resample(voice(SECONDS, MUSIC_RATE, noise_db=-50, seed=1), 1.008, 1), 882)
    return np.stack([one[: len(other)], other])


def lufs(sound: Floats32) -> float:
    meter = LoudnessMeter(MUSIC_RATE, 1)
    meter.add(sound[None])
    return meter.integrated()


@pytest.fixture(scope="module")
def sung() -> Floats32:
    return voice(SECONDS, MUSIC_RATE, noise_db=-50)


@pytest.fixture(scope="module")
def other_voice() -> Floats32:
    """Sings another song."""
    return voice(SECONDS + 1, MUSIC_RATE, noise_db=-50, seed=3)[-round(SECONDS * MUSIC_RATE) :]


def test_a_mono_source_gives_mono(sung: Floats32, other_voice: Floats32) -> None:
    out = widened(other_voice, np.stack([sung, sung]))
    np.testing.assert_array_equal(out, np.stack([other_voice, other_voice]))


@pytest.mark.parametrize("gain", [0.5, 0.05])
def test_a_panned_source_keeps_its_place(sung: Floats32, other_voice: Floats32, gain: float) -> None:
    out = widened(other_voice, np.stack([gain * sung, sung]))
    for centre, powers in thirds(out).items():
        assert level_difference(powers) == pytest.approx(20 * np.log10(gain), abs=1.0), centre


def test_a_source_on_one_side_stays_there_at_its_level(sung: Floats32) -> None:
    source = np.stack([np.zeros_like(sung), sung])
    out = widened(source.mean(0), source)
    assert np.abs(out[0]).max() < 10 ** (-60 / 20)
    np.testing.assert_allclose(out[1], sung, atol=1e-3)


def test_an_octave_below_the_pan_is_the_sources_and_not_its_rooms(sung: Floats32) -> None:
    """The voice's lowest tones lie where the source has only a wide room's noise."""
    room = np.random.default_rng(4).normal(0, 1e-3, (2, len(sung))).astype(np.float32)
    source = np.stack([0.5 * sung, sung]) + room
    bands = thirds(widened(voice(SECONDS, MUSIC_RATE, octave=-1), source), low=70)
    assert min(bands) < 80
    for centre, powers in bands.items():
        assert level_difference(powers) == pytest.approx(-6, abs=1.0), centre


def test_two_voices_at_two_places_keep_them() -> None:
    """One below 1 kHz on the left, one above 3 kHz on the right."""
    raw = np.random.default_rng(5).standard_normal((2, 6 * MUSIC_RATE))
    hertz = np.fft.rfftfreq(raw.shape[1], 1 / MUSIC_RATE)
    low, high = (np.fft.irfft(np.fft.rfft(row) * on) for row, on in zip(raw, (hertz < 1e3, hertz > 3e3), strict=True))
    source = (0.05 * np.stack([low + 0.25 * high, 0.25 * low + high])).astype(np.float32)
    bands = thirds(widened(source.mean(0), source))
    for centre, powers in bands.items():
        if not 700 < centre < 4500:
            assert level_difference(powers) == pytest.approx(12 if centre < 1000 else -12, abs=1.5), centre


@pytest.mark.parametrize("octave", [-1, 0, 1])
def test_doubles_stay_doubles(octave: int) -> None:
    source = doubles()
    converted = voice(SECONDS, MUSIC_RATE, seed=3, octave=octave)[: source.shape[1]]
    was, now = (total(thirds(sound)) for sound in (source, widened(converted, source)))
    print(f"correlation {correlation(was):.2f} → {correlation(now):.2f}", end=", ")
    print(f"M/S {mid_over_side(was):.1f} → {mid_over_side(now):.1f} dB")
    assert correlation(now) == pytest.approx(correlation(was), abs=0.15)
    assert mid_over_side(now) == pytest.approx(mid_over_side(was), abs=1.5)


def test_doubles_colour_neither_channel() -> None:
    source = np.random.default_rng(6).normal(0, 0.05, (2, 6 * MUSIC_RATE)).astype(np.float32)
    mid = source.mean(0)
    out = thirds(widened(mid, source))
    for centre, powers in thirds(np.stack([mid, mid])).items():
        for channel in (0, 1):
            assert 10 * np.log10(out[centre][channel] / powers[channel]) == pytest.approx(3, abs=1.5), centre


def test_real_vocals_get_their_width_back() -> None:
    """The true vocals of a real song, folded to one channel and unfolded."""
    source = stereo.falcon("vocals")
    was, now = thirds(source), thirds(widened(source.mean(0), source))
    for centre, powers in was.items():
        assert correlation(now[centre]) == pytest.approx(correlation(powers), abs=0.15), centre
        assert mid_over_side(now[centre]) == pytest.approx(mid_over_side(powers), abs=1.5), centre


def test_the_sum_of_the_channels_stays(sung: Floats32, other_voice: Floats32) -> None:
    source = doubles()
    n = source.shape[1]
    out = widened(other_voice[:n], source)
    assert lufs(out.mean(0)) == pytest.approx(lufs(other_voice[:n]), abs=0.05)


def test_opposed_channels_widen_no_further_than_half_as_loud_a_mid(sung: Floats32, other_voice: Floats32) -> None:
    out = widened(other_voice, np.stack([sung, -sung]))
    np.testing.assert_allclose(out.mean(0), other_voice, atol=1e-6)
    assert -3.5 < mid_over_side(total(thirds(out))) < 0
    nothing = widened(np.zeros_like(sung), np.stack([sung, -sung]))
    assert not nothing.any()


def test_blocks_and_their_size_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    source = stereo.falcon("vocals")
    whole = widened(source.mean(0), source, block=source.shape[1])
    np.testing.assert_array_equal(widened(source.mean(0), source, block=4_097), whole)
    monkeypatch.setattr(alongside, "SIZE", 1 << 13)
    assert np.abs(widened(source.mean(0), source) - whole).max() < 1e-6


@pytest.mark.parametrize("samples", [1, 511, 4096, 65_536, 65_537, 70_000])
def test_every_length_is_kept_and_silence_is_silent(samples: int) -> None:
    source = np.random.default_rng(7).normal(0, 0.1, (2, samples)).astype(np.float32)
    out = widened(np.zeros(samples, np.float32), source)
    assert out.shape == source.shape and not out.any()
    assert widened(source[0], np.zeros_like(source)).tolist() == [source[0].tolist()] * 2
