"""Which songs a folder holds: three layouts, names in any form of Unicode, one sentence for what is none."""

import unicodedata
from pathlib import Path

import pytest

from cli.console import DeskError
from cli.song_folder import list_songs


def place(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


def test_three_layouts_say_who_sings_what(tmp_path: Path) -> None:
    place(tmp_path, "IU - Good Day.mp3", "IU/Palette.flac", "IU/Lilac/03 Coin.M4A", "Zion.T – Yanghwa - BRDG.ogg")
    songs, complaints = list_songs(tmp_path)
    assert {(s.singer, s.album, s.title) for s in songs} == {
        ("IU", "", "Good Day"),
        ("IU", "", "Palette"),
        ("IU", "Lilac", "03 Coin"),
        ("Zion.T", "", "Yanghwa - BRDG"),
    }
    assert complaints == []


def test_a_singer_in_both_forms_of_unicode_and_other_case_is_one(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "아이유")
    place(tmp_path, "아이유 - 좋은 날.ogg", f"{decomposed} - 밤편지.ogg", "IU - a.ogg", "iu -  b  c.ogg")
    songs, _ = list_songs(tmp_path)
    assert {song.singer for song in songs} == {"아이유", "IU"}
    assert {song.title for song in songs} == {"좋은 날", "밤편지", "a", "b c"}
    assert all(song.path.exists() for song in songs)


def test_a_singers_folder_may_repeat_the_name_in_the_file(tmp_path: Path) -> None:
    place(tmp_path, "IU/Lilac/IU - Coin.ogg", "IU/Love - Hate.ogg")
    assert {song.title for song in list_songs(tmp_path)[0]} == {"Coin", "Love - Hate"}


def test_what_has_no_singer_or_lies_too_deep_is_one_sentence(tmp_path: Path) -> None:
    place(
        tmp_path,
        "A - b.ogg",
        "no dash.ogg",
        "A-b.ogg",
        "A/B/C/d.ogg",
        " - x.ogg",
        ".DS_Store",
        "A/cover.jpg",
        ".x/a.ogg",
    )
    songs, complaints = list_songs(tmp_path)
    assert [song.name for song in songs] == ["A - b"]
    assert len(complaints) == 4 and all(sentence.endswith("left out.") for sentence in complaints)
    assert any(s.startswith("no dash.ogg has no “ - ”") for s in complaints)
    assert any(s.startswith("d.ogg lies deeper") for s in complaints)


def test_a_folder_without_songs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeskError, match="holds no songs"):
        list_songs(place(tmp_path, "readme.txt"))
    with pytest.raises(DeskError, match="is not a folder"):
        list_songs(tmp_path / "gone")
