"""Media in a bucket of a real S3 server: whole or not there, checked on both ways, whatever the line does meanwhile."""

import errno
import hashlib
import io
import os
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from obstore.store import BackoffConfig

from files.disk import DiskFull
from store import (
    FileDamaged,
    Job,
    JobKind,
    JobState,
    MediaAway,
    NotFound,
    Song,
    Store,
    StoreSettings,
    bucket,
    cache,
    media_bucket,
    near,
    open_store,
    retention,
    shared_cache,
)
from store.bucket import bucket_at
from store.errors import MediaRefused
from store.media import hash_of
from store.media_bucket import FOLDER, Changed, MediaBucket
from tests.s3_server import BadLine, Fault, Passing, S3Server, bad_line, broken, cut, half, silent, slow, times

SOUND = b"sound"
KEY = hashlib.sha256(SOUND).hexdigest() + ".ogg"
SOON: "BackoffConfig" = {"init_backoff": timedelta(milliseconds=5), "max_backoff": timedelta(milliseconds=9)}


@pytest.fixture
def name(s3: S3Server) -> str:
    """An empty bucket."""
    return s3.bucket()


@pytest.fixture
def media(s3: S3Server, name: str, tmp_path: Path) -> MediaBucket:
    """Media in it."""
    return MediaBucket(bucket_at(f"s3://{name}/deep/down", s3.access), tmp_path / "near", 1.0)


@pytest.fixture
def line(s3: S3Server) -> Iterator[BadLine]:
    """What stands between."""
    with bad_line(s3) as between:
        yield between


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails is tried again soon."""
    monkeypatch.setattr(bucket, "PATIENCE", {"max_retries": 2, "backoff": SOON})
    monkeypatch.setattr(bucket, "AT_ONCE", {"max_retries": 1, "backoff": SOON})


@pytest.fixture
def behind(line: BadLine, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MediaBucket:
    """The same media, behind that line."""
    monkeypatch.setattr(bucket, "SILENT", timedelta(seconds=0.4))
    return MediaBucket(bucket_at(f"s3://{name}/deep/down", line.access), tmp_path / "near", 1.0)


def stored(s3: S3Server, name: str) -> list[Path]:
    """The objects of a bucket as the server keeps them."""
    return [path for path in (s3.folder / name).rglob("*") if path.is_file()]


def local(media: MediaBucket) -> list[Path]:
    """Everything in the folder with copies, drafts too."""
    return [path for path in media.root.rglob("*") if path.is_file()]


def test_equal_content_is_one_object_and_comes_back_checked(
    s3: S3Server, name: str, media: MediaBucket, tmp_path: Path
) -> None:
    copy = tmp_path / "note.OGG"
    copy.write_bytes(SOUND)
    assert media.put_bytes(SOUND, "a.ogg") == media.put_file(copy) == KEY
    [found] = stored(s3, name)
    assert found == s3.folder / name / "deep/down" / FOLDER / KEY[:2] / KEY
    assert media.keys() == {KEY} and media.size() == len(SOUND) and media.older_than(3600) == set()
    assert local(media) == []
    assert media.checked(KEY, "note").read_bytes() == SOUND == media.path(KEY).read_bytes()
    media.delete(KEY, "0" * 64)
    assert stored(s3, name) == local(media) == [] and media.keys() == set()
    for ask in (media.path, media.require, media.verify):
        with pytest.raises(NotFound):
            ask(KEY)


@pytest.mark.parametrize("key", ["../x", "", "0" * 63, "/etc/passwd", "0" * 64 + "/../x"])
def test_a_key_that_is_none_finds_nothing(media: MediaBucket, key: str) -> None:
    with pytest.raises(NotFound):
        media.path(key)


def test_a_large_file_goes_and_comes_in_parts_and_memory_stays_flat(media: MediaBucket, tmp_path: Path) -> None:
    large = tmp_path / "large.flac"
    large.write_bytes(os.urandom(1 << 20) * 40)
    tracemalloc.start()
    key = media.put_file(large)
    path = media.checked(key, "large")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.stat().st_size == 40 << 20 and peak < 36 << 20


def test_a_file_that_changes_while_it_is_stored_is_not_stored(s3: S3Server, name: str, media: MediaBucket) -> None:
    for size in (100, 20 << 20):
        with pytest.raises(Changed):
            media.write("0" * 64, io.BytesIO(bytes(size)))
    assert stored(s3, name) == [] and media.keys() == set()


@pytest.mark.parametrize("fault", [half, broken, cut, slow])
def test_a_bad_moment_of_the_line_is_passed_over(line: BadLine, behind: MediaBucket, fault: Fault) -> None:
    for number in (1, 2):
        data = bytes([number]) * 300_000
        line.fault = times(1, fault)
        key = behind.put_bytes(data, ".wav")
        line.fault = times(number, fault)
        assert behind.checked(key, "note").read_bytes() == data
    assert len(local(behind)) == 2


def test_an_upload_whose_last_answer_was_lost_is_there(line: BadLine, behind: MediaBucket) -> None:
    def lost(request: Passing) -> bool:
        if request.command != "POST" or "uploadId" not in request.path:
            return False
        request.fetched(request.body)
        request.cut()
        return True

    line.fault = times(1, lost)
    key = behind.put_bytes(bytes(9 << 20), ".wav")
    assert behind.keys() == {key} and any("uploadId" in asked for asked in line.seen)


@pytest.mark.parametrize("fault", [half, broken, cut, silent])
def test_a_line_that_stays_bad_is_one_sentence_and_leaves_nothing_half_written(
    s3: S3Server, name: str, line: BadLine, behind: MediaBucket, fault: Fault
) -> None:
    key = behind.put_bytes(SOUND * 100_000, ".wav")
    line.fault = fault
    with pytest.raises(MediaAway, match=r"^The file storage does not answer\."):
        behind.checked(key, "note")
    if fault is not half:
        with pytest.raises(MediaAway):
            behind.put_bytes(b"other", ".wav")
        with pytest.raises(MediaAway):
            behind.delete(key)
        with pytest.raises(MediaAway):
            behind.keys()
    assert local(behind) == [] and [path.name for path in stored(s3, name)] == [key]


def test_what_refuses_us_is_said(s3: S3Server, name: str, tmp_path: Path) -> None:
    strangers = replace(s3.access, secret="wrong")
    for url, access in ((f"s3://{name}", strangers), ("s3://no-such-bucket", s3.access)):
        media = MediaBucket(bucket_at(url, access), tmp_path, 1.0)
        with pytest.raises(MediaRefused, match="MEDIA_URL and its key"):
            media.put_bytes(SOUND, ".ogg")
        with pytest.raises(MediaRefused):
            media.keys()


def test_damage_in_the_bucket_is_seen_and_damage_of_a_copy_is_mended(
    s3: S3Server, name: str, media: MediaBucket
) -> None:
    key = media.put_bytes(SOUND, ".ogg")
    media.path(key).write_bytes(b"sounD")
    assert media.checked(key, "note").read_bytes() == SOUND
    media.verify(key)
    media.near.delete(key)
    stored(s3, name)[0].write_bytes(b"sounD")
    for ask in (lambda: media.verify(key), lambda: media.checked(key, "note"), lambda: media.path(key)):
        with pytest.raises(FileDamaged):
            ask()
    assert local(media) == []


def test_an_old_object_is_written_again_so_that_no_clean_up_takes_it(
    s3: S3Server, name: str, media: MediaBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    media.put_bytes(SOUND, ".ogg")
    [found] = stored(s3, name)
    for fresh, written in ((60.0, False), (0.0, True)):
        os.utime(found, (1, 1))
        monkeypatch.setattr(media_bucket, "FRESH", fresh)
        media.put_bytes(SOUND, ".ogg")
        assert (found.stat().st_mtime > 1) is written
    assert media.older_than(3600) == set() and media.older_than(-3600) == {KEY} == media.keys()


def test_a_full_disk_keeps_no_half_of_a_copy(media: MediaBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    key = media.put_bytes(SOUND, ".ogg")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(DiskFull):
            media.path(key)
    assert local(media) == []


@pytest.fixture
def machines(s3: S3Server, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Store]]:
    """Two machines with one database and one bucket."""
    for setting, value in s3.environment().items():
        monkeypatch.setenv(setting, value)
    monkeypatch.setenv("MEDIA_URL", f"s3://{name}/house")
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/rows.db")
    opened = [open_store(StoreSettings(data_dir=tmp_path / machine)) for machine in ("one", "two")]
    yield opened
    for store in opened:
        store.engine.dispose()


def sing(store: Store, data: bytes = SOUND) -> Song:
    """A song of the library."""
    with store.write() as session:
        session.add(song := Song(title=data.decode(), media_key=store.media.put_bytes(data, "song.mp3")))
    return song


def separated(store: Store, song: Song) -> Path:
    """What a worker computes from it."""
    folder = store.cache_dir / hash_of(song.media_key) / "levelled" / "spleeter"
    folder.mkdir(parents=True)
    for file in ("vocals.flac", "instrumental.flac", "words+pitch.npz", "stems.json"):
        (folder / file).write_bytes(file.encode() * 1000)
    (folder / ".vocals.flac.part").write_bytes(b"draft")
    return folder


def beyond(store: Store, line: BadLine) -> Store:
    """The same store, and its bucket does not answer."""
    line.fault = broken
    assert isinstance(store.media, MediaBucket)
    return replace(store, media=replace(store.media, bucket=bucket_at(store.media.place, line.access)))


def drop(store: Store, song: Song) -> None:
    """Nobody names the song any more."""
    with store.write() as session:
        session.delete(session.get_one(Song, song.id))
    assert retention.remove_unreferenced(store, {song.media_key}) == 1


def test_what_one_machine_stores_and_removes_the_other_reads_and_loses(
    s3: S3Server, name: str, machines: list[Store]
) -> None:
    one, two = machines
    song = sing(one)
    assert two.media.path(song.media_key).read_bytes() == SOUND
    assert near.sweep(two) == 0
    drop(one, song)
    assert stored(s3, name) == []
    assert near.sweep(two) == 1 and not any(path.is_file() for path in two.media.root.rglob("*"))


def test_copies_stay_within_their_limit_and_what_a_job_needs_stays(machines: list[Store]) -> None:
    store = machines[0]
    assert isinstance(store.media, MediaBucket)
    full = replace(store, media=replace(store.media, near_gb=2.5e-9 * len(SOUND)))
    songs = [sing(store, bytes([65 + number]) * len(SOUND)) for number in range(4)]
    for age, song in enumerate(songs):
        os.utime(store.media.path(song.media_key), (age, age))
    with store.write() as session:
        session.add(Job(kind=JobKind.COVER, user_id=1, state=JobState.RUNNING, params={"song_id": songs[0].id}))
    assert near.sweep(full) == 2
    assert {file.key for file in store.media.near.files()} == {songs[0].media_key, songs[3].media_key}
    assert store.media.keys() == {song.media_key for song in songs}


def test_a_song_that_one_machine_has_separated_is_quick_on_the_other(machines: list[Store]) -> None:
    one, two = machines
    song = sing(one)
    folder, sound = separated(one, song), hash_of(song.media_key)
    assert not cache.is_heard(two, song.media_key)
    shared_cache.share(one, sound)
    assert cache.is_heard(two, song.media_key) and not cache.is_heard(two, song.media_key, vocals_only=True)
    shared_cache.fetch(two, sound)
    there = two.cache_dir / folder.relative_to(one.cache_dir)
    whole = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}
    assert {path.name: path.read_bytes() for path in there.iterdir()} == whole and len(whole) == 4
    (there / "voices+pitch.npz").write_bytes(b"by another model")
    shared_cache.share(two, sound)
    shared_cache.fetch(one, sound)
    assert (folder / "voices+pitch.npz").read_bytes() == b"by another model"


def test_a_card_comes_only_to_the_very_stems_that_it_was_written_for(machines: list[Store]) -> None:
    one, two = machines
    song = sing(one)
    folder, sound = separated(one, song), hash_of(song.media_key)
    shared_cache.share(one, sound)
    there = two.cache_dir / folder.relative_to(one.cache_dir)
    there.mkdir(parents=True)
    (there / "vocals.flac").write_bytes(b"half of what a child writes just now")
    shared_cache.fetch(two, sound)
    assert not (there / "stems.json").exists()


def test_damaged_stems_and_a_bucket_that_is_gone_mean_that_a_song_is_worked_on_anew(
    s3: S3Server, name: str, machines: list[Store], line: BadLine
) -> None:
    one, two = machines
    song = sing(one)
    folder, sound = separated(one, song), hash_of(song.media_key)
    shared_cache.share(one, sound)
    vocals = next(path for path in stored(s3, name) if path.name == "vocals.flac")
    vocals.write_bytes(vocals.read_bytes().replace(b"v", b"w"))
    shared_cache.fetch(two, sound)
    there = two.cache_dir / folder.relative_to(one.cache_dir)
    assert not (there / "vocals.flac").exists() and not (there / "stems.json").exists()
    gone = beyond(one, line)
    shared_cache.fetch(gone, sound)
    shared_cache.share(gone, sound)
    assert not cache.is_heard(replace(gone, data_dir=two.data_dir), song.media_key)


def test_what_was_computed_from_a_song_goes_with_it_in_the_bucket_and_on_every_machine(
    s3: S3Server, name: str, machines: list[Store]
) -> None:
    one, two = machines
    song = sing(one)
    sound = hash_of(song.media_key)
    separated(one, song)
    shared_cache.share(one, sound)
    shared_cache.fetch(two, sound)
    drop(one, song)
    assert stored(s3, name) == [] and list(one.cache_dir.iterdir()) == []
    near.sweep(two)
    assert list(two.cache_dir.iterdir()) == []
    separated(two, song)
    shared_cache.share(two, sound)  # a worker that had not heard of it
    assert stored(s3, name) == []


def test_what_could_not_be_removed_is_found_by_the_hourly_sweep(
    s3: S3Server, name: str, machines: list[Store], line: BadLine
) -> None:
    store = machines[0]
    song = sing(store)
    separated(store, song)
    shared_cache.share(store, hash_of(song.media_key))
    with store.write() as session:
        session.delete(session.get_one(Song, song.id))
    assert retention.remove_unreferenced(beyond(store, line), {song.media_key}) == 0
    assert len(stored(s3, name)) == 5
    assert retention.remove_orphans(store, 0.0) == 1
    shared_cache.sweep(store)
    assert stored(s3, name) == []
