"""Jobs are stopped and songs removed from the desk."""

import contextlib
from pathlib import Path

import pytest

from cli import offline
from cli.console import console
from cli.report import song_line
from files.disk import DiskFull
from store import Job, JobKind, JobState, Song, SongVocals, library, voices
from store.results import SongSuggestion
from tests.cli.conftest import Desk
from worker.messages import Ready, Refused


def test_a_job_is_listed_without_names_and_stopped_by_its_first_digits(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "_width", 200)
    store = desk.store()
    with store.write() as session:
        for digit, state in (("a", JobState.QUEUED), ("b", JobState.RUNNING), ("c", JobState.DELIVERED)):
            session.add(Job(id=digit * 32, kind=JobKind.MATCH, user_id=7654321, state=state))
    said = desk("jobs", "list")
    assert "a" * 12 in said and "b" * 12 in said and "c" * 12 not in said and "7654321" not in said
    assert "is cancelled" in desk("jobs", "cancel", "a" * 12)
    assert "is to stop" in desk("jobs", "cancel", "b" * 12)
    for wrong in ("aaaaaa", "bbb", "cccccccc", "%"):
        assert "discovervoice jobs list" in desk.refused("jobs", "cancel", wrong)


def test_a_folder_of_songs_is_taken_once_and_a_song_goes_with_its_file(desk: Desk, song: Path, tmp_path: Path) -> None:
    folder = tmp_path / "songs"
    folder.mkdir()
    (folder / "Somebody - Tune.mp3").write_bytes(song.read_bytes())
    (folder / "Somebody - Nothing.mp3").write_bytes(b"no sound")
    assert "Songs added: 1, there already: 0, left out: 1." in desk("songs", "import", folder)
    assert "Songs added: 0, there already: 1" in desk("songs", "import", folder)
    assert "Tune is removed." in desk("songs", "remove", "Tune", "--yes")
    assert not [file for file in (desk.data / "media").rglob("*") if file.is_file()]
    assert "There is no song Tune." in desk.refused("songs", "remove", "Tune", "--yes")
    assert "There is no singer X." in desk.refused("singers", "remove", "X", "--yes")


def test_a_song_that_could_not_be_listened_to_stays_and_is_said_to(
    desk: Desk, song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Child:
        async def ready(self, **_: object) -> Ready:
            return Ready("cpu", "m")

        async def run(self, _: object) -> Refused:
            return Refused(DiskFull.code, {}, str(DiskFull()))

    monkeypatch.setattr(offline, "child_of_settings", lambda: contextlib.nullcontext(Child()))
    said = desk.refused("songs", "add", song, "--title", "Tune")
    assert said.startswith("Tune is in the library, but was not listened to: The machine's disk is full. Mend that")
    with desk.store().read() as session:
        assert [one.title for one in library.unheard_songs(session, "m")] == ["Tune"]


def test_songs_are_listed_with_key_and_tempo_where_they_are_clear(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "_width", 200)
    with desk.store().write() as session:
        for title, key, tempo in (("Slow", "F♯m", 92.4), ("Free", "", None), ("New", None, None)):
            song = library.add_song(session, Song(title=title, media_key=title))
            session.add(SongVocals(song_id=song.id or 0, model="m", key=key, tempo=tempo))
    listed = [line.split() for line in desk("songs", "list").splitlines()]
    assert ["│", "1", "│", "Slow", "│", "│", "│", "F♯m", "│", "92", "│", "│"] in listed
    assert ["│", "2", "│", "Free", "│", "│", "│", "│", "│", "│"] in listed
    assert ["│", "3", "│", "New", "│", "│", "│", "│", "│", "│"] in listed


@pytest.mark.parametrize(
    ("song", "line"),
    [
        (SongSuggestion("Slow", key_shift=-2, key="Am", sung_key="Gm"), "Slow, --key-shift -2 (Am → Gm)."),
        (SongSuggestion("Slow", "Ann", key="Am", sung_key="Am"), "Slow (Ann), in its own key (Am)."),
        (SongSuggestion("Slow", key_shift=-2), "Slow, --key-shift -2."),
    ],
)
def test_a_song_to_sing_is_named_with_its_key(song: SongSuggestion, line: str) -> None:
    assert song_line(song) == f"A song to sing: {line}"


@pytest.mark.parametrize(
    ("switched", "songs", "free"),
    [
        ("true", "A worker adds those that ship when it starts; yours:", "A worker makes the free ones between jobs."),
        ("false", "There is no song yet. Add yours:", "There are no free ones, since FREE_LIBRARY is false."),
    ],
)
def test_where_nothing_is_listed_it_is_said_how_something_comes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, switched: str, songs: str, free: str
) -> None:
    monkeypatch.setenv("FREE_LIBRARY", switched)
    assert f"{songs} discovervoice songs add" in desk("songs", "list")
    assert "A worker adds those that ship when it starts; yours: discovervoice singers add" in desk("singers", "list")
    assert f"discovervoice train NAME NOTES… {free}" in desk("voices", "list")
    assert desk.refused("cover", "song", "--voice", "Beta").endswith(free)
    assert desk("jobs", "list") == "No job waits or runs.\n"
    assert desk("outbox", "list") == "No message waits for Discord, and none was given up.\n"


def test_a_voice_that_is_not_there_is_answered_with_those_that_are_free(desk: Desk) -> None:
    with desk.store().write() as session:
        voice = voices.create(session, voices.PUBLIC, "Alpha", None, None)
        voices.finish(session, voice, "0" * 64, "1" * 64, {})
    assert desk("voices", "list").endswith("NOTES… Free for all: Alpha.\n")
    said = desk.refused("cover", "song", "--voice", "Beta")
    assert said == "There is no voice Beta. Train it first: discovervoice train Beta NOTES… Free for all: Alpha."


def test_nothing_is_asked_about_a_singer_or_a_job_that_is_not_there(desk: Desk) -> None:
    assert desk.refused("singers", "remove", "nobody") == "There is no singer nobody. See: discovervoice singers list"
    assert "nonsense is no job that is listed" in desk.refused("jobs", "cancel", "nonsense")
