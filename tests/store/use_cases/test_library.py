"""Songs and singers of the library: added once, replaced with their files."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from store import Singer, Song, Store, connection
from store.use_cases import NewSinger, NewSong, NewVoice, add_singer, add_song, keep_voice, save_files
from tests.store.use_cases.scene import Scene


def test_a_song_is_kept_with_its_file(scene: Scene) -> None:
    path = scene.file(b"song", "song.mp3")
    song = add_song(scene.store, NewSong(path, "Palette", "IU", "CC-BY-4.0", 200.0))
    assert (song.title, song.singer, song.licence, song.seconds) == ("Palette", "IU", "CC-BY-4.0", 200.0)
    assert scene.store.media.path(song.media_key).read_bytes() == b"song"


def test_the_same_sound_under_the_same_title_stays_one_song(scene: Scene) -> None:
    path = scene.file(b"song", "song.mp3")
    first = add_song(scene.store, NewSong(path, "Palette"))
    assert add_song(scene.store, NewSong(path, "Palette", "IU")).id == first.id
    assert add_song(scene.store, NewSong(path, "Other")).id != first.id
    assert scene.remains() == {"Song": 2, "files": 1}


def test_a_singer_is_replaced_with_its_file_for_the_same_model_only(scene: Scene) -> None:
    def put(data: bytes, model: str) -> Singer:
        return add_singer(scene.store, NewSinger("Ann", scene.file(data, "e.safetensors"), model, 6, "own", "CC0"))

    put(b"old", "a")
    put(b"other model", "b")
    new = put(b"new", "a")
    assert (new.name, new.clips, new.source, new.licence) == ("Ann", 6, "own", "CC0")
    kept = {scene.store.media.path(row.embeddings_key).read_bytes() for row in scene.rows(Singer)}
    assert kept == {b"new", b"other model"} and scene.remains() == {"Singer": 2, "files": 2}


def test_a_singer_added_again_with_the_same_clips_keeps_its_file(scene: Scene) -> None:
    for _ in range(2):
        add_singer(scene.store, NewSinger("Ann", scene.file(b"same", "e.safetensors"), "a", 6))
    assert scene.remains() == {"Singer": 1, "files": 1}


def test_a_file_that_is_missing_leaves_no_row(scene: Scene) -> None:
    with pytest.raises(FileNotFoundError):
        add_song(scene.store, NewSong(Path("gone.mp3"), "Palette"))
    assert scene.rows(Song) == []


def test_files_are_saved_all_or_none(scene: Scene) -> None:
    path = scene.file(b"one", "one.ogg")
    [saved] = save_files(scene.store, [(path, "shown.ogg")])
    assert (saved.name, saved.bytes) == ("shown.ogg", 3)
    with pytest.raises(FileNotFoundError):
        save_files(scene.store, [(scene.file(b"two", "two.ogg"), "two"), (Path("gone.ogg"), "gone")])
    assert scene.store.media.keys() == {saved.key}


KEEPING: dict[str, Callable[[Store, Path], object]] = {
    "a song": lambda store, path: add_song(store, NewSong(path, "Palette")),
    "a singer": lambda store, path: add_singer(store, NewSinger("Ann", path, "a", 6)),
    "a voice": lambda store, path: keep_voice(store, 7, NewVoice("Ann", path, path, {}, "ab"), "It is mine."),
    "a note of the desk": lambda store, path: save_files(store, [(path, "note.ogg")]),
}


@pytest.mark.of_sqlite
@pytest.mark.parametrize("what", KEEPING)
def test_no_file_is_left_of_what_a_locked_database_refuses(
    scene: Scene, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BUSY_MS", 50)
    scene.store.engine.dispose()  # connections know from their beginning how long they wait
    with closing(sqlite3.connect(scene.store.place, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="locked"):
            KEEPING[what](scene.store, scene.file(b"sound", "sound.ogg"))
        assert scene.remains() == {}
