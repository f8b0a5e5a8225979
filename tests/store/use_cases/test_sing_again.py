"""A cover is sung again: which key, which voice, which lane, and what is refused."""

import json
from typing import Any

import pytest
from sqlmodel import col, select

from store import Job, JobState, Lane, NotFound, Song, Store, StoreError, jobs, retention
from store.errors import AlreadySung, KeyTooFar, LevelTooFar, TooManyJobs
from store.missing import CoverSongGone, NoSuchJob, NoSuchVoice, ResultGone
from store.params import cover_params, drop_uploads
from store.use_cases import CoverRequest, Requester, request_cover, sing_again, take_next_job
from tests.store.use_cases.scene import OTHER, WORKER, Scene

ELSEWHERE = Requester(7, guild_id=None, channel_id=99, locale="ko")
"""The member, in a direct message."""


def delivered(scene: Scene, job: Job, **result: Any) -> Job:
    """The job with its result."""
    with scene.store.write() as session:
        assert jobs.take(session, job.id, job.attempt, WORKER)
        assert jobs.render(session, job.id, job.attempt, WORKER, result, [])
        jobs.delivered(session, job.id)
    return scene.job(job)


@pytest.fixture
def cover(scene: Scene) -> Job:
    """A delivered cover over a given instrumental, which the worker moved by an octave."""
    scene.add_voice("mine")
    song, karaoke = scene.save(b"song", "a.mp3"), scene.save(b"karaoke", "b.mp3")
    request = CoverRequest("mine", song, max_bytes=10, vocals_only=True, instrumental=karaoke)
    return delivered(scene, request_cover(scene.store, scene.member, request), key_shift=-12)


def test_a_key_away_keeps_everything_but_the_key_and_stays_in_its_place(scene: Scene, cover: Job) -> None:
    again = sing_again(scene.store, ELSEWHERE, cover.id, shift=1)
    assert again.id != cover.id and again.state == JobState.QUEUED
    assert again.params == cover.params | {"key_shift": -11}
    assert (again.guild_id, again.channel_id) == (3, 5)


@pytest.mark.parametrize(("shift", "key"), [(0, None), (-12, None), (1, -11)])
def test_another_voice_chooses_its_octave_unless_the_key_was_moved(
    scene: Scene, cover: Job, shift: int, key: int | None
) -> None:
    other = scene.add_voice("free", owner=-1)
    if shift:
        cover = delivered(scene, sing_again(scene.store, ELSEWHERE, cover.id, shift=shift), key_shift=-12 + shift)
    params = cover_params(sing_again(scene.store, ELSEWHERE, cover.id, voice_id=other.id))
    assert (params.voice_name, params.free_voice, params.key_shift) == ("free", True, key)


def test_louder_vocals_add_up_and_stay_in_another_key_and_voice(scene: Scene, cover: Job) -> None:
    other = scene.add_voice("free", owner=-1)
    for level in (3, 6):
        cover = delivered(scene, sing_again(scene.store, ELSEWHERE, cover.id, louder=3), key_shift=-12)
        assert (cover_params(cover).vocal_level, cover_params(cover).key_shift) == (level, -12)
    higher = delivered(scene, sing_again(scene.store, ELSEWHERE, cover.id, shift=1), key_shift=-11)
    elsewhere = sing_again(scene.store, ELSEWHERE, higher.id, voice_id=other.id)
    assert [cover_params(job).vocal_level for job in (higher, elsewhere)] == [6, 6]
    back = delivered(scene, sing_again(scene.store, ELSEWHERE, cover.id, louder=-6), key_shift=-12)
    assert "vocal_level" not in back.params and cover_params(back).vocal_level == 0


@pytest.mark.parametrize("louder", [7, -7])
def test_vocals_are_at_most_twelve_decibels_louder_or_softer(scene: Scene, cover: Job, louder: int) -> None:
    for level in (7, 12):
        cover = delivered(scene, sing_again(scene.store, ELSEWHERE, cover.id, louder=louder), key_shift=-12)
        assert abs(cover_params(cover).vocal_level) == level
    with pytest.raises(LevelTooFar):
        sing_again(scene.store, ELSEWHERE, cover.id, louder=louder)
    assert len(scene.rows(Job)) == 3


def test_a_song_that_was_heard_goes_the_quick_way(scene: Scene, cover: Job, store: Store) -> None:
    assert sing_again(store, ELSEWHERE, cover.id, shift=1).lane == Lane.HEAVY
    folder = store.cache_dir / cover.params["song_key"].partition(".")[0] / "levelled" / "as-given"
    folder.mkdir(parents=True)
    for name in ("vocals.json", "a.npz"):
        (folder / name).write_text(json.dumps({}))
    assert sing_again(store, ELSEWHERE, cover.id, shift=-1).lane == Lane.QUICK


def test_a_second_click_makes_no_second_job_while_the_first_one_works(scene: Scene, cover: Job) -> None:
    first = sing_again(scene.store, scene.member, cover.id, shift=1)
    with pytest.raises(AlreadySung):
        sing_again(scene.store, scene.member, cover.id, shift=1)
    assert take_next_job(scene.store, WORKER)
    with pytest.raises(AlreadySung):
        sing_again(scene.store, scene.member, cover.id, shift=1)
    sing_again(scene.store, scene.member, cover.id, shift=-1)
    assert len(scene.rows(Job)) == 3 and first.id in {job.id for job in scene.rows(Job)}


def test_what_is_refused_leaves_no_row(scene: Scene, cover: Job) -> None:
    others = scene.add_voice("others", owner=8)
    refused: list[tuple[type[StoreError], Requester, str, dict[str, int]]] = [
        (NoSuchJob, OTHER, cover.id, {"shift": 1}),
        (NoSuchJob, scene.member, "0" * 32, {"shift": 1}),
        (KeyTooFar, scene.member, cover.id, {"shift": -13}),
        (NoSuchVoice, scene.member, cover.id, {"voice_id": others.id or 0}),
        (NoSuchVoice, scene.member, cover.id, {"voice_id": 0}),
    ]
    for error, requester, job_id, wanted in refused:
        with pytest.raises(error):
            sing_again(scene.store, requester, job_id, **wanted)
    assert len(scene.rows(Job)) == 1


def test_a_cover_without_a_result_is_not_sung_again(scene: Scene) -> None:
    scene.add_voice("mine")
    job = request_cover(scene.store, scene.member, CoverRequest("mine", scene.save(b"song", "a.mp3")))
    with pytest.raises(ResultGone):
        sing_again(scene.store, scene.member, job.id, shift=1)


def test_the_members_cap_holds(scene: Scene, cover: Job) -> None:
    for shift in (1, 2, 3):
        sing_again(scene.store, scene.member, cover.id, shift=shift)
    with pytest.raises(TooManyJobs):
        sing_again(scene.store, scene.member, cover.id, shift=4)


def test_a_song_or_an_instrumental_that_is_gone_is_said(scene: Scene, cover: Job) -> None:
    with scene.store.write() as session:
        row = session.get_one(Job, cover.id)
        drop_uploads(row)
        session.add(row)
    with pytest.raises(CoverSongGone, match="/cover"):
        sing_again(scene.store, scene.member, cover.id, shift=1)


def test_a_song_of_the_library_is_there_until_it_is_taken_out_but_its_instrumental_is_not(scene: Scene) -> None:
    scene.add_voice("mine")
    song = scene.add_song("Palette")
    plain = delivered(scene, request_cover(scene.store, scene.member, CoverRequest("mine", title="Palette")))
    request = CoverRequest("mine", title="Palette", instrumental=scene.save(b"karaoke", "b.mp3"))
    karaoke = delivered(scene, request_cover(scene.store, scene.member, request))
    with scene.store.write() as session:
        row = session.get_one(Job, karaoke.id)
        drop_uploads(row)
        session.add(row)
    with pytest.raises(CoverSongGone):
        sing_again(scene.store, scene.member, karaoke.id, shift=1)
    assert cover_params(sing_again(scene.store, scene.member, plain.id, shift=1)).song_id == song.id
    with scene.store.write() as session:
        session.delete(session.exec(select(Song).where(col(Song.id) == song.id)).one())
    retention.remove_unreferenced(scene.store, {song.media_key})
    with pytest.raises(NotFound, match="no song of this cover"):
        sing_again(scene.store, scene.member, plain.id, shift=-1)
