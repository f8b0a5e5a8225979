"""Names that people give."""

import pytest

from bot.errors import BadVoiceName
from bot.texts import names
from tests.bot.markdown import swallowed

BLANK = ["", "   ", "\u3164", "\u2800\u00a0", "\u200b"]


@pytest.mark.parametrize("text", [*BLANK, "x" * 33, "a\nb", "a\x00b", "\u202eevil"])
def test_bad_voice_names(text: str) -> None:
    with pytest.raises(BadVoiceName):
        names.voice_name(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [("  내 목소리 ", "내 목소리"), ("🎤", "🎤"), ("x" * 32, "x" * 32), ("e\u0301", "é"), ("../x", "../x")],
)
def test_good_voice_names(text: str, kept: str) -> None:
    assert names.voice_name(text) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\notes\\a.ogg", "a.ogg"),
        ("..", "file"),
        ("", "file"),
        ("a\r\nb.ogg", "a b.ogg"),
        ("\u3164", "file"),
        ("\u110b\u1175 \u1112\u1169.mp3", "이 호.mp3"),
        (".hidden", "hidden"),
        ("\u200b\u2060.mp3", "file.mp3"),
        ("\u3164.mp3", "file.mp3"),
    ],
)
def test_file_names_have_no_folders(text: str, kept: str) -> None:
    assert names.file_name(text) == kept


def test_long_file_names_keep_their_suffix() -> None:
    assert names.file_name("노" * 300 + ".flac") == "노" * 95 + ".flac"
    assert len(names.file_name("x" * 300)) == 100


def test_song_names_lose_their_suffix() -> None:
    assert names.song_name("IU - Palette.mp3") == "IU - Palette"
    assert names.song_name("noname") == "noname"


@pytest.mark.parametrize("text", ["**bold**", "`code`", "||spoiler||", "~~x~~"])
def test_markdown_is_harmless(text: str) -> None:
    assert names.safe(text).replace("\\", "") == text
    assert names.safe(text) != text


def test_mentions_links_and_lines_are_harmless() -> None:
    shown = names.safe("@everyone\n<@123> https://evil.example")
    assert "@everyone" not in shown and "<@123>" not in shown and "\n" not in shown and "https://" not in shown


def test_long_text_is_cut() -> None:
    assert names.safe("x" * 300) == "x" * 99 + "…"


@pytest.mark.parametrize(
    ("text", "shown"), [("1. Intro.mp3", "1\\. Intro.mp3"), ("12) a", "12\\) a"), ("3.5 a", "3.5 a")]
)
def test_a_name_is_no_entry_of_a_list(text: str, shown: str) -> None:
    assert names.safe(text) == shown


def test_a_numbered_list_ends_with_an_empty_line() -> None:
    shown = f"before\n{names.numbered_list(['1. a', '2. b'])}\nafter"
    assert shown == "before\n1. a\n2. b\n\nafter" and swallowed(shown) == []
    assert swallowed("1. a\n2. b\nafter\nmore") == ["after"] and names.numbered_list([]) == ""


def test_rows_that_would_read_alike_have_their_number_in_a_menu() -> None:
    assert names.choice_names([("쌍둥이", 6), ("쌍둥이", 7), ("가수 - 쌍둥이", 8)]) == [
        "쌍둥이 (#6)",
        "쌍둥이 (#7)",
        "가수 - 쌍둥이",
    ]
    long = names.choice_names([("x" * 120, 1), ("x" * 130, 22), ("\u3164", 3), ("LOVE", 4), ("Love", 5)])
    assert len(set(long)) == 5 and all(len(name) <= 100 for name in long) and long[0].endswith("… (#1)")
