"""Forgetting: every row and file of a member, and nothing of anybody else's."""

import os

from sqlmodel import SQLModel, select

from store import Clip, Job, JobKind, JobState, Outbox, Song, Store, Voice, clips, jobs, library, retention, voices
from store.tables import Audit

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


def rows_of(store: Store, user: int) -> dict[str, int]:
    counts = {}
    with store.read() as session:
        for table in SQLModel.__subclasses__():
            owner = getattr(table, "user_id", None) or getattr(table, "owner_id", None)
            if owner is not None and table is not Audit:
                counts[table.__name__] = len(session.exec(select(table).where(owner == user)).all())
    return counts


def add_member(store: Store, user: int, sound: bytes) -> Job:
    """A member with a note, a consent, a voice, a finished cover and its message."""
    with store.write() as session:
        job = jobs.submit(session, Job(kind=JobKind.TRAIN, user_id=user, channel_id=1))
    note = add_note(store, user, sound, job)
    model, index, cover = (store.media.put_bytes(sound + part) for part in (b"model", b"index", b"cover"))
    song = store.media.put_bytes(b"shared song", ".mp3")
    with store.write() as session:
        voice = voices.create(session, user, "me", None, job.id)
        voice.consent_id = voices.grant(session, user, None, "yes", clips.fingerprint([note])).id
        voices.finish(session, voice, model, index, {})
        cover_job = jobs.submit(session, Job(kind=JobKind.COVER, user_id=user, params={"song_key": song}))
        session.add(Outbox(job_id=cover_job.id, user_id=user, files=[{"key": cover, "name": "cover.mp3"}]))
    return job


def test_forget_removes_a_members_rows_and_files_and_nobody_elses(store: Store) -> None:
    add_member(store, MEMBER, b"mine")
    add_member(store, OTHER, b"theirs")
    theirs = rows_of(store, OTHER)
    forgotten = retention.forget(store, MEMBER)
    assert (forgotten.clips, forgotten.voices, forgotten.jobs, forgotten.files) == (1, 1, 2, 4)
    assert set(rows_of(store, MEMBER).values()) == {0}
    assert rows_of(store, OTHER) == theirs
    kept = [store.media.path(key).read_bytes() for key in sorted(store.media.keys())]
    assert b"shared song" in kept
    assert not any(b"mine" in sound for sound in kept)


def test_forget_stops_a_running_job_by_taking_its_row(store: Store) -> None:
    job = add_member(store, MEMBER, b"mine")
    with store.write() as session:
        jobs.enqueue(session, job.id)
        jobs.lease(session, job.id, 1, "a")
    retention.forget(store, MEMBER)
    with store.write() as session:
        assert not jobs.renew(session, job.id, 1, "a")
        assert not jobs.render(session, job.id, 1, "a", {}, [])
    assert set(rows_of(store, MEMBER).values()) == {0}


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


def test_a_file_that_a_crash_left_without_a_row_goes_after_a_day(store: Store) -> None:
    old, named = store.media.put_bytes(b"orphan"), add_note(store, MEMBER, b"named").media_key
    draft = store.media.path(old).with_name(".part-x")
    draft.write_bytes(b"half")
    for path in (store.media.path(old), store.media.path(named), draft):
        os.utime(path, (1.0, 1.0))
    fresh = store.media.put_bytes(b"just put, its row follows")
    assert retention.remove_orphans(store) == 1
    assert store.media.keys() == {named, fresh}
    assert not draft.exists()


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
