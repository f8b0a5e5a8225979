"""A preview is of the loudest seconds in which somebody sings."""

from pathlib import Path

import numpy as np
import pytest

from models.signal import Floats32
from pipeline.covers import preview
from pipeline.covers.given import GivenFile
from pipeline.covers.song import measure_song
from pipeline.covers.stem_file import LEVEL, stem_piece
from pipeline.covers.stems import Stems
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.decode import SONG, decode
from pipeline.sound.encode import encode

RATE = 44100


def a_song(clip: Floats32, seconds: int, loud: dict[int, Floats32]) -> Floats32:
    """The clip again and again, 20 dB softer, with other sound at these seconds."""
    song = np.tile(clip, (1, seconds))[:, : seconds * RATE] * np.float32(0.1)
    for start, sound in loud.items():
        song[:, start * RATE :][:, : sound.shape[1]] = sound
    return song


def test_the_loudest_parts_of_a_song_come_in_turn_and_do_not_overlap() -> None:
    energy = np.full(705, 0.1)
    energy[300:340], energy[100:130], energy[590:600] = 3.0, 2.0, 1.0
    first, second, third = preview.loudest_parts(energy, 10, 3)
    assert first in range(24, 31) and second in range(3, 11) and third in range(50, 61)
    assert preview.loudest_parts(energy[:95], 10, 3) == []
    assert preview.loudest_parts(np.zeros(700), 10, 3) == []


def test_sung_is_what_has_a_voice_in_every_other_second() -> None:
    stems = np.random.default_rng(0).standard_normal((2, 2, RATE * 20)).astype(np.float32) * 0.1
    stems[0] *= 0.05
    stems[0, :, : RATE * 9] *= 20
    assert not preview.is_sung(stems)
    stems[0, :, : RATE * 10] = stems[1, :, : RATE * 10]
    assert preview.is_sung(stems) and not preview.is_sung(0.001 * stems)


@pytest.mark.parametrize("seconds", [59, 70])
def test_the_loudest_sung_part_of_a_song_is_its_preview(
    models: ModelPool, song: Path, tmp_path: Path, seconds: int
) -> None:
    clip = decode(song, RATE, channels=2, limits=SONG, name="song")[:, : 10 * RATE]
    noise = np.random.default_rng(0).standard_normal((2, 20 * RATE)).astype(np.float32)
    solo = noise * np.float32(2 * clip.std())  # louder, and nobody sings
    chorus = np.tile(clip, (1, 2)) * np.float32(0.5)
    whole = a_song(clip, seconds, {4: solo, 33: chorus})
    path = tmp_path / "song.wav"
    encode(path, whole, RATE)
    level = measure_song(path, "song", lambda done: None)
    made: list[Stems] = []
    reports: list[float] = []
    maker = preview.PreviewMaker(GivenFile(path, "song"), models, tmp_path / "preview", made.append)
    spent = maker.make(level, lambda stage, done: reports.append(done))
    if seconds < 60:
        assert (spent, made, reports) == (0.0, [], [])
        return
    [stems] = made
    assert stems.seconds == 20 and stems.instrumental is not None and spent == pytest.approx(44, abs=0.1)
    assert reports == sorted(reports) and reports[0] == 0 and reports[-1] == pytest.approx(44 / (44 + 70), abs=0.01)
    vocals, rest = (stem_piece(part, 0, 20 * RATE) for part in (stems.vocals, stems.instrumental))
    both = vocals + rest
    inner = slice(RATE, 19 * RATE)
    error = both[:, inner] / LEVEL / stems.gain - whole[:, 33 * RATE : 53 * RATE][:, inner]
    assert error.std() < 0.05 * chorus.std()  # these very seconds, but for rumble
    assert abs(both[:, 0]).max() == 0 and abs(both[:, -1]).max() < 1e-6  # begins and ends without a click
    assert vocals.std() > 0.3 * both.std()
