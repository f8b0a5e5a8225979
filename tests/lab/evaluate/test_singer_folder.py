"""Folders of singers: AI Hub's guide vocals, folders of one's own, and what is none."""

from pathlib import Path

import pytest

from lab.errors import SingersError
from lab.evaluate.singer_folder import choose_folder_singers, list_folder_singers


def place(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return folder


def test_guide_vocals_are_found_however_deep_and_a_singer_in_two_places_is_one(tmp_path: Path) -> None:
    place(
        tmp_path,
        "01.data/1.Training/FEMALE/10TO29/BALLAD/CLEAR/SINGER_16/SINGER_16_10TO29_CLEAR_FEMALE_BALLAD_C0632.wav",
        "01.data/1.Training/FEMALE/10TO29/BALLAD/CLEAR/SINGER_16/SINGER_16_10TO29_CLEAR_FEMALE_BALLAD_C0632.mid",
        "01.data/1.Training/FEMALE/10TO29/BALLAD/CLEAR/SINGER_16/SINGER_16_10TO29_CLEAR_FEMALE_BALLAD_C0632.json",
        "01.data/1.Training/FEMALE/10TO29/DANCE/CLEAR/SINGER_16/SINGER_16_10TO29_CLEAR_FEMALE_DANCE_C0700.wav",
        "01.data/2.Validation/MALE/SINGER_104_30TO49_HUSKY_MALE_DANCE_C2835.wav",
    )
    singers = list_folder_singers(tmp_path)
    assert [(singer.name, len(singer.recordings)) for singer in singers] == [("SINGER_16", 2), ("SINGER_104", 1)]
    assert [singer.name for singer in choose_folder_singers(singers, ["104", "SINGER_16"])] == [
        "SINGER_104",
        "SINGER_16",
    ]
    assert [singer.name for singer in list_folder_singers(tmp_path, least=2)] == ["SINGER_16"]
    with pytest.raises(SingersError, match=r"There is no singer 18 here\. There are: SINGER_16, SINGER_104\."):
        choose_folder_singers(singers, ["18"])


def test_other_folders_name_their_singers_and_recordings_are_taken_evenly(tmp_path: Path) -> None:
    place(tmp_path, *(f"아이유/{n}.ogg" for n in range(9)), "Zion.T/album/a.flac", "loose.wav", ".hidden/a.wav")
    singers = list_folder_singers(tmp_path)
    assert [singer.name for singer in singers] == ["Zion.T", "아이유"]
    assert [path.stem for path in singers[1].some(3)] == ["0", "4", "8"] and len(singers[1].some(20)) == 9


def test_a_folder_of_another_layout_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SingersError, match="is not a folder"):
        list_folder_singers(tmp_path / "gone")
    with pytest.raises(SingersError, match="holds no folder of a singer with at least 4 recordings"):
        list_folder_singers(place(tmp_path, "a/b.wav"), least=4)
    (tmp_path / "loose").mkdir()
    with pytest.raises(SingersError, match=r"lie in no folder\. Put each singer's into one"):
        list_folder_singers(place(tmp_path / "loose", "b.wav"))
