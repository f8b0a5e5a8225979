"""Names at the desk: whatever a title holds, it is printed as it is, and the commands go on working."""

import unicodedata
from pathlib import Path

import numpy as np
import pytest

from cli import offline
from models.signal import MUSIC_RATE
from pipeline.sound.encode import encode
from tests.cli.conftest import Desk
from tests.pipeline import sounds
from tests.warm_child import WarmChildren

MARKUP = ["Palette [/feat. GD]", "[link=x]", ":cat: song", "{0} $x_{ %s"]


@pytest.fixture
def song(tmp_path: Path) -> Path:
    encode(tmp_path / "song.flac", np.stack([sounds.sine(4, MUSIC_RATE)] * 2), MUSIC_RATE)
    return tmp_path / "song.flac"


@pytest.fixture(autouse=True)
def warm(warm_children: WarmChildren, monkeypatch: pytest.MonkeyPatch) -> None:
    """`songs add` listens with a child that is warm."""
    monkeypatch.setattr(offline, "Child", warm_children)


def test_nothing_in_a_title_is_markup(desk: Desk, song: Path) -> None:
    for title in MARKUP:
        assert f"{title} is song " in desk("songs", "add", song, "--title", title, "--singer", "[b]IU[/b]")
    listed = desk("songs", "list")
    for title in MARKUP:
        assert title in listed
    assert listed.count("[b]IU[/b]") == len(MARKUP)


def test_a_file_from_a_mac_is_added_under_the_name_that_people_type(desk: Desk, song: Path) -> None:
    typed = "사랑의 노래"
    renamed = song.rename(song.with_name(unicodedata.normalize("NFD", typed) + ".flac"))
    assert f"{typed} is song 1 of the library." in desk("songs", "add", renamed)


@pytest.mark.parametrize("blank", [" ", "\u3164", "\u200b"])
def test_a_blank_name_is_one_sentence(desk: Desk, song: Path, blank: str) -> None:
    assert desk.refused("songs", "add", song, "--title", blank) == (
        "A song needs a name that can be seen. Choose another name."
    )
    assert "A voice needs a name" in desk.refused("train", blank, song, "--yes")
    assert "A singer needs a name" in desk.refused("singers", "add", blank, song)
    for kind, *words in (
        ("voice", "cover", song, "--voice", blank),
        ("song", "cover", blank, "--voice", "me"),
        ("separator", "cover", song, "--voice", "me", "--separator", blank),
        ("song", "songs", "remove", blank),
        ("name", "singers", "remove", blank),
        ("name", "voices", "export", blank),
        ("name", "voices", "remove", blank),
        ("job", "jobs", "cancel", blank),
    ):
        assert desk.refused(*words) == f"A blank {kind} names nothing. Type what it is called."


def test_a_wrong_option_is_no_markup(desk: Desk) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATA_DIR", str(desk.data))
        assert "There is no file [/x]" in desk.refused("songs", "add", "[/x]")
