"""The cache of songs: it goes with its song, stays within its limit, and is never taken from a job that needs it."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from store import Job, JobKind, JobState, Song, Store, cache
from store.tables import now

SIZE = 1000


def cached(store: Store, song: str, used: float = 0.0) -> Path:
    """The cache of a song, of SIZE bytes, used last at that time."""
    folder = store.cache_dir / song
    (folder / "spleeter").mkdir(parents=True)
    (folder / "spleeter" / "vocals.flac").write_bytes(b"x" * SIZE)
    os.utime(folder, (used, used))
    return folder


def name(store: Store, song: str) -> int:
    """A song of the library by this hash; its id."""
    with store.write() as session:
        row = Song(title=song, media_key=f"{song}.mp3")
        session.add(row)
        session.flush()
        return row.id or 0


def test_the_cache_of_a_song_that_no_row_names_goes(store: Store) -> None:
    gone, kept, left = cached(store, "gone"), cached(store, "kept"), cached(store, f"{cache.ASIDE}killed")
    name(store, "kept")
    assert cache.sweep(store) == 2
    assert not gone.exists() and not left.exists() and kept.exists()
    assert [folder.name for folder in store.cache_dir.iterdir()] == ["kept"]


def test_the_cache_of_the_operators_own_file_stays_while_there_is_room(store: Store) -> None:
    old, new = cached(store, "old", 1), cached(store, "new", 2)
    for folder in (old, new):
        cache.keep(store, f"{folder.name}.mp3")
    os.utime(old, (1, 1))
    cache.keep(store, "absent.mp3")
    assert cache.sweep(store) == 0 and old.exists() and new.exists()
    with store.write() as session:
        assert cache.set_aside(store, session, "new") is None
    assert cache.sweep(replace(store, cache_gb=1.5 * SIZE / cache.GB)) == 1
    assert [folder.name for folder in store.cache_dir.iterdir()] == ["new"]


def test_the_least_recently_used_goes_until_the_limit_is_kept(store: Store) -> None:
    folders = [cached(store, song, used) for song, used in (("b", 1), ("c", 3), ("a", 2), ("d", 4))]
    for folder in folders:
        name(store, folder.name)
    cache.folder_of(store, "b.mp3")  # a worker takes it: used now
    assert cache.sweep(replace(store, cache_gb=2.5 * SIZE / cache.GB)) == 2
    assert sorted(folder.name for folder in store.cache_dir.iterdir()) == ["b", "d"]
    assert cache.sweep(replace(store, cache_gb=2.5 * SIZE / cache.GB)) == 0


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING])
@pytest.mark.parametrize("of_library", [False, True])
def test_what_a_job_needs_stays_however_large(store: Store, state: JobState, of_library: bool) -> None:
    needed, other = cached(store, "needed", 1), cached(store, "other", 2)
    number = name(store, "needed")
    name(store, "other")
    params = {"song_id": number} if of_library else {"song_key": "needed.mp3"}
    with store.write() as session:
        session.add(Job(kind=JobKind.COVER, user_id=1, state=state, params=params))
    cache.sweep(replace(store, cache_gb=0.1 * SIZE / cache.GB))
    assert needed.exists() and not other.exists()


def test_what_is_measured_of_a_cover_needs_its_song_too(store: Store) -> None:
    needed, done = cached(store, "needed", 1), cached(store, "done", 2)
    for folder, lease in ((needed, now() + 15), (done, None)):
        name(store, folder.name)
        params = {"song_key": f"{folder.name}.mp3"}
        with store.write() as session:
            state = JobState.RENDERED
            session.add(Job(kind=JobKind.COVER, user_id=1, state=state, params=params, lease_until=lease))
    cache.sweep(replace(store, cache_gb=0.1 * SIZE / cache.GB))
    assert needed.exists() and not done.exists()


def test_a_sweep_without_a_cache_is_nothing(store: Store) -> None:
    assert cache.sweep(store) == 0
    assert cache.folder_of(store, "song.mp3") == store.cache_dir / "song"
