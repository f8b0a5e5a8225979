"""A cover is requested: which voice, which song, and what is refused."""

from contextlib import nullcontext

import pytest
from sqlalchemy import event

from store import (
    DownloadFailed,
    Job,
    JobKind,
    JobState,
    Lane,
    NotFound,
    SongOrTitle,
    StoreError,
    TooManyJobs,
    VoiceNotReady,
    VoiceState,
)
from store.params import CoverParams, cover_params, drop_uploads, params_of, subject_of, uploads_of
from store.use_cases import (
    CoverRequest,
    SavedFile,
    find_song,
    find_voice,
    ready_voices,
    request_cover,
    search_songs,
)
from store.use_cases.cover import check_song
from tests.store.use_cases.scene import OPERATOR, OTHER, Scene


def test_an_uploaded_song_becomes_a_queued_job(scene: Scene) -> None:
    voice, song = scene.add_voice("mine"), scene.save(b"song", "Palette.mp3")
    request = CoverRequest(f"#{voice.id}", song, song_name="Palette", key_shift=-2, max_bytes=10)
    job = request_cover(scene.store, scene.member, request)
    assert (job.kind, job.state) == (JobKind.COVER, JobState.QUEUED)
    assert job.params == {
        "song_key": song.key,
        "song_name": "Palette",
        "voice_id": voice.id,
        "voice_name": "mine",
        "key_shift": -2,
        "max_bytes": 10,
    }
    assert params_of(job) == CoverParams("Palette", voice.id or 0, "mine", song.key, None, -2, max_bytes=10)
    assert subject_of(job) == "Palette"


def test_without_a_name_an_uploaded_song_is_called_like_its_file(scene: Scene) -> None:
    scene.add_voice("mine")
    job = request_cover(scene.store, scene.member, CoverRequest("mine", scene.save(b"song", "Palette.mp3")))
    assert subject_of(job) == "Palette.mp3"


def test_an_instrumental_is_kept_beside_the_song(scene: Scene) -> None:
    scene.add_voice("mine")
    song, karaoke = scene.save(b"song", "Palette.mp3"), scene.save(b"karaoke", "karaoke.mp3")
    request = CoverRequest("mine", song, vocals_only=True, instrumental=karaoke)
    job = request_cover(scene.store, scene.member, request)
    params = cover_params(job)
    assert (params.song_key, params.vocals_only) == (song.key, True)
    assert (params.instrumental_key, params.instrumental_name) == (karaoke.key, "karaoke.mp3")
    assert uploads_of(job) == {song.key, karaoke.key}
    drop_uploads(job)
    assert uploads_of(job) == set() and cover_params(job).instrumental_key is None


def test_a_song_of_the_library_is_sung_over_a_given_instrumental(scene: Scene) -> None:
    scene.add_voice("mine")
    song, karaoke = scene.add_song("Palette"), scene.save(b"karaoke", "karaoke.mp3")
    job = request_cover(scene.store, scene.member, CoverRequest("mine", title="Palette", instrumental=karaoke))
    assert (cover_params(job).song_id, uploads_of(job)) == (song.id, {karaoke.key})


@pytest.mark.parametrize(("voice", "title"), [("nobody", None), ("mine", "Palette"), ("mine", "no such title")])
def test_a_refused_request_leaves_neither_song_nor_instrumental(scene: Scene, voice: str, title: str | None) -> None:
    scene.add_voice("mine")
    before = scene.remains()
    song = None if title == "no such title" else scene.save(b"song", "a.mp3")
    karaoke = scene.save(b"karaoke", "karaoke.mp3")
    with pytest.raises(StoreError):
        request_cover(scene.store, scene.member, CoverRequest(voice, song, title, instrumental=karaoke))
    assert scene.remains() == before


def test_an_instrumental_that_was_cleaned_up_meanwhile_is_asked_for_again(scene: Scene) -> None:
    scene.add_voice("mine")
    before = scene.remains()
    gone = SavedFile("0" * 64, "karaoke.mp3", 4)
    with pytest.raises(DownloadFailed, match=r"karaoke\.mp3"):
        request_cover(scene.store, scene.member, CoverRequest("mine", scene.save(b"song"), instrumental=gone))
    assert scene.remains() == before


@pytest.mark.parametrize("name", ["", "my title"])
def test_a_song_of_the_library_is_named_by_its_id(scene: Scene, name: str) -> None:
    voice, song = scene.add_voice("mine"), scene.add_song("Palette", "IU")
    job = request_cover(scene.store, scene.member, CoverRequest("MINE", title=f"#{song.id}", song_name=name))
    assert job.params == {
        "song_id": song.id,
        "song_name": name or "IU - Palette",
        "voice_id": voice.id,
        "voice_name": "mine",
        "key_shift": None,
        "max_bytes": None,
    }


def test_a_cover_of_the_command_line_is_leased_at_once(scene: Scene) -> None:
    scene.add_voice("mine", owner=0)
    request = CoverRequest("mine", scene.save(b"song", "Palette"))
    assert request_cover(scene.store, OPERATOR, request, lease_to="cli:1").state is JobState.RUNNING


@pytest.mark.parametrize(
    ("typed", "refusal"),
    [
        ("bobs", NotFound),
        ("#{bobs}", NotFound),
        ("late", VoiceNotReady),
        ("#{late}", VoiceNotReady),
        ("#999", NotFound),
        ("nonsense", NotFound),
        ("²", NotFound),
        ("9" * 40, NotFound),
        ("", NotFound),
    ],
)
def test_a_voice_that_cannot_sing_leaves_neither_row_nor_file(
    scene: Scene, typed: str, refusal: type[StoreError]
) -> None:
    ids = {
        "bobs": scene.add_voice("bobs", owner=OTHER.user_id).id,
        "late": scene.add_voice("late", state=VoiceState.TRAINING).id,
    }
    before = scene.remains()
    with pytest.raises(refusal):
        request_cover(scene.store, scene.member, CoverRequest(typed.format(**ids), scene.save(b"song", "a.mp3")))
    assert scene.remains() == before


@pytest.mark.parametrize("title", [None, "Palette"])
def test_neither_or_both_songs_leave_neither_row_nor_file(scene: Scene, title: str | None) -> None:
    scene.add_voice("mine")
    scene.add_song("Palette")
    before = scene.remains()
    song = scene.save(b"song", "a.mp3") if title else None
    with pytest.raises(SongOrTitle):
        check_song(song, title)
    with pytest.raises(SongOrTitle):
        request_cover(scene.store, scene.member, CoverRequest("mine", song, title))
    assert scene.remains() == before


def test_one_job_too_many_leaves_neither_row_nor_file(scene: Scene) -> None:
    scene.add_voice("mine")
    for number in range(3):
        request_cover(scene.store, scene.member, CoverRequest("mine", scene.save(bytes([number]))))
    before = scene.remains()
    with pytest.raises(TooManyJobs):
        request_cover(scene.store, scene.member, CoverRequest("mine", scene.save(b"fourth")))
    assert scene.remains() == before


def test_a_song_that_was_cleaned_up_meanwhile_is_asked_for_again(scene: Scene) -> None:
    scene.add_voice("mine")
    with pytest.raises(DownloadFailed, match=r"a\.mp3"):
        request_cover(scene.store, scene.member, CoverRequest("mine", SavedFile("0" * 64, "a.mp3", 4)))
    assert "Job" not in scene.remains()


@pytest.mark.parametrize(
    ("typed", "title"),
    [("palette", "Palette"), ("IU - Palette", "Palette"), ("Pal", "Pal"), ("1004", "1004"), ("100%", "100%_")],
)
def test_a_title_typed_by_hand(scene: Scene, typed: str, title: str) -> None:
    for name, singer in (("Palette", "IU"), ("Pal", ""), ("1004", "Angel"), ("100%_", "")):
        scene.add_song(name, singer)
    with scene.store.read() as session:
        assert find_song(session, typed).title == title


@pytest.mark.parametrize("typed", ["", " ", "\u200b", "\u3164", "#77", "#", "nothing"])
def test_a_title_that_is_not_there(scene: Scene, typed: str) -> None:
    for name in ("Palette", "Pal"):
        scene.add_song(name)
    with scene.store.read() as session, pytest.raises(NotFound):
        find_song(session, typed)


@pytest.mark.parametrize(("typed", "whole"), [("nothing", []), ("♥ - ★ (#3)", ["★"]), ("pal", ["Pal"])])
def test_looking_for_a_title_reads_no_other_song_whole(scene: Scene, typed: str, whole: list[str]) -> None:
    for name, singer in (("Palette", "IU"), ("Pal", ""), ("★", "♥")):
        scene.add_song(name, singer)
    read: list[str] = []
    with scene.store.read() as session:
        event.listen(session, "loaded_as_persistent", lambda _, row: read.append(row.title))
        with nullcontext() if whole else pytest.raises(NotFound):
            find_song(session, typed)
    assert read == whole


def test_songs_are_searched_by_title_singer_or_both(scene: Scene) -> None:
    for name, singer in (("Palette", "IU"), ("Pal", ""), ("1004", "Angel")):
        scene.add_song(name, singer)
    with scene.store.read() as session:
        assert [song.title for song in search_songs(session, "pal")] == ["Pal", "Palette"]
        assert [song.title for song in search_songs(session, "IU - Pal")] == ["Palette"]
        assert len(search_songs(session, "")) == 3


def test_a_voice_named_like_a_number_wins_over_the_id(scene: Scene) -> None:
    first = scene.add_voice("mine")
    numbered = scene.add_voice(str(first.id))
    with scene.store.read() as session:
        assert find_voice(session, str(first.id), 7).id == numbered.id
        assert find_voice(session, f"#{first.id}", 7).id == first.id


def test_only_a_members_own_ready_voices_are_offered(scene: Scene) -> None:
    scene.add_voice("mine")
    scene.add_voice("late", state=VoiceState.TRAINING)
    scene.add_voice("bobs", owner=OTHER.user_id)
    with scene.store.read() as session:
        assert [voice.name for voice in ready_voices(session, 7, "M")] == ["mine"]
        assert ready_voices(session, 7, "zz") == []


def test_rows_of_every_age_are_read() -> None:
    old = Job(kind=JobKind.COVER, user_id=7, params={"song_key": "k", "song_name": "s", "voice_id": 1, "gone": 2})
    assert params_of(old) == CoverParams("s", 1, "", "k")
    drop_uploads(old)
    assert params_of(old) == CoverParams("s", 1, "")


def heard(scene: Scene, key: str, card: str, folder: str) -> None:
    """Put what a worker leaves of a song into its cache."""
    stems = scene.store.cache_dir / key.partition(".")[0] / "levelled" / folder
    stems.mkdir(parents=True)
    (stems / card).write_bytes(b"{}")
    (stems / "content+pitch.npz").write_bytes(b"")


def test_a_song_that_was_heard_is_sung_in_the_quick_lane(scene: Scene) -> None:
    scene.add_voice("mine")
    new, old, library = scene.save(b"new"), scene.save(b"old"), scene.add_song("Palette")
    for key in (old.key, library.media_key):
        heard(scene, key, "stems.json", "separator")
    requests = [CoverRequest("mine", new), CoverRequest("mine", old), CoverRequest("mine", title="Palette")]
    lanes = [request_cover(scene.store, scene.member, request).lane for request in requests]
    assert lanes == [Lane.HEAVY, Lane.QUICK, Lane.QUICK]


def test_vocals_alone_are_quick_when_they_were_heard_as_they_are(scene: Scene) -> None:
    scene.add_voice("mine")
    song = scene.save(b"vocals")
    heard(scene, song.key, "stems.json", "separator")
    request = CoverRequest("mine", song, vocals_only=True)
    assert request_cover(scene.store, scene.member, request).lane is Lane.HEAVY
    heard(scene, song.key, "vocals.json", "as-given")
    assert request_cover(scene.store, scene.member, request).lane is Lane.QUICK
