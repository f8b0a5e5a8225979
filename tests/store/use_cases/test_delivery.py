"""Messages are delivered: due, sent, refused, given up, sent again; an undelivered one is fetched by its owner."""

import pytest
from sqlmodel import select

from store import Clip, Deletion, Job, JobState, NotFound, Outbox, deletions, outbox, patience
from store.results import MatchResult
from store.tables import now
from store.use_cases import (
    begin_message,
    cancel_job,
    discard_unfinished,
    due_deletions,
    due_messages,
    end_pauses,
    finish_job,
    forget,
    give_up_message,
    lease_message,
    mark_sent,
    message_files,
    request_match,
    result_message,
    retry_refused,
    send_again,
    take_job,
    unsent_messages,
    wait_with_message,
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
    mark_sent(scene.store, message.job.id, 5, 55)
    assert due_messages(scene.store) == [] and scene.job(job).state is JobState.DELIVERED
    [row] = scene.rows(Outbox)
    assert (row.sent_channel_id, row.message_id) == (5, 55)


def test_a_result_in_the_private_card_has_no_place(scene: Scene) -> None:
    job = rendered(scene)
    begin_message(scene.store, job.id, None)
    mark_sent(scene.store, job.id, None, None)
    [row] = scene.rows(Outbox)
    assert (row.state, row.sent_channel_id, row.message_id) == ("sent", None, None)
    assert scene.job(job).state is JobState.DELIVERED


def test_a_refused_message_is_due_later_and_given_up_after_the_last_pause(scene: Scene) -> None:
    job = rendered(scene)
    for _ in outbox.PAUSES:
        assert retry_refused(scene.store, job.id)
        assert due_messages(scene.store) == [] and scene.job(job).state is JobState.RENDERED
    assert not retry_refused(scene.store, job.id)
    assert scene.job(job).state is JobState.UNDELIVERABLE


def test_discord_is_waited_for_a_day_with_pauses_that_grow_to_ten_minutes(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, time, pauses = rendered(scene), [now()], [0.0]
    monkeypatch.setattr(patience, "now", lambda: time[0])
    while wait_with_message(scene.store, job.id):
        [row] = scene.rows(Outbox)
        pauses.append(row.next_try_at - time[0])
        time[0] = row.next_try_at
    assert pauses == sorted(pauses) and pauses[1] == 2.0 and pauses[-1] == patience.LONGEST_PAUSE
    assert patience.PATIENCE <= sum(pauses) < patience.PATIENCE + patience.LONGEST_PAUSE
    [row] = scene.rows(Outbox)
    assert row.tries == 0 and scene.job(job).state is JobState.UNDELIVERABLE


def test_a_message_is_looked_for_since_the_first_try_whose_nonce_discord_may_have_forgotten(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, tried = rendered(scene), []
    for seconds in (0, 2, 64, 119, 150, 190, 256):  # looked for from 120 s on
        monkeypatch.setattr(patience, "now", lambda seconds=seconds: 1e9 + seconds)
        begin_message(scene.store, job.id, 5)
        tried.append((scene.rows(Outbox)[0].tried_at or 0) - 1e9)
    assert tried == [0, 0, 0, 0, 0, 190, 190]


def test_discords_own_pause_is_kept(scene: Scene) -> None:
    job = rendered(scene)
    wait_with_message(scene.store, job.id, asked=3000.0)
    [row] = scene.rows(Outbox)
    assert row.next_try_at == pytest.approx(now() + 3000, abs=5)


def test_when_discord_is_back_all_that_waits_is_due_and_charged_only_for_what_it_waited(scene: Scene) -> None:
    job = rendered(scene)
    wait_with_message(scene.store, job.id, asked=3000.0)
    with scene.store.write() as session:
        deletions.order(session, job.id, 5, 55)
        patience.wait(session.exec(select(Deletion)).one(), 3000.0)
    assert due_messages(scene.store) == [] and due_deletions(scene.store) == []
    end_pauses(scene.store)
    [message], [deletion] = due_messages(scene.store), due_deletions(scene.store)
    assert message.row.waited < 5 and deletion.waited < 5


def test_the_operator_has_a_message_sent_again(scene: Scene) -> None:
    job = rendered(scene)
    give_up_message(scene.store, job.id)
    [unsent] = unsent_messages(scene.store)
    send_again(scene.store, [unsent.job.id])
    assert [message.job.id for message in due_messages(scene.store)] == [job.id]
    mark_sent(scene.store, job.id, 5, 55)
    assert scene.job(job).state is JobState.DELIVERED and unsent_messages(scene.store) == []


def test_an_result_message_is_fetched_by_its_owner_only(scene: Scene) -> None:
    job = rendered(scene)
    with pytest.raises(NotFound, match="such result"):
        result_message(scene.store, job.id, 7)
    [message] = due_messages(scene.store)
    give_up_message(scene.store, message.job.id)
    assert [f.name for f in message_files(scene.store, result_message(scene.store, job.id, 7).row)] == ["match.png"]
    with pytest.raises(NotFound):
        result_message(scene.store, job.id, OTHER.user_id)
    with pytest.raises(NotFound):
        result_message(scene.store, "0" * 32, 7)


def test_a_file_past_its_retention_is_said(scene: Scene) -> None:
    rendered(scene)
    [message] = due_messages(scene.store)
    scene.store.media.delete(message.row.files[0]["key"])
    with pytest.raises(NotFound, match="such file any more"):
        message_files(scene.store, message.row)


def test_a_message_that_arrives_after_its_member_was_forgotten_has_to_go(scene: Scene) -> None:
    job = rendered(scene)
    forget(scene.store, 7)
    mark_sent(scene.store, job.id, 5, 55)
    assert scene.rows(Outbox) == []
    [deletion] = due_deletions(scene.store)
    assert (deletion.channel_id, deletion.message_id) == (5, 55)
    with pytest.raises(NotFound):
        begin_message(scene.store, job.id, 5)


def test_what_a_job_without_a_result_brought_is_removed_before_its_message(scene: Scene) -> None:
    done = rendered(scene)
    discard_unfinished(scene.store, scene.job(done))
    assert len(scene.rows(Clip)) == 1
    waiting = request_match(scene.store, scene.member, [scene.save(b"other")], "command")
    discard_unfinished(scene.store, cancel_job(scene.store, waiting.id, 7))
    [kept] = scene.rows(Clip)
    assert kept.job_id == done.id


def test_a_message_that_one_bot_sends_is_no_other_ones_until_its_lease_is_over(scene: Scene) -> None:
    job = rendered(scene)
    assert lease_message(scene.store, job.id, "a") and lease_message(scene.store, job.id, "a")
    assert lease_message(scene.store, job.id, "b") is None and due_messages(scene.store, "b") == []
    with scene.store.write() as session:
        session.add(outbox.of_job(session, job.id).sqlmodel_update({"lease_until": now() - 1, "sent_channel_id": 9}))
    leased = lease_message(scene.store, job.id, "b")
    assert leased and leased.row.sent_channel_id == 9
    assert retry_refused(scene.store, job.id) and lease_message(scene.store, job.id, "a") is None  # not due
    mark_sent(scene.store, job.id, 5, 55)
    assert lease_message(scene.store, job.id, "b") is None and lease_message(scene.store, "gone", "b") is None
