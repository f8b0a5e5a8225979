"""A server's own library: heard before it is there, seen there alone, and gone with its files."""

from dataclasses import replace

import pytest

from store import (
    BlankName,
    DownloadFailed,
    Job,
    JobKind,
    JobState,
    LibraryFull,
    NotFound,
    Singer,
    Song,
    SongInUse,
    SongVocals,
    TooFewSongs,
    jobs,
    library,
)
from store.params import LibraryEntry, LibraryParams
from store.results import HeardVocals, LibraryResult
from store.tables import Audit, Clip
from store.use_cases import (
    CoverRequest,
    LibraryRequest,
    NewSinger,
    SavedFile,
    add_singer,
    cancel_job,
    check_cover,
    check_library,
    edit_song,
    fail_job,
    finish_job,
    forget,
    own_singers,
    own_songs,
    remove_singer,
    remove_song,
    request_cover,
    request_library,
    search_songs,
    take_job,
)
from store.use_cases import server_library as limits
from tests.store.use_cases.scene import MEMBER, Scene

HERE, ELSEWHERE = 3, 4
MODEL = "m"


def request(scene: Scene, entry: LibraryEntry, name: str, *songs: bytes) -> Job:
    files = [scene.save(song, "song.mp3") for song in songs]
    return request_library(scene.store, scene.member, LibraryRequest(entry, name, files, "Ann", "CC0"))


def hear(scene: Scene, job: Job) -> None:
    """What a worker does."""
    count = len([clip for clip in scene.rows(Clip) if clip.job_id == job.id])
    heard = tuple(HeardVocals({"60": 4.0}, (1.0, 0.0), 4.0, "Am", 92.0) for _ in range(count))
    taken = take_job(scene.store, job.id, 1, "w")
    assert taken is not None
    path = scene.file(job.id.encode(), "embeddings.safetensors")
    finish_job(scene.store, taken, LibraryResult(songs=count, model=MODEL, heard=heard), {"embeddings": path})


def add_song(scene: Scene, name: str = "Palette") -> Song:
    hear(scene, request(scene, LibraryEntry.SONG, name, name.encode()))
    return next(song for song in scene.rows(Song) if song.title == name)


def test_a_song_is_there_once_it_is_heard_and_only_in_its_server(scene: Scene) -> None:
    job = request(scene, LibraryEntry.SONG, "Palette", b"song")
    assert scene.rows(Song) == [] and job.kind is JobKind.LIBRARY and job.state is JobState.QUEUED
    hear(scene, job)
    (song,), (vocals,) = scene.rows(Song), scene.rows(SongVocals)
    assert (song.title, song.singer, song.licence, song.guild_id, song.added_by) == ("Palette", "Ann", "CC0", HERE, 7)
    assert (vocals.song_id, vocals.notes, vocals.seconds) == (song.id, {"60": 4.0}, 4.0)
    assert (vocals.key, vocals.tempo) == ("Am", 92.0)
    assert scene.job(job).result["name"] == "Palette" and scene.job(job).result["heard"] == []
    assert scene.rows(Clip) == [] and set(scene.store.media.keys()) == {song.media_key}
    with scene.store.read() as session:
        assert [one.id for one in search_songs(session, "pal", HERE)] == [song.id]
        assert [one.id for one, _ in library.sung_songs(session, HERE)] == [song.id]
        for guild in (ELSEWHERE, None):
            assert search_songs(session, "pal", guild) == [] and library.sung_songs(session, guild) == []


def test_another_servers_song_can_neither_be_named_nor_picked(scene: Scene) -> None:
    song = add_song(scene)
    scene.add_voice("mine")
    check_cover(scene.store, 7, "mine", None, f"#{song.id}", HERE)
    for title in (f"#{song.id}", str(song.id), "Palette"):
        with pytest.raises(NotFound):
            check_cover(scene.store, 7, "mine", None, title, ELSEWHERE)
        with pytest.raises(NotFound):
            request_cover(scene.store, replace(MEMBER, guild_id=ELSEWHERE), CoverRequest("mine", title=title))


def test_three_songs_make_a_singer_and_are_not_kept(scene: Scene) -> None:
    with pytest.raises(TooFewSongs):
        request(scene, LibraryEntry.SINGER, "IU", b"one", b"two", b"two")
    assert scene.remains() == {}
    for _ in range(2):  # the second time replaces the first
        hear(scene, request(scene, LibraryEntry.SINGER, "IU", b"one", b"two", b"three"))
        (singer,) = scene.rows(Singer)
        assert (singer.name, singer.clips, singer.guild_id, singer.embedding_model) == ("IU", 3, HERE, MODEL)
        assert set(scene.store.media.keys()) == {singer.embeddings_key}


def test_a_song_that_is_sent_twice_is_kept_once(scene: Scene) -> None:
    sent = ((b"one", "1.mp3"), (b"two", "2.mp3"), (b"three", "3.mp3"), (b"one", "one.flac"))
    files = [scene.save(sound, name) for sound, name in sent]
    request_library(scene.store, scene.member, LibraryRequest(LibraryEntry.SINGER, "Bo", files))
    assert scene.remains()["files"] == 3


def test_a_servers_singer_hides_the_one_for_all_of_the_same_name(scene: Scene) -> None:
    shared = add_singer(scene.store, NewSinger("IU", scene.file(b"all", "e.safetensors"), MODEL, 6))
    hear(scene, request(scene, LibraryEntry.SINGER, "iu", b"one", b"two", b"three"))
    with scene.store.read() as session:
        assert [one.name for one in library.singers(session, HERE)] == ["iu"]
        assert [one.id for one in library.singers(session, ELSEWHERE)] == [shared.id]
        assert [one.id for one in library.singers(session)] == [shared.id]
    assert remove_singer(scene.store, HERE, 7, "IU") == "iu"
    assert set(scene.store.media.keys()) == {shared.embeddings_key}
    for guild in (HERE, ELSEWHERE):
        with pytest.raises(NotFound):
            remove_singer(scene.store, guild, 7, "IU")  # what is for all is the operator's


def test_what_cannot_be_used_never_was_there(scene: Scene) -> None:
    refused, cancelled = (request(scene, LibraryEntry.SONG, name, name.encode()) for name in ("hiss", "other"))
    taken = take_job(scene.store, refused.id, 1, "w")
    assert taken is not None
    fail_job(scene.store, taken, "no_voice", {"name": "hiss"}, "Nobody sings.")
    cancel_job(scene.store, cancelled.id, 7)
    assert scene.rows(Song) == [] and refused.id != cancelled.id
    assert [clip.job_id for clip in scene.rows(Clip)] == [cancelled.id]  # until its message is delivered


def test_a_song_goes_with_its_file_unless_it_is_sung_now(scene: Scene) -> None:
    song = add_song(scene)
    scene.add_voice("mine")
    cover = request_cover(scene.store, scene.member, CoverRequest("mine", title="Palette"))
    with scene.store.write() as session:
        jobs.take(session, cover.id, 1, "w")
    with pytest.raises(SongInUse):
        remove_song(scene.store, HERE, 7, "palette")
    with scene.store.write() as session:
        jobs.fail(session, cover.id, 1, "w", "x", {}, "x")
    with pytest.raises(NotFound):
        remove_song(scene.store, ELSEWHERE, 7, f"#{song.id}")
    assert remove_song(scene.store, HERE, 7, f"#{song.id}").title == "Palette"
    assert scene.rows(Song) == [] and scene.rows(SongVocals) == []
    assert song.media_key not in set(scene.store.media.keys())


def test_a_song_is_called_otherwise(scene: Scene) -> None:
    song = add_song(scene)
    edit_song(scene.store, HERE, 7, "Palette", LibraryParams(name="Palette (live)"))
    (changed,) = own_songs(scene.store, HERE)
    assert (changed.id, changed.title, changed.singer) == (song.id, "Palette (live)", "Ann")
    with pytest.raises(BlankName):
        edit_song(scene.store, HERE, 7, f"#{song.id}", LibraryParams(name="\u200b"))
    with pytest.raises(NotFound):
        edit_song(scene.store, ELSEWHERE, 7, f"#{song.id}", LibraryParams(name="mine"))
    assert own_songs(scene.store, ELSEWHERE) == [] and own_singers(scene.store, HERE) == []
    assert [row.action for row in scene.rows(Audit)] == ["add song", "edit song"]


def test_a_library_has_an_end_and_what_waits_counts(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_SONGS", 2)
    add_song(scene)
    request(scene, LibraryEntry.SONG, "next", b"next")
    with pytest.raises(LibraryFull):
        check_library(scene.store, HERE, LibraryEntry.SONG)
    with pytest.raises(LibraryFull):
        request(scene, LibraryEntry.SONG, "last", b"last")
    check_library(scene.store, HERE, LibraryEntry.SINGER)
    check_library(scene.store, ELSEWHERE, LibraryEntry.SONG)
    with pytest.raises(DownloadFailed):
        gone = SavedFile("0" * 64, "gone.mp3", 1)
        elsewhere = replace(MEMBER, guild_id=ELSEWHERE)
        request_library(scene.store, elsewhere, LibraryRequest(LibraryEntry.SONG, "gone", [gone]))


def test_a_forgotten_moderator_leaves_the_library_without_their_name(scene: Scene) -> None:
    song = add_song(scene)
    forget(scene.store, 7)
    (kept,) = scene.rows(Song)
    assert (kept.id, kept.added_by) == (song.id, 0) and song.media_key in set(scene.store.media.keys())
