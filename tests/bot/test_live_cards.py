"""One card per job: posted, edited seldom, final in the end, the same one after a restart."""

from collections.abc import Callable
from typing import Any

import pytest

from bot import live_cards
from bot.app import DiscoverBot
from store import Job, JobKind, JobState, Store, jobs, use_cases
from store.tables import now
from store.use_cases import keep_card
from tests.bot.world import Worker, World, response_of

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
async def job(world: World, worker: Worker) -> Job:
    """Alice waits for a match, and its card stands."""
    await world.alice.slash(world.channel, "match", note1=("a.ogg", b"x"))
    await world.tick(5)
    return worker.only()


def queue(store: Store, world: World, **values: Any) -> Job:
    """A queued job whose command died before it posted a card."""
    row = Job(kind=JobKind.MATCH, user_id=world.alice.id, channel_id=world.channel.id, **values)
    with store.write() as session:
        jobs.submit(session, row)
        return jobs.enqueue(session, row.id)


async def test_edits_come_every_five_seconds_and_only_with_news(job: Job, world: World, worker: Worker) -> None:
    worker.begin(job)
    worker.report(job, "reading", 0.1)
    await world.tick(1)
    worker.report(job, "matching", 0.5, 20.0)
    assert world.edits() == 0
    await world.tick(4)
    assert world.edits() == 1 and "50 % · comparing with the singers · about 20 s left" in world.public()[0].content
    await world.tick(30)
    assert world.edits() == 1
    worker.report(job, "matching", 0.9, 5.0)
    await world.tick(5)
    assert world.edits() == 2 and len(world.public()) == 1


async def test_the_end_is_final(job: Job, world: World, worker: Worker) -> None:
    assert world.public()[0].components != []
    worker.render(job, {})
    await world.tick(5)
    card = world.public()[0]
    assert card.id == job.card_message_id and card.components == [] and card.content.endswith("The result is below.")
    before = world.edits()
    await world.tick(60)
    assert world.edits() == before


async def test_places_in_line_move_up(job: Job, world: World, worker: Worker, store: Store) -> None:
    await world.bob.slash(world.channel, "match", note1=("b.ogg", b"y"))
    assert "place 2 in line" in world.public()[1].content
    worker.begin(job)
    await world.tick(5)
    assert "place 1 in line" in world.public()[1].content


async def test_a_restarted_bot_goes_on_with_the_same_card(
    job: Job, world: World, worker: Worker, make_bot: Callable[[], DiscoverBot]
) -> None:
    await world.env.restart_bot(make_bot())
    worker.begin(job)
    worker.report(job, "reading", 0.3)
    await world.tick(5)
    (card,) = world.public()
    assert card.id == job.card_message_id and "30 %" in card.content


async def test_a_job_that_ended_while_the_bot_was_away_gets_its_final_card(
    job: Job, world: World, worker: Worker, store: Store, make_bot: Callable[[], DiscoverBot]
) -> None:
    world.bot.cards._loop.cancel()
    worker.render(job, {})
    with store.write() as session:
        row = jobs.get(session, job.id)
        row.ended_at = now() - 8 * 3600
        session.add(row)
    await world.env.restart_bot(make_bot())
    await world.tick(5)
    assert world.public()[0].components == []


async def test_a_card_that_a_crash_prevented_is_posted_by_the_loop(world: World, worker: Worker, store: Store) -> None:
    queue(store, world, locale="ko")
    await world.tick(5)
    (card,) = world.public()
    assert "대기 중: 1번째" in card.content and worker.only().card_message_id == card.id


async def test_a_deleted_card_is_no_error_and_does_not_come_back(job: Job, world: World, worker: Worker) -> None:
    world.env.backend.delete_message(world.channel.id, job.card_message_id or 0)
    worker.begin(job)
    for step in (0.1, 0.2):
        worker.report(job, "reading", step)
        await world.tick(5)
    assert world.public() == [] and world.edits() == 1
    worker.render(job, {})
    await world.tick(5)
    assert worker.only().state == JobState.DELIVERED and len(world.public()) == 1


async def test_when_discord_is_in_trouble_the_card_comes_later(world: World, worker: Worker, store: Store) -> None:
    world.env.inject_error("POST", f"/channels/{world.channel.id}/messages", status=500, times=1)
    answer = await world.alice.slash(world.channel, "match", note1=("a.ogg", b"x"))
    assert "in line" in response_of(answer).content and world.public() == []
    await world.tick(5)
    assert len(world.public()) == 1


async def test_an_edit_that_fails_is_tried_again(job: Job, world: World, worker: Worker) -> None:
    worker.begin(job)
    world.env.inject_error("PATCH", "/channels/*/messages/*", status=429, code=30046, times=1)
    await world.tick(5)
    assert "in line" in world.public()[0].content
    await world.tick(5)
    assert world.public()[0].content.endswith("Starting")


async def test_a_member_who_cannot_be_reached_has_no_card_and_is_not_tried_again(
    world: World, worker: Worker, store: Store
) -> None:
    world.env.inject_error("POST", "/channels/*/messages", status=403, code=50013, times=None)
    queue(store, world)
    await world.tick(5)
    tried = len(world.env.http_requests)
    await world.tick(20)
    assert len(world.env.http_requests) == tried and worker.only().state == JobState.QUEUED


async def test_a_crash_between_posting_and_remembering_makes_no_second_card(
    world: World, worker: Worker, store: Store, monkeypatch: pytest.MonkeyPatch, make_bot: Callable[[], DiscoverBot]
) -> None:
    monkeypatch.setattr(live_cards, "keep_card", lambda *_: (_ for _ in ()).throw(OSError))
    queue(store, world)
    await world.tick(5)
    assert len(world.public()) == 1 and worker.only().card_message_id is None
    monkeypatch.setattr(live_cards, "keep_card", keep_card)
    await world.env.restart_bot(make_bot())
    await world.tick(5)
    assert len(world.public()) == 1 and worker.only().card_message_id == world.public()[0].id


async def test_a_job_forgotten_while_its_card_is_posted_leaves_no_card(
    world: World, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgotten(store: Store, job_id: str, channel_id: int, message_id: int) -> None:
        use_cases.forget(store, world.alice.id)
        keep_card(store, job_id, channel_id, message_id)

    monkeypatch.setattr(live_cards, "keep_card", forgotten)
    queue(store, world)
    await world.tick(8)
    assert world.public() == []


async def test_a_card_is_final_even_while_its_message_cannot_be_sent(
    job: Job, world: World, worker: Worker, store: Store, make_bot: Callable[[], DiscoverBot]
) -> None:
    world.bot.cards._loop.cancel()
    worker.render(job, {})
    world.env.inject_error("POST", "/channels/*/messages", status=500, times=None)
    with store.write() as session:
        row = jobs.get(session, job.id)
        row.ended_at = now() - 8 * 3600
        session.add(row)
    await world.env.restart_bot(make_bot())
    await world.tick(5)
    assert world.public()[0].components == [] and worker.only().state == JobState.RENDERED


async def test_command_and_loop_together_post_one_card(
    world: World, worker: Worker, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # without the help of nonces
    row = queue(store, world)
    cards = world.bot.cards
    with world.env._bot_scope():
        tasks = [world.bot.loop.create_task(cards.show(row.id)) for _ in range(3)]
    await world.env.settle()
    assert all(task.done() for task in tasks) and len(world.public()) == 1
