"""A member's jobs: the newest with their places in line, and those whose cards change."""

import pytest

from store import Job, JobState, NotFound, Outbox, jobs
from store.tables import now
from store.use_cases import (
    Requester,
    begin_card,
    cancel_job,
    due_deletions,
    forget,
    job_history,
    jobs_with_cards,
    keep_card,
    mark_sent,
    placed_job,
    request_match,
    take_job,
)
from store.use_cases.progress import FINAL_EDITS
from tests.store.use_cases.scene import OTHER, WORKER, Scene


def queued(scene: Scene, data: bytes = b"note", requester: Requester | None = None) -> Job:
    """A match that waits."""
    return request_match(scene.store, requester or scene.member, [scene.save(data)], "command")


def shown(scene: Scene) -> list[str]:
    """The jobs whose cards may change."""
    return [placed.job.id for placed in jobs_with_cards(scene.store)]


def test_the_newest_jobs_come_first_with_their_places(scene: Scene) -> None:
    first, second = queued(scene, b"1"), queued(scene, b"2")
    queued(scene, b"3", OTHER)
    recent = job_history(scene.store, 7)
    assert [(placed.job.id, placed.place) for placed in recent] == [
        (second.id, 3),
        (first.id, 1),
    ]  # the other's first comes between
    assert len(job_history(scene.store, 7, limit=1)) == 1
    take_job(scene.store, first.id, 1, WORKER)
    assert [placed_job(scene.store, job.id).place for job in (first, second)] == [0, 2]
    with pytest.raises(NotFound):
        placed_job(scene.store, "0" * 32)


def test_a_job_has_a_card_while_it_waits_or_runs_in_a_channel(scene: Scene) -> None:
    job = queued(scene)
    queued(scene, b"nowhere", Requester(OTHER.user_id))
    with scene.store.write() as session:
        jobs.submit(session, Job(kind=job.kind, user_id=9, channel_id=5))  # not confirmed yet
    assert shown(scene) == [job.id]
    take_job(scene.store, job.id, 1, WORKER)
    assert shown(scene) == [job.id]


def test_the_card_of_an_ended_job_is_edited_once_more(scene: Scene) -> None:
    job, without = queued(scene), queued(scene, b"no card")
    keep_card(scene.store, job.id, 5, 55)
    for each in (job, without):
        cancel_job(scene.store, each.id, 7)
    assert shown(scene) == [job.id]
    row = scene.job(job)
    assert (row.card_channel_id, row.card_message_id, row.state) == (5, 55, JobState.CANCELLED)


@pytest.mark.parametrize(("sent_ago", "edited"), [(None, True), (1.0, True), (FINAL_EDITS + 1, False)])
def test_a_job_that_ended_while_the_bot_was_away_is_recognised(
    scene: Scene, sent_ago: float | None, edited: bool
) -> None:
    job = queued(scene)
    keep_card(scene.store, job.id, 5, 55)
    cancel_job(scene.store, job.id, 7)
    [message] = scene.rows(Outbox)
    if sent_ago is not None:
        mark_sent(scene.store, message.job_id, 5, 66)
    with scene.store.write() as session:
        row = jobs.get(session, job.id)
        row.ended_at = now() - FINAL_EDITS - 1
        message = session.get_one(Outbox, message.id)
        message.sent_at = None if sent_ago is None else now() - sent_ago
        session.add_all([row, message])
    assert shown(scene) == ([job.id] if edited else [])


def test_a_card_that_is_posted_after_its_member_was_forgotten_has_to_go(scene: Scene) -> None:
    job = queued(scene)
    forget(scene.store, 7)
    with pytest.raises(NotFound):
        begin_card(scene.store, job.id, 5)
    keep_card(scene.store, job.id, 5, 55)
    assert [(one.channel_id, one.message_id) for one in due_deletions(scene.store)] == [(5, 55)]
