"""What people type, and the title that they mean: in part, by initials, with slips, from a Mac."""

import unicodedata

import pytest

from store import Song, Store, library
from store.search import Fit, search, typed

TITLES = [
    ("Slow Motion", "Karina"),
    ("Motion", ""),
    ("노래 제목 39", ""),
    ("노래 제목 3", ""),
    ("밤편지", "아이유"),
    ("과거로 가는 편지", ""),
    ("Palette", "IU"),
    ("Pal", ""),
    ("Pallet Town", ""),
    ("Déjà Vu", "Beyoncé"),
    ("Let It Be", "The Beatles"),
    ("ㅋㅋㅋ", ""),
    ("100%_", ""),
    ("99 Luftballons", "Nena"),
    ("夜に駆ける", "YOASOBI"),
]


def found(text: str) -> list[str]:
    return [TITLES[hit.row][0] for hit in search(text, TITLES)]


@pytest.mark.parametrize(
    ("text", "best"),
    [
        ("slowmotion", "Slow Motion"),
        ("SLOW-MOTION!", "Slow Motion"),
        ("motion", "Motion"),
        ("노래제목39", "노래 제목 39"),
        ("노래제목3", "노래 제목 3"),
        ("ㅂㅍㅈ", "밤편지"),
        ("ㅇㅇㅇ", "밤편지"),
        ("ㄱㄱㄹ ㄱㄴ", "과거로 가는 편지"),
        (unicodedata.normalize("NFD", "밤편지"), "밤편지"),
        (unicodedata.normalize("NFD", "Déjà Vu"), "Déjà Vu"),
        ("deja vu", "Déjà Vu"),
        ("ＰＡＬＥＴＴＥ", "Palette"),
        ("밤펴", "밤편지"),
        ("밤편ㅈ", "밤편지"),
        ("고ㅏ거", "과거로 가는 편지"),
        ("pal", "Pal"),
        ("iu palette", "Palette"),
        ("Palette IU", "Palette"),
        ("아이유", "밤편지"),
        ("slowmoton", "Slow Motion"),
        ("solw motion", "Slow Motion"),
        ("palettte", "Palette"),
        ("밤펀지", "밤편지"),
        ("beatels", "Let It Be"),
        ("ㅋㅋ", "ㅋㅋㅋ"),
        (" %_ ", "100%_"),
        ("夜に", "夜に駆ける"),
    ],
)
def test_what_is_typed_finds_what_is_meant(text: str, best: str) -> None:
    assert found(text)[:1] == [best]


@pytest.mark.parametrize("text", ["", " ", "!?", "\u3164", "zzzz", "nonsense", "🎤", "ㅎㅎㅎㅎ", "x"])
def test_what_is_nowhere_finds_nothing(text: str) -> None:
    assert found(text) == []


def test_a_whole_name_comes_first_then_beginnings_then_parts_and_slips_only_alone() -> None:
    rows = [("My Pal", ""), ("Palette", ""), ("Pal", ""), ("Bal", "")]
    hits = search("pal", rows)
    assert [(rows[hit.row][0], hit.fit) for hit in hits] == [
        ("Pal", Fit.WHOLE),
        ("Palette", Fit.BEGINNING),
        ("My Pal", Fit.PART),
    ]
    assert [hit.fit for hit in search("palate", [*rows, ("Palett", "")])] == [Fit.ALIKE] * 2
    assert len(search("pal", rows, limit=2)) == 2


def test_equal_keys_of_both_keyboards() -> None:
    assert typed("각") == typed("가ㄱ") and typed("값") == typed("갑ㅅ") and typed("원") == typed("우ㅓㄴ")


def test_songs_are_found_in_the_library(store: Store) -> None:
    with store.write() as session:
        for title, singer in TITLES:
            library.add_song(session, Song(title=title, singer=singer, media_key=title))
    with store.read() as session:
        assert [song.title for song in library.find_songs(session, "ㅂㅍㅈ")] == ["밤편지"]
        assert [song.title for song in library.find_songs(session, "pal", limit=2)] == ["Pal", "Palette"]
        assert len(library.find_songs(session, " ", limit=None)) == len(TITLES)
