"""A whistle, a telephone's keys and tones in turn hold no voice; whoever speaks, sings, hums or whispers has one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import butter, resample_poly, sosfilt

from models.signal import Floats32
from pipeline.listening.notes import Note, read_notes
from pipeline.sound.decode import NOTE, decode
from pipeline.sound.encode import encode
from pipeline.sound.pure_tones import is_pure_tones, tone_share
from tests.conftest import LIBRARY
from tests.pipeline import sounds

RATE = 16_000
KEYS = [(low, high) for low in (697, 770, 852, 941) for high in (1209, 1336, 1477, 1633)]
CLIPS = sorted(LIBRARY.glob("*/[1-6].ogg"))


def keys(seconds: float, pressed: float, between: float) -> Floats32:
    """Every key of a telephone, one after the other."""
    rests = np.zeros(round(between * RATE), np.float32)
    order = np.random.default_rng(0).permutation(len(KEYS))
    dialled = [part for key in order for part in (chord(pressed, *KEYS[key]), rests)]
    return np.resize(np.concatenate(dialled), round(seconds * RATE))


def chord(seconds: float, *hertz: float) -> Floats32:
    """Tones at once that begin and end within 5 ms."""
    time = np.arange(round(seconds * RATE)) / RATE
    fade = np.clip(np.minimum(time, time[-1] - time) / 0.005, 0, 1)
    return np.asarray(0.2 * fade * sum(np.sin(2 * np.pi * one * time) for one in hertz), np.float32)


def in_turn(*hertz: float, each: float = 0.4) -> Floats32:
    """Tones one after the other, for about eight seconds."""
    return np.tile(np.concatenate([chord(each, one) for one in hertz]), round(8 / each / len(hertz)))


def whistled(lowest: float, vibrato_cents: float, breath_db: float, overtone_db: float = -34.0) -> Floats32:
    """A melody of eight seconds that glides from note to note, with vibrato and breath."""
    random = np.random.default_rng(round(lowest))
    time = np.arange(8 * RATE) / RATE
    steps = np.repeat(random.choice([0, 2, 4, 5, 7, 9, 11, 12], 25), 8 * RATE // 25)
    glide = np.convolve(np.pad(steps, 400, mode="edge"), np.hanning(801) / np.hanning(801).sum(), mode="valid")
    pitch = lowest * 2 ** (glide / 12 + vibrato_cents / 1200 * np.sin(2 * np.pi * 5.5 * time))
    turn = 2 * np.pi * np.cumsum(pitch) / RATE
    tone = np.sin(turn) + 10 ** (overtone_db / 20) * np.sin(2 * turn)
    breath = sosfilt(butter(2, [500, 7000], "bandpass", fs=RATE, output="sos"), random.standard_normal(len(time)))
    breath *= 10 ** (breath_db / 20) * tone.std() / breath.std()
    return np.asarray(0.3 * (tone + breath) * (0.8 + 0.2 * np.sin(2 * np.pi * 1.5 * time)), np.float32)


TONES: dict[str, Callable[[], Floats32]] = {
    "short keys": lambda: keys(8, 0.06, 0.06),
    "long keys": lambda: keys(8, 0.25, 0.2),
    "a low and a high tone": lambda: in_turn(300, 1600),
    "two low tones": lambda: in_turn(440, 660),
    "a siren": lambda: in_turn(440, 585, each=0.7),
    "three tones": lambda: in_turn(523, 659, 784, each=0.2),
    "a whistle": lambda: whistled(1000, 10, -30),
    "a whistle with vibrato": lambda: whistled(1300, 50, -26),
    "a breathy whistle": lambda: whistled(1500, 25, -18),
    "a low whistle": lambda: whistled(650, 25, -26, -46),
}


@pytest.mark.parametrize("kind", TONES)
def test_a_note_of_pure_tones_holds_no_voice(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "tones.ogg"
    encode(path, resample_poly(TONES[kind](), 3, 1)[None].astype(np.float32), 48_000, bitrate=32_000)
    [(_, levels)] = read_notes([Note(path, "tones.ogg")])
    assert levels.active_seconds == 0


@pytest.mark.parametrize("kind", ["long keys", "two low tones", "a whistle", "a low whistle"])
def test_so_it_is_in_a_room_with_some_noise_and_beside_a_pause(kind: str) -> None:
    noise = 0.0005 * np.random.default_rng(0).standard_normal(8 * RATE)
    sound = sounds.in_a_room(TONES[kind](), RATE)
    assert is_pure_tones(sound + noise[: len(sound)].astype(np.float32), RATE)
    assert is_pure_tones(np.concatenate([np.zeros(5 * RATE, np.float32), sound]), RATE)


def muffled(wav: Floats32) -> Floats32:
    """As through a hand, or hummed."""
    return np.asarray(sosfilt(butter(4, 600, fs=RATE, output="sos"), wav), np.float32)


def by_telephone(wav: Floats32) -> Floats32:
    return np.asarray(sosfilt(butter(4, [300, 3400], "bandpass", fs=RATE, output="sos"), wav), np.float32)


def twice_as_high(wav: Floats32) -> Floats32:
    return np.asarray(resample_poly(wav, 1, 2), np.float32)


@pytest.fixture(scope="module")
def voices(notes: list[Path]) -> dict[str, Floats32]:
    """Up to eight seconds of each voice that ships, spoken and sung, and of the demo's notes."""
    paths = [*CLIPS, *notes[:4]]
    return {str(path): decode(path, RATE, channels=1, limits=NOTE, name=path.name)[: 8 * RATE] for path in paths}


CHANGES: list[Callable[[Floats32], Floats32]] = [np.asarray, muffled, by_telephone, twice_as_high]


@pytest.mark.parametrize("change", CHANGES)
def test_nobody_is_taken_for_a_tone(voices: dict[str, Floats32], change: Callable[[Floats32], Floats32]) -> None:
    assert len(CLIPS) > 60
    assert {name: share for name, wav in voices.items() if (share := tone_share(change(wav), RATE)) > 0.25} == {}


@pytest.mark.parametrize("lowest", [700, 1060])
@pytest.mark.parametrize("breath_db", [-50, -35])
def test_a_soprano_is_no_whistle_however_high_she_sings(lowest: float, breath_db: float) -> None:
    """Choirs that are sampled have overtones of -14 to -18 dB there."""
    sung = whistled(lowest, 50, breath_db, -20)
    assert tone_share(sung, RATE) < 0.25
    assert tone_share(by_telephone(sung), RATE) < 0.25


def test_a_voice_after_a_whistle_is_a_voice_and_silence_and_noise_are_no_tones(notes: list[Path]) -> None:
    voice = decode(notes[0], RATE, channels=1, limits=NOTE, name="note.ogg")
    assert not is_pure_tones(np.concatenate([whistled(1300, 20, -30)[: 4 * RATE], voice[: 12 * RATE]]), RATE)
    noise = np.random.default_rng(0).standard_normal(4 * RATE).astype(np.float32)
    assert not any(is_pure_tones(sound, RATE) for sound in (noise, 0 * noise, noise[:0], noise[:100]))


def test_a_long_note_is_judged_as_its_pieces_are(notes: list[Path]) -> None:
    voice = decode(notes[0], RATE, channels=1, limits=NOTE, name="note.ogg")[: 10 * RATE]
    assert tone_share(np.tile(voice, 8), RATE) == pytest.approx(tone_share(voice, RATE), abs=0.02)
    assert is_pure_tones(np.tile(whistled(1300, 20, -30), 8), RATE)
