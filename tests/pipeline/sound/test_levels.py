"""Silent and clipped recordings are told from quiet and hot ones, also after MP3, Opus and AAC."""

from pathlib import Path

import numpy as np
import pytest

from models.signal import Floats32
from pipeline import errors
from pipeline.sound.decode import NOTE, decode
from pipeline.sound.levels import check_levels, measure_levels
from tests.pipeline import sounds

RATE = 48_000


def driven(gain_db: float) -> Floats32:
    """A sung recording whose peak would be `gain_db` above full scale, cut there."""
    voice = sounds.voice(8, RATE)
    return np.asarray(np.clip(voice * 10 ** (gain_db / 20) / np.abs(voice).max(), -1, 1), np.float32)


def test_figures_of_a_known_recording() -> None:
    tone = sounds.sine(10, RATE, 300, peak=0.5)
    tone[: 4 * RATE] = 0
    tone += np.random.default_rng(0).standard_normal(len(tone)).astype(np.float32) * np.float32(10 ** (-50 / 20))
    levels = measure_levels(tone, RATE)
    assert levels.peak_db == pytest.approx(-6, abs=0.3)
    assert levels.rms_db == pytest.approx(-9.03, abs=0.2)
    assert levels.active_seconds == pytest.approx(6, abs=0.1)
    assert levels.snr_db == pytest.approx(41, abs=1.5)
    assert levels.clipped_share == 0


@pytest.mark.parametrize("noise_db", [-65, -45, -30])
def test_snr_follows_the_noise(noise_db: float) -> None:
    levels = measure_levels(sounds.voice(10, RATE, noise_db=noise_db), RATE)
    assert levels.snr_db == pytest.approx(-16 - noise_db, abs=3)
    assert levels.active_seconds == pytest.approx(6.4, abs=0.4)


def test_silence_in_its_forms() -> None:
    random = np.random.default_rng(0)
    click = np.zeros(3 * RATE, np.float32)
    click[5000] = 1.0
    silent = {
        "zeros": np.zeros(3 * RATE, np.float32),
        "direct current": np.full(3 * RATE, 0.3, np.float32),
        "noise": (random.standard_normal(3 * RATE) * 10 ** (-62 / 20)).astype(np.float32),
        "one click": click,
        "nothing": np.zeros(0, np.float32),
    }
    for sound in silent.values():
        with pytest.raises(errors.Silent):
            check_levels(sound, RATE, "x.ogg")


def test_quiet_but_there_passes() -> None:
    assert check_levels(sounds.voice(5, RATE, peak=0.02, noise_db=-80), RATE, "x").rms_db < -40


def test_a_short_phrase_in_a_long_silence_passes() -> None:
    sound = sounds.voice(60, RATE, noise_db=-80)
    sound[3 * RATE :] *= 1e-4
    levels = check_levels(sound, RATE, "x")
    assert levels.rms_db == pytest.approx(-15, abs=2)
    assert levels.active_seconds == pytest.approx(1.9, abs=0.4)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("dtype", [np.float32, np.int16])
def test_clipped_and_hot(sign: int, dtype: type[np.float32] | type[np.int16]) -> None:
    def stored(sound: Floats32) -> Floats32:
        if dtype == np.int16:
            return np.clip(np.rint(sound * 32768), -32768, 32767).astype(np.float32) / np.float32(32768)
        return sound

    hot = sign * stored(driven(-0.05))
    assert measure_levels(hot, RATE).peak_db > -0.1
    assert check_levels(hot, RATE, "hot").clipped_share < 0.001
    with pytest.raises(errors.Clipped) as caught:
        check_levels(sign * stored(driven(6)), RATE, "x")
    assert 8 < caught.value.params["percent"] < 20


def test_the_share_is_the_share_that_was_cut() -> None:
    sound = driven(4)
    expected = float((np.abs(sound) >= 1).sum()) / RATE / measure_levels(sound, RATE).active_seconds
    assert measure_levels(sound, RATE).clipped_share == pytest.approx(expected, rel=0.25)


@pytest.mark.parametrize("suffix", [".ogg", ".mp3", ".m4a"])
@pytest.mark.parametrize("rate", [48_000, 16_000])
def test_codecs_smear_the_plateau_but_do_not_hide_it(tmp_path: Path, suffix: str, rate: int) -> None:
    def decoded(gain_db: float) -> Floats32:
        path = sounds.write(tmp_path / f"x{suffix}", driven(gain_db), RATE)
        return decode(path, rate, channels=1, limits=NOTE, name="x")

    assert check_levels(decoded(-0.05), rate, "hot").clipped_share < 0.003
    with pytest.raises(errors.Clipped):
        check_levels(decoded(6), rate, "x")


@pytest.mark.parametrize("hertz", [60, 100, 440, 3000])
def test_a_hot_pure_tone_is_not_clipped(hertz: float) -> None:
    check_levels(sounds.sine(3, RATE, hertz, peak=0.9999), RATE, "x")


def test_hot_noise_is_not_clipped() -> None:
    raw = np.random.default_rng(0).standard_normal(3 * RATE)
    check_levels((raw / np.abs(raw).max()).astype(np.float32), RATE, "x")


def test_cut_below_full_scale_is_not_our_business_and_names_are_tamed() -> None:
    check_levels(0.5 * driven(6), RATE, "x")
    with pytest.raises(errors.Silent, match="＠everyone is silent"):
        check_levels(np.zeros(RATE, np.float32), RATE, "a/@everyone")
