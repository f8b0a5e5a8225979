"""Messages are delivered: due, sent, postponed, given up; an undelivered one is its owner's to fetch."""

import pytest
from sqlalchemy.exc import NoResultFound
from sqlmodel import select

from store import Clip, Job, JobState, NotFound, NotYours, Outbox, outbox
from store.results import MatchResult
from store.use_cases import (
    cancel_job,
    discard_unfinished,
    due_messages,
    finish_job,
    forget,
    give_up_message,
    mark_sent,
    message_files,
    postpone_message,
    request_match,
    take_job,
    undelivered_message,
)
from tests.store.use_cases.scene import OTHER, WORKER, Scene


def rendered(scene: Scene) -> Job:
    """A match with its picture, not yet delivered."""
    job = request_match(scene.store, scene.member, [scene.save(b"note")], "command")
    running = take_job(scene.store, job.id, 1, WORKER)
    assert running is not None
    finish_job(scene.store, running, MatchResult(), {"picture": scene.file(b"picture", "match.png")})
    return running


def test_a_due_message_comes_with_its_job_and_files(scene: Scene) -> None:
    job = rendered(scene)
    [message] = due_messages(scene.store)
    assert (message.job.id, message.row.channel_id) == (job.id, 5)
    [file] = message_files(scene.store, message.row)
    assert file.name == "match.png" and file.path.read_bytes() == b"picture"


def test_a_sent_message_is_no_longer_due_and_its_job_is_delivered(scene: Scene) -> None:
    job = rendered(scene)
    [message] = due_messages(scene.store)
    mark_sent(scene.store, message.row.id or 0, 5, 55)
    assert due_messages(scene.store) == [] and scene.job(job).state is JobState.DELIVERED
    [row] = scene.rows(Outbox)
    assert (row.sent_channel_id, row.message_id) == (5, 55)


def test_a_postponed_message_is_due_later_and_given_up_after_the_last_pause(scene: Scene) -> None:
    job = rendered(scene)
    [message] = due_messages(scene.store)
    for _ in outbox.PAUSES:
        postpone_message(scene.store, message.row.id or 0)
        assert due_messages(scene.store) == [] and scene.job(job).state is JobState.RENDERED
    postpone_message(scene.store, message.row.id or 0)
    assert scene.job(job).state is JobState.UNDELIVERABLE


def test_an_undelivered_message_is_fetched_by_its_owner_only(scene: Scene) -> None:
    job = rendered(scene)
    with pytest.raises(NotFound, match="such result"):
        undelivered_message(scene.store, job.id, 7)
    [message] = due_messages(scene.store)
    give_up_message(scene.store, message.row.id or 0)
    assert [f.name for f in message_files(scene.store, undelivered_message(scene.store, job.id, 7).row)] == [
        "match.png"
    ]
    with pytest.raises(NotYours):
        undelivered_message(scene.store, job.id, OTHER.user_id)
    with pytest.raises(NotFound):
        undelivered_message(scene.store, "0" * 32, 7)


def test_a_file_past_its_retention_is_said(scene: Scene) -> None:
    rendered(scene)
    [message] = due_messages(scene.store)
    scene.store.media.delete(message.row.files[0]["key"])
    with pytest.raises(NotFound, match="such file any more"):
        message_files(scene.store, message.row)


def test_a_message_of_a_member_who_was_forgotten_cannot_be_marked(scene: Scene) -> None:
    rendered(scene)
    [message] = due_messages(scene.store)
    forget(scene.store, 7)
    with pytest.raises(NoResultFound):
        mark_sent(scene.store, message.row.id or 0, 5, 55)
    with scene.store.read() as session:
        assert session.exec(select(Outbox)).all() == []


def test_what_a_job_without_a_result_brought_is_removed_before_its_message(scene: Scene) -> None:
    done = rendered(scene)
    discard_unfinished(scene.store, scene.job(done))
    assert len(scene.rows(Clip)) == 1
    waiting = request_match(scene.store, scene.member, [scene.save(b"other")], "command")
    discard_unfinished(scene.store, cancel_job(scene.store, waiting.id, 7))
    [kept] = scene.rows(Clip)
    assert kept.job_id == done.id
