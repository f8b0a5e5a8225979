"""Retention: clips and results past their time, orphans and scratch; nothing that a row still names."""

import os
import time
from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import select

from store import Clip, Job, JobKind, JobState, Outbox, Song, Store, Voice, additions, jobs, library, retention, voices
from store.clips import DAY
from store.errors import KeptShorter
from store.tables import Audit, BasketNote, OutboxState, now
from store.use_cases import SettingsChange, change_settings, job_history, keep_days, keep_days_of_basket
from store.use_cases.guild_settings import Clearable

MEMBER, OTHER = 7, 8
FAR = 4e9


def add_note(store: Store, user: int, sound: bytes, job: Job | None = None, expires_at: float = FAR) -> Clip:
    key = store.media.put_bytes(sound, ".ogg")
    clip = Clip(
        user_id=user,
        job_id=job.id if job else None,
        media_key=key,
        name="n",
        bytes=1,
        source="t",
        expires_at=expires_at,
    )
    with store.write() as session:
        session.add(clip)
    return clip


def test_an_expired_note_goes_with_its_file(store: Store) -> None:
    add_note(store, MEMBER, b"old", expires_at=1.0)
    fresh = add_note(store, MEMBER, b"new")
    assert retention.expire(store) == 1
    assert store.media.keys() == {fresh.media_key}


def test_a_song_of_the_library_outlives_the_jobs_that_used_it(store: Store) -> None:
    key = store.media.put_bytes(b"song", ".mp3")
    with store.write() as session:
        library.add_song(session, Song(title="Song", media_key=key))
        job = jobs.submit(session, Job(kind=JobKind.COVER, user_id=MEMBER, params={"song_key": key}))
    retention.discard(store, job.id)
    assert store.media.keys() == {key}


def cover_over(store: Store, song: str, karaoke: str) -> Job:
    """A cover of an uploaded song over an uploaded instrumental."""
    params = {"song_key": song, "instrumental_key": karaoke, "instrumental_name": "karaoke.mp3"}
    with store.write() as session:
        return jobs.submit(session, Job(kind=JobKind.COVER, user_id=MEMBER, params=params))


def test_an_instrumental_stays_and_goes_with_its_job_as_the_song_does(store: Store) -> None:
    song, karaoke = store.media.put_bytes(b"song", ".mp3"), store.media.put_bytes(b"karaoke", ".mp3")
    old, fresh = cover_over(store, song, karaoke), cover_over(store, store.media.put_bytes(b"other"), karaoke)
    for key in (song, karaoke, fresh.params["song_key"]):
        os.utime(store.media.path(key), (1.0, 1.0))
    assert retention.remove_orphans(store) == 0
    with store.write() as session:
        row = jobs.get(session, old.id)
        row.state, row.ended_at = JobState.DELIVERED, 1.0
        session.add(row)
    assert retention.expire(store) == 1  # another job needs the instrumental
    assert store.media.keys() == {karaoke, fresh.params["song_key"]}
    retention.discard(store, fresh.id)
    assert store.media.keys() == set()


def test_discard_frees_the_name_of_an_untrained_voice(store: Store) -> None:
    with store.write() as session:
        job = jobs.submit(session, Job(kind=JobKind.TRAIN, user_id=MEMBER))
        voices.create(session, MEMBER, "me", None, job.id)
    retention.discard(store, job.id)
    with store.read() as session:
        assert session.exec(select(Voice)).all() == []
        assert jobs.get(session, job.id).state is JobState.ACCEPTED


def test_scratch_of_work_that_is_over_goes_and_of_running_work_stays(store: Store) -> None:
    with store.write() as session:
        job = jobs.submit(session, Job(kind=JobKind.MATCH, user_id=MEMBER))
        jobs.enqueue(session, job.id)
        jobs.lease(session, job.id, 1, "a")
    for name in (job.id, "gone"):
        (store.work_dir / name / "out").mkdir(parents=True)
    assert retention.clear_scratch(store) == 1
    assert [folder.name for folder in store.work_dir.iterdir()] == [job.id]


def test_scratch_of_a_result_that_another_worker_adds_to_is_that_workers(store: Store) -> None:
    """It may take that up between a look at the rows and the removal."""
    with store.write() as session:
        job = jobs.submit(session, Job(kind=JobKind.MATCH, user_id=MEMBER))
        jobs.enqueue(session, job.id)
        jobs.take(session, job.id, 1, "a")
        jobs.render(session, job.id, 1, "a", {}, [], measuring=True)
        jobs.give_back(session, job.id, 1, "a", lost=False)
    (store.work_dir / job.id / "1").mkdir(parents=True)
    assert retention.clear_scratch(store) == 0
    with store.write() as session:
        additions.leave_to_nobody(session, job.id)
    assert retention.clear_scratch(store) == 1


def test_what_is_written_beside_jobs_is_left_to_whoever_writes_it(store: Store) -> None:
    """The archives of /mydata and the clips of a listening test, in another process."""
    for name in ("my-data-1f", "listening-3", "my-data-2f", "listening-4"):
        (store.work_dir / name).mkdir(parents=True)
    for name in ("my-data-2f", "listening-4"):  # killed
        os.utime(store.work_dir / name, (1.0, 1.0))
    assert retention.clear_scratch(store) == 2
    assert sorted(folder.name for folder in store.work_dir.iterdir()) == ["listening-3", "my-data-1f"]


def test_a_file_that_a_crash_left_without_a_row_goes_after_a_day(store: Store) -> None:
    old, named = store.media.put_bytes(b"orphan"), add_note(store, MEMBER, b"named").media_key
    for path in (store.media.path(old), store.media.path(named)):
        os.utime(path, (1.0, 1.0))
    fresh = store.media.put_bytes(b"just put, its row follows")
    assert retention.remove_orphans(store) == 1
    assert store.media.keys() == {named, fresh}


@pytest.mark.parametrize("place", ["media/ab", "cache/song/spleeter", "work/job", "work/job/out"])
def test_a_draft_goes_after_an_hour_wherever_it_was_written(store: Store, place: str) -> None:
    folder = store.data_dir / place
    folder.mkdir(parents=True)
    with store.write() as session:
        session.add(Song(title="t", media_key="song"))
        session.add(Job(id="job", kind=JobKind.COVER, user_id=MEMBER, state=JobState.RUNNING))
    old, fresh = folder / ".stem.0f.part", folder / ".stem.1f.part"
    left, used = folder / ".left.part", folder / ".used.part"  # folders of `draft_folder`
    for made in (left, used):
        made.mkdir()
    for draft in (old, fresh, left / "model", used / "model"):
        draft.write_bytes(b"half")
    for path in (old, left / "model", left, used):
        os.utime(path, (time.time() - 3700,) * 2)
    retention.tidy(store)
    assert not old.exists() and fresh.exists()
    assert not left.exists() and (used / "model").exists()


def ended_job(store: Store, days: float, state: JobState = JobState.DELIVERED) -> tuple[Job, set[str]]:
    """A cover that ended so many days ago with its clip and message; the files of the three."""
    keys = [store.media.put_bytes(f"{days} {part}".encode()) for part in ("song", "clip", "cover")]
    with store.write() as session:
        job = Job(kind=JobKind.COVER, user_id=MEMBER, params={"song_key": keys[0]}, state=state)
        job.created_at = job.ended_at = now() - days * 24 * 3600
        session.add(job)
        session.flush()
        note: dict[str, Any] = {
            "user_id": MEMBER,
            "job_id": job.id,
            "name": "n",
            "bytes": 1,
            "source": "t",
            "expires_at": FAR,
        }
        session.add(Clip(media_key=keys[1], **note))
        session.add(Outbox(job_id=job.id, user_id=MEMBER, files=[{"key": keys[2], "name": "cover.mp3"}]))
        session.add(Audit(user_id=MEMBER, action="cover", subject=job.id))
    return job, set(keys)


@pytest.mark.parametrize("state", [*sorted(jobs.ENDED), JobState.RENDERED])
def test_an_ended_job_goes_after_its_days_with_its_messages_and_files(store: Store, state: JobState) -> None:
    ended_job(store, 91, state)
    kept, files = ended_job(store, 1, state)
    assert retention.expire(store) == 3
    assert store.media.keys() == files
    assert [placed.job.id for placed in job_history(store, MEMBER)] == [kept.id]
    with store.read() as session:
        counts = [len(session.exec(select(table)).all()) for table in (Clip, Outbox, Job, Audit)]
    assert counts == [1, 1, 1, 2]


def test_more_than_one_batch_is_removed_and_what_waits_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for days in (100, 101, 102, 103, 104):
        ended_job(store, days)
    with store.write() as session:
        waiting = Job(kind=JobKind.MATCH, user_id=MEMBER, created_at=1.0, queued_at=1.0, state=JobState.QUEUED)
        session.add(waiting)
    assert retention.expire(store) == 15
    with store.read() as session:
        assert [job.id for job in session.exec(select(Job)).all()] == [waiting.id]


def test_a_message_that_is_still_to_be_delivered_keeps_its_files(store: Store) -> None:
    _, files = ended_job(store, 31, JobState.RENDERED)
    retention.expire(store)
    assert store.media.keys() == files


def test_a_file_that_is_put_again_counts_as_new(store: Store) -> None:
    key = store.media.put_bytes(b"sound")
    os.utime(store.media.path(key), (1.0, 1.0))
    store.media.put_bytes(b"sound")
    assert retention.remove_orphans(store) == 0


def test_stems_stay_while_the_same_sound_has_another_name(store: Store) -> None:
    one, two = store.media.put_bytes(b"song", ".mp3"), store.media.put_bytes(b"song", ".m4a")
    stems = store.cache_dir / one.partition(".")[0]
    stems.mkdir(parents=True)
    with store.write() as session:
        jobs.submit(session, Job(kind=JobKind.COVER, user_id=MEMBER, params={"song_key": two}))
    assert retention.remove_unreferenced(store, {one}) == 1
    assert stems.exists()


def of_guild(store: Store, guild_id: int | None, days: float) -> set[str]:
    """What a guild's member left so many days ago: a clip, a note of a basket, a cover of an upload; their files."""
    ended = now() - days * DAY
    keys = [store.media.put_bytes(f"{guild_id} {days} {part}".encode()) for part in ("clip", "note", "song", "cover")]
    common: dict[str, Any] = {"user_id": MEMBER, "guild_id": guild_id, "created_at": ended}
    note: dict[str, Any] = {"name": "n", "bytes": 1, "source": "t", "expires_at": ended + 30 * DAY}
    with store.write() as session:
        params = {"song_key": keys[2]}
        job = Job(kind=JobKind.COVER, state=JobState.DELIVERED, ended_at=ended, params=params, **common)
        session.add_all(
            [job, Clip(media_key=keys[0], **note, **common), BasketNote(media_key=keys[1], **note, **common)]
        )
        session.flush()
        files = [{"role": "cover", "key": keys[3]}]
        session.add(Outbox(job_id=job.id, user_id=MEMBER, files=files, state=OutboxState.SENT))
    return set(keys)


def test_what_a_server_has_set_is_when_its_files_and_rows_go(store: Store) -> None:
    change_settings(store, 1, 9, SettingsChange(keep_days=2))
    kept = of_guild(store, 1, 1.9) | of_guild(store, 2, 29) | of_guild(store, None, 29)
    gone = of_guild(store, 1, 2.1) | of_guild(store, 2, 31) | of_guild(store, None, 31)
    assert retention.expire(store) == len(gone) == 12
    assert store.media.keys() == kept
    with store.read() as session:
        assert {clip.media_key for clip in session.exec(select(Clip)).all()} < kept
        assert {note.media_key for note in session.exec(select(BasketNote)).all()} < kept
    assert keep_days_of_basket(store, MEMBER, 1) == 30 and keep_days_of_basket(store, OTHER, 1) == 2
    change_settings(store, 1, 9, SettingsChange(clear=(Clearable.KEEP_DAYS,)))
    assert retention.expire(store) == 0 and keep_days(store, 1) == 30


def test_a_server_never_keeps_longer_than_the_operator(store: Store) -> None:
    change_settings(store, 1, 9, SettingsChange(keep_days=20))
    earlier = replace(store, clip_days=10.0)
    gone = of_guild(earlier, 1, 10.1)
    assert keep_days(earlier, 1) == 10 and retention.expire(earlier) == len(gone)
    with pytest.raises(KeptShorter, match=r"at most 10 \(in days\)"):
        change_settings(earlier, 1, 9, SettingsChange(keep_days=11))
