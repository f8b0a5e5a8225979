"""Targets and sources of a folder of singers: guide vocals, whose songs begin with a pause."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from lab.errors import CorpusError, SingersError
from lab.evaluate.plan import TARGETS, choose_target, default_targets, read_held_out, sung_source
from models.signal import Floats32

RATE = 16000


def song(folder: Path, singer: int, number: int, seconds: float = 20.0) -> Path:
    """A pause of half the song, then a voice."""
    path = (
        folder / "MALE" / "BALLAD" / f"SINGER_{singer}" / f"SINGER_{singer}_10TO29_CLEAR_MALE_BALLAD_C{number:04}.wav"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    wav = np.random.default_rng(number).normal(0, 0.1, round(seconds * RATE))
    wav[: len(wav) // 2] = 0
    soundfile.write(path, wav, RATE)
    return path


@pytest.fixture
def guide(tmp_path: Path) -> Path:
    for singer in (3, 18, 48):
        for number in range(5):
            song(tmp_path, singer, number)
    song(tmp_path, 45, 0)
    return tmp_path


def test_the_guide_singers_that_are_there_are_the_targets(guide: Path) -> None:
    assert default_targets(guide) == ("SINGER_18", "SINGER_48")  # 45 has too few songs
    target = choose_target(guide, "18")
    assert target.name == "SINGER_18" and len(target.notes) == 2 and len(target.held_out) == 3
    assert not set(target.notes) & set(target.held_out) and target.bandwidth == RATE / 2
    with pytest.raises(SingersError, match=r"There is no singer 45 here\. There are: SINGER_3, SINGER_18, SINGER_48"):
        choose_target(guide, "45")


def test_other_singers_are_taken_where_those_three_are_not(tmp_path: Path) -> None:
    for singer in range(4, 9):
        for number in range(4):
            song(tmp_path, singer, number, 2.0)
    assert default_targets(tmp_path) == ("SINGER_4", "SINGER_5", "SINGER_6")


def test_songs_are_heard_where_somebody_sings(guide: Path) -> None:
    heard = read_held_out(choose_target(guide, "18"), RATE)
    source = sung_source(song(guide, 3, 9), "SINGER_3", RATE)

    def sounding(wav: Floats32) -> float:
        return float((wav != 0).mean())

    assert [len(wav) / RATE for wav in heard] == [12.0] * 3 and all(sounding(wav) > 0.8 for wav in heard)
    assert sounding(source.wav) > 0.8 and (source.name, source.language) == ("SINGER_3 sung", "ko")


def test_what_is_no_folder_of_singers_is_a_corpus_that_is_not_there(tmp_path: Path) -> None:
    assert default_targets(tmp_path / "gone") == TARGETS
    with pytest.raises(CorpusError, match="corpus build"):
        choose_target(tmp_path / "gone", "allison")
