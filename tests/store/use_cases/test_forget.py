"""Forgetting: every row and file of a member, and nothing of anybody else's."""

import pytest
from sqlmodel import SQLModel, select

from store import Deletion, Job, JobKind, JobState, Outbox, Store, Voice, clips, jobs, replies, retention, voices
from store.media import hash_of
from store.media_triggers import COLUMNS
from store.report_tables import ReportReason
from store.tables import Audit, Shown, now
from store.use_cases import (
    CoverRequest,
    ReportedMessage,
    Requester,
    SettingsChange,
    TrainingRequest,
    add_to_basket,
    begin_message,
    change_settings,
    delete_cover,
    delete_voice,
    deletion_done,
    due_deletions,
    forget,
    remove_notes,
    report_result,
    request_agreed_training,
    request_cover,
    request_training,
)
from store.use_cases.forget import OWN_ACTS
from tests.store.use_cases.filled import fill
from tests.store.use_cases.scene import MEMBER, OTHER, Scene


def rows_of(store: Store, user: int) -> dict[str, int]:
    """How many rows of each table are the member's."""
    counts = {}
    with store.read() as session:
        for table in SQLModel.__subclasses__():
            owner = getattr(table, "user_id", None) or getattr(table, "owner_id", None)
            if owner is not None and table is not Audit:
                counts[table.__name__] = len(session.exec(select(table).where(owner == user)).all())
    return counts


def add_member(scene: Scene, user: int, sound: bytes) -> Job:
    """A member with a note, a consent, a voice, a finished cover and its message."""
    store = scene.store
    note = scene.save(sound, "n.ogg")
    job = request_training(store, Requester(user, channel_id=1), TrainingRequest("me", [note], "command"))
    model, index, cover = (store.media.put_bytes(sound + part) for part in (b"model", b"index", b"cover"))
    song = store.media.put_bytes(b"shared song", ".mp3")
    with store.write() as session:
        voice = voices.of_job(session, job.id)
        assert voice is not None
        fingerprint = clips.fingerprint(clips.of_job(session, job.id))
        voice.consent_id = voices.grant(session, user, None, "yes", fingerprint).id
        voices.finish(session, voice, model, index, {})
        cover_job = jobs.submit(session, Job(kind=JobKind.COVER, user_id=user, params={"song_key": song}))
        session.add(Outbox(job_id=cover_job.id, user_id=user, files=[{"key": cover, "name": "cover.mp3"}]))
    return job


def test_forget_removes_a_members_rows_and_files_and_nobody_elses(scene: Scene) -> None:
    add_member(scene, MEMBER.user_id, b"mine")
    add_member(scene, OTHER.user_id, b"theirs")
    theirs = rows_of(scene.store, OTHER.user_id)
    forgotten = forget(scene.store, MEMBER.user_id)
    assert (forgotten.clips, forgotten.voices, forgotten.jobs, forgotten.files) == (1, 1, 2, 4)
    assert set(rows_of(scene.store, MEMBER.user_id).values()) == {0}
    assert rows_of(scene.store, OTHER.user_id) == theirs
    kept = [scene.store.media.path(key).read_bytes() for key in sorted(scene.store.media.keys())]
    assert b"shared song" in kept
    assert not any(b"mine" in sound for sound in kept)


def test_forget_leaves_no_row_and_no_file_that_names_the_member_in_any_table(scene: Scene) -> None:
    me, store = 7_777_777_777, scene.store
    mine, theirs = fill(store, me, "mine"), fill(store, 8_888_888_888, "theirs")
    heard = [store.cache_dir / hash_of(row["job"]["params"]["song_key"]) for row in (mine, theirs)]
    works = [store.work_dir / str(row["job"]["id"]) for row in (mine, theirs)]
    for folder in (*heard, *works):
        (folder / "inside").mkdir(parents=True)
    forget(store, me)
    assert [folder.exists() for folder in (*heard, *works)] == [False, True] * 2
    left: dict[str, str | None] = {}
    with store.read() as session:
        for table in SQLModel.metadata.sorted_tables:
            for row in session.connection().execute(table.select()).mappings():
                left |= {table.name: row.get("action")} if str(me) in map(str, row.values()) else {}
        for name, kept_row in theirs.items():
            table = SQLModel.metadata.tables[name]
            same = [column == kept_row[column.name] for column in table.primary_key.columns]
            assert session.connection().execute(table.select().where(*same)).first() is not None, name
    assert left == {"block": None, "audit": "forget"}
    kept = [store.media.path(file.key).read_text() for file in store.media.files()]
    servers = {"mine song.media_key", "mine singer.embeddings_key"}
    assert {content for content in kept if content.startswith("mine")} == servers
    assert sum(content.startswith("theirs") for content in kept) == sum(len(c.split(", ")) for c in COLUMNS.values())


def test_forget_stops_a_running_job_by_taking_its_row(scene: Scene) -> None:
    job = add_member(scene, MEMBER.user_id, b"mine")
    with scene.store.write() as session:
        jobs.enqueue(session, job.id)
        jobs.lease(session, job.id, 1, "a")
    forget(scene.store, MEMBER.user_id)
    with scene.store.write() as session:
        assert not jobs.renew(session, job.id, 1, "a")
        assert not jobs.render(session, job.id, 1, "a", {}, [])
    assert set(rows_of(scene.store, MEMBER.user_id).values()) == {0}


def test_what_was_requested_by_use_cases_is_forgotten_whole(scene: Scene) -> None:
    training = TrainingRequest("young", [scene.save(b"note")], "command")
    job = request_agreed_training(scene.store, scene.member, training, "yes")
    scene.add_voice("mine")
    request_cover(
        scene.store, scene.member, CoverRequest("mine", scene.save(b"song", "a.mp3"), instrumental=scene.save(b"k"))
    )
    (scene.store.work_dir / job.id / "out").mkdir(parents=True)
    forgotten = forget(scene.store, MEMBER.user_id)
    assert (forgotten.clips, forgotten.voices, forgotten.jobs, forgotten.files) == (1, 2, 2, 5)
    assert scene.remains() == {"Audit": 1} and list(scene.store.work_dir.iterdir()) == []


def test_the_messages_and_cards_that_discord_still_shows_are_ordered_to_go(scene: Scene) -> None:
    job = add_member(scene, MEMBER.user_id, b"mine")
    with scene.store.write() as session:
        row = jobs.get(session, job.id)
        replies.keep(row, "token")
        for message in session.exec(select(Outbox)).all():
            message.sent_channel_id, message.message_id = 6, 66
            session.add(message)
        session.add(row)
    assert forget(scene.store, MEMBER.user_id).messages == 2
    ordered = due_deletions(scene.store)
    assert {(one.channel_id, one.message_id, one.reply_token) for one in ordered} == {
        (6, 66, None),
        (row.channel_id, None, "token"),
    }
    for one in ordered:
        deletion_done(scene.store, one.id or 0)
    assert scene.remains() == {"Audit": 1}


def test_what_may_have_been_sent_is_looked_for_once_it_must_have_arrived(scene: Scene) -> None:
    add_member(scene, MEMBER.user_id, b"mine")
    with scene.store.write() as session:
        other = session.exec(select(Outbox)).one().job_id
    begin_message(scene.store, other, 6)
    assert forget(scene.store, MEMBER.user_id).messages == 0
    found = [(one.channel_id, one.job_id, one.message_id) for one in scene.rows(Deletion)]
    assert found == [(6, other, None)]
    assert due_deletions(scene.store) == []
    assert all(one.next_try_at == pytest.approx(now() + 120, abs=10) for one in scene.rows(Deletion))


def test_somebody_without_rows_may_be_forgotten_too(scene: Scene) -> None:
    scene.add_voice("theirs", owner=OTHER.user_id)
    forgotten = forget(scene.store, MEMBER.user_id)
    assert (forgotten.clips, forgotten.voices, forgotten.jobs, forgotten.files) == (0, 0, 0, 0)
    assert len(scene.rows(Voice)) == 1


def test_messages_of_jobs_that_left_the_database_are_ordered_to_go_too(scene: Scene) -> None:
    job = add_member(scene, MEMBER.user_id, b"mine")
    other = add_member(scene, OTHER.user_id, b"theirs")
    with scene.store.write() as session:
        for number, one in enumerate((job, other)):
            row = jobs.get(session, one.id)
            row.state, row.ended_at = JobState.DELIVERED, 1.0
            session.add(Outbox(job_id=one.id, user_id=row.user_id, sent_channel_id=6, message_id=60 + number))
    retention.expire(scene.store)
    assert len(scene.rows(Shown)) == 2
    assert forget(scene.store, MEMBER.user_id).messages == 1
    assert [one.message_id for one in due_deletions(scene.store)] == [60]
    assert {row.user_id for row in scene.rows(Shown)} == {OTHER.user_id}

    with scene.store.read() as session:
        voice = voices.of_job(session, other.id)
    assert voice is not None
    delete_voice(scene.store, voice.id or 0, OTHER.user_id)
    assert scene.rows(Shown) == [] and len(scene.rows(Deletion)) == 2


@pytest.mark.of_sqlite
def test_no_name_of_a_forgotten_member_is_left_in_the_database_or_its_log(scene: Scene) -> None:
    store = scene.store
    for member in range(100, 140):
        name = f"Nachtigall{member}"
        for length in (0, 150, 300):
            request_training(
                store, Requester(member), TrainingRequest(f"{name}{length * 's'}", [scene.save(b"x")], "t")
            )
        with store.write() as session:
            session.add(Job(kind=JobKind.COVER, user_id=member, params={"voice_name": name}, result={"voice": name}))
    for member in range(100, 140, 4):
        forget(store, member)
        files = [path.read_bytes() for path in store.data_dir.glob("discovervoice.db*")]
        assert files and not any(f"Nachtigall{member}".encode() in data for data in files)
    assert any(b"Nachtigall101" in data for data in files)


def test_one_line_of_audit_stays_and_what_was_done_as_a_moderator(scene: Scene) -> None:
    me, store = MEMBER.user_id, scene.store
    add_to_basket(store, MEMBER, [scene.save(b"note")], "command")
    remove_notes(store, me, [1])
    delete_voice(store, scene.add_voice("mine").id or 0, me)
    change_settings(store, 3, me, SettingsChange(max_active_jobs=5, staff_channel_id=9))
    with store.write() as session:
        mine, theirs = (
            Job(kind=JobKind.COVER, user_id=user, guild_id=3, state=JobState.DELIVERED) for user in (me, OTHER.user_id)
        )
        session.add_all([mine, theirs])
        session.flush()
        session.add(Shown(message_id=5, channel_id=4, job_id=theirs.id, user_id=OTHER.user_id))
        job_id, mark = mine.id, theirs.id[:12]
    delete_cover(store, job_id, me)
    report_result(store, me, ReportedMessage(3, 4, 5, mark), ReportReason.SPAM)
    assert {row.action for row in scene.rows(Audit)} == {*OWN_ACTS, "settings"} - {"forget"}
    forget(store, me)
    forget(store, OTHER.user_id)
    forget(store, me)
    kept = [(row.user_id, row.action) for row in scene.rows(Audit)]
    assert kept == [(me, "settings"), (OTHER.user_id, "forget"), (me, "forget")]
