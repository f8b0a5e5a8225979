"""Music is heard behind voices down to a tenth of their level, and none in a voice alone, whatever is not music."""

from pathlib import Path

import numpy as np
import pytest

from models.signal import SPEECH_RATE, Floats32
from pipeline.listening.music import MOST, music_share
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.decode import NOTE, decode
from tests.conftest import LIBRARY
from tests.pipeline import sounds

RATE = SPEECH_RATE
SPEAKER, SINGER = LIBRARY / "libri-1688" / "1.ogg", LIBRARY / "am_michael" / "4.ogg"


def read(path: Path) -> Floats32:
    return decode(path, RATE, channels=1, limits=NOTE, name=path.name)


def share(wav: Floats32, models: ModelPool) -> float:
    return music_share(wav, *models.pitch.voicing(wav))


@pytest.mark.parametrize("path", [SPEAKER, SINGER], ids=["speech", "song"])
@pytest.mark.parametrize(("kind", "below_db"), [("a band", 0), ("a band", 6), ("plucked strings", 20)])
def test_music_is_heard_behind_speech_and_song(
    models: ModelPool, accompaniments: dict[str, Floats32], path: Path, kind: str, below_db: float
) -> None:
    assert share(sounds.with_music(read(path), accompaniments[kind], below_db), models) > MOST


def test_voices_alone_are_no_music_spoken_or_sung_dry_or_in_a_room(models: ModelPool, notes: list[Path]) -> None:
    for path in (notes[0], SPEAKER, LIBRARY / "jf_alpha" / "4.ogg", SINGER):
        voice = read(path)
        assert max(share(voice, models), share(sounds.in_a_room(voice, RATE), models)) < MOST, path


def test_a_held_note_is_no_music_behind_itself(models: ModelPool) -> None:
    time = np.arange(6 * RATE) / RATE
    for hertz in (110, 220, 440, 700):
        turn = 2 * np.pi * hertz * np.cumsum(1 + 0.01 * np.sin(2 * np.pi * 5.5 * time)) / RATE
        held = np.asarray(sum(np.sin(k * turn) / k for k in range(1, 12)) * 0.1, np.float32)
        assert share(held, models) < MOST


def test_noise_a_crowd_and_the_whine_of_a_computer_are_no_music(models: ModelPool, notes: list[Path]) -> None:
    voice = read(notes[1])
    whine = sounds.sine(len(voice) / RATE, RATE, 1370.0)[: len(voice)]
    white = np.random.default_rng(0).standard_normal(len(voice)).astype(np.float32)
    crowd = np.sum([np.resize(read(LIBRARY / f"libri-{n}" / "2.ogg"), len(voice)) for n in (1998, 2033, 2609)], axis=0)
    for behind in (whine, white, crowd):
        assert share(sounds.with_music(voice, behind, 10), models) < MOST


def test_music_in_a_part_of_a_long_note_counts_for_that_part(
    models: ModelPool, notes: list[Path], accompaniments: dict[str, Floats32]
) -> None:
    voice = np.concatenate([read(path) for path in notes[:2]])[: 30 * RATE]
    third = len(voice) // 3
    played = sounds.with_music(voice[:third], accompaniments["plucked strings"], 0)
    begun = share(np.concatenate([played, 0.5 * voice[third:] / np.abs(voice).max()]), models)
    assert MOST < begun < share(played, models) / 2


def test_silence_and_a_moment_have_none() -> None:
    nothing = np.zeros(0, np.float32)
    assert music_share(np.zeros(2 * RATE, np.float32), nothing, nothing) == 0
    assert music_share(sounds.sine(0.01, RATE), nothing, nothing) == 0
