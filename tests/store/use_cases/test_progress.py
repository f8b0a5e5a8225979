"""A member's jobs: the newest with their places in line, and those whose cards change."""

from dataclasses import replace

import pytest

from store import Deletion, Job, NotFound, jobs, replies
from store.tables import now
from store.use_cases import (
    Requester,
    cancel_job,
    cards_to_show,
    forget,
    job_history,
    placed_job,
    release_reply,
    reply_token,
    request_match,
    take_job,
)
from tests.store.use_cases.scene import OTHER, WORKER, Scene


def queued(scene: Scene, data: bytes = b"note", requester: Requester | None = None) -> Job:
    """A match that waits."""
    return request_match(scene.store, requester or scene.member, [scene.save(data)], "command")


def shown(scene: Scene) -> list[str]:
    """The jobs whose cards may change."""
    return cards_to_show(scene.store).ids


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


def asked(scene: Scene, data: bytes, token: str | None = "token") -> Job:
    """A match that waits, asked by an interaction of this token."""
    return queued(scene, data, replace(scene.member, reply_token=token))


def test_a_job_has_a_card_while_it_waits_or_runs_and_its_token_lives(scene: Scene) -> None:
    job = asked(scene, b"1")
    asked(scene, b"no interaction", None)
    ended = asked(scene, b"2")
    cancel_job(scene.store, ended.id, 7)
    with scene.store.write() as session:
        jobs.submit(session, Job(kind=job.kind, user_id=9, channel_id=5, reply_token="t"))  # not confirmed yet
    assert shown(scene) == [job.id]
    take_job(scene.store, job.id, 1, WORKER)
    assert shown(scene) == [job.id] and placed_job(scene.store, job.id).has_card
    assert not placed_job(scene.store, ended.id).has_card


def test_a_token_lives_for_fifteen_minutes_and_is_forgotten_then(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    job, began = asked(scene, b"1"), now()
    for minutes, token in ((14.0, "token"), (14.9, None)):
        monkeypatch.setattr(replies, "now", lambda minutes=minutes: began + minutes * 60)
        assert reply_token(scene.store, job.id) == token and shown(scene) == [job.id]
    assert scene.job(job).reply_token == "token"
    monkeypatch.setattr(replies, "now", lambda: began + 15.1 * 60)
    assert shown(scene) == [] and scene.job(job).reply_token == "token"  # its card can be deleted, if the clock errs
    monkeypatch.setattr(replies, "now", lambda: began + 15.1 * 60 + replies.KEPT_SECONDS)
    assert shown(scene) == [] and scene.job(job).reply_token is None


def test_a_member_who_is_forgotten_after_the_clock_went_forward_keeps_no_card(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(scene, b"1")
    monkeypatch.setattr(replies, "now", lambda: now() + 3600.0)
    assert shown(scene) == []
    forget(scene.store, 7)
    assert [one.reply_token for one in scene.rows(Deletion)] == ["token"]


def test_a_token_that_discord_does_not_take_is_let_go(scene: Scene) -> None:
    job = asked(scene, b"1")
    release_reply(scene.store, job.id)
    assert scene.job(job).reply_token is None and reply_token(scene.store, job.id) is None and shown(scene) == []
    forget(scene.store, 7)
    release_reply(scene.store, job.id)
    with pytest.raises(NotFound):
        reply_token(scene.store, job.id)
