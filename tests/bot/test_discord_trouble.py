"""Discord is away, slow or has changed: results come late rather than never, once, and nobody else waits for them."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import discord
import pytest
from simcord.http import FakeHTTPClient
from sqlmodel import select

from bot import live_cards
from bot.app import DiscoverBot
from store import Job, JobKind, JobState, Outbox, Store, jobs, use_cases
from store.patience import PATIENCE
from tests.bot.world import Worker, World

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
async def job(world: World, worker: Worker) -> Job:
    """Alice waits for a match."""
    await world.alice.slash(world.channel, "match", note1=("a.ogg", b"x"))
    return worker.only()


def results(world: World) -> list[discord.Message]:
    """The results in the channel."""
    return [message for message in world.public() if "-# job" in message.content]


def others(worker: Worker, job: Job) -> Job:
    """The job that is not this one."""
    with worker.store.read() as session:
        return session.exec(select(Job).where(Job.id != job.id)).one()


def remember(worker: Worker, **values: Any) -> None:
    """Write into the message's row."""
    with worker.store.write() as session:
        row = session.exec(select(Outbox)).one()
        for name, value in values.items():
            setattr(row, name, value)
        session.add(row)


async def test_a_result_survives_hours_without_discord_and_is_given_up_after_a_day(
    job: Job, world: World, worker: Worker
) -> None:
    worker.render(job, {}, {"a.txt": b"file"})
    world.env.inject_error("POST", "/channels/*/messages", status=503, times=None)
    for _ in range(30):
        worker.due_now()
        await world.tick()
    (row,) = worker.outbox()
    assert row.tries == 0 and row.waited > 3600 and worker.only().state == JobState.RENDERED

    remember(worker, waited=PATIENCE)
    worker.due_now()
    await world.tick()
    assert worker.only().state == JobState.UNDELIVERABLE
    world.env.backend.faults.clear()
    use_cases.send_again(worker.store, [job.id])
    await world.tick(5)
    assert worker.only().state == JobState.DELIVERED
    assert await results(world)[0].attachments[0].read() == b"file"
    assert world.public()[0].content.endswith("Done. The result is below.")


async def test_the_first_success_ends_every_pause(job: Job, world: World, worker: Worker) -> None:
    await world.bob.slash(world.channel, "match", note1=("b.ogg", b"y"))
    worker.render(job, {})
    world.env.inject_error("POST", "/channels/*/messages", status=502, times=1)
    await world.tick()
    remember(worker, next_try_at=9e9, waited=600.0)
    worker.render(others(worker, job), {})
    await world.tick(4)
    assert len(results(world)) == 2


@pytest.mark.parametrize("limited", [discord.RateLimited(5000.0), None])
async def test_a_rate_limit_is_kept_and_holds_up_nobody_else(
    job: Job, world: World, worker: Worker, monkeypatch: pytest.MonkeyPatch, limited: Exception | None
) -> None:
    original = FakeHTTPClient.request
    other = world.guild.create_text_channel("other")

    async def request(self: FakeHTTPClient, route: Any, **options: Any) -> Any:
        if route.method == "POST" and route.path.endswith("/messages") and str(world.channel.id) in route.url:
            raise limited or too_many(5000)
        return await original(self, route, **options)

    await world.bob.slash(other, "match", note1=("b.ogg", b"y"))
    monkeypatch.setattr(FakeHTTPClient, "request", request)
    worker.render(job, {})
    await world.tick()
    (row,) = worker.outbox()
    assert row.tries == 0 and row.waited == 5000.0 and row.next_try_at - row.tried_at > 4000  # type: ignore[operator]

    worker.render(others(worker, job), {})
    await world.tick()
    assert "-# job" in world.public(other)[-1].content


async def test_a_card_that_is_limited_is_left_alone_for_so_long(
    job: Job, world: World, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    edits = []

    async def edit(self: discord.PartialMessage, **options: Any) -> None:
        edits.append(options)
        raise too_many(60)

    monkeypatch.setattr(discord.PartialMessage, "edit", edit)
    worker.begin(job)
    await world.tick(20)
    assert len(edits) == 1
    monkeypatch.setattr(live_cards, "now", lambda: 9e9)
    await world.tick(5)
    assert len(edits) == 2


def too_many(seconds: float) -> discord.HTTPException:
    """Discord's 429, as it comes when the bot is limited for long."""

    class Response:
        status, reason, headers = 429, "Too Many Requests", {"Retry-After": str(seconds)}

    return discord.HTTPException(Response(), {"code": 0, "message": "limited"})  # type: ignore[arg-type]


async def test_a_channel_that_is_deleted_while_the_result_waits_means_a_direct_message(
    job: Job, world: World, worker: Worker
) -> None:
    worker.begin(job)
    world.env.backend.delete_channel(world.channel.id)
    worker.render(job, {}, {"a.txt": b"file"})
    await world.tick(8)
    (message,) = world.dms(world.alice)
    assert await message.attachments[0].read() == b"file" and worker.only().state == JobState.DELIVERED


async def test_a_member_who_left_finds_the_result_in_the_channel(job: Job, world: World, worker: Worker) -> None:
    world.guild.remove_member(world.alice)
    worker.render(job, {})
    await world.tick()
    assert len(results(world)) == 1 and worker.only().state == JobState.DELIVERED


async def test_a_trained_voice_of_a_member_who_left_is_undeliverable_and_not_shown_to_others(
    job: Job, world: World, worker: Worker, store: Store
) -> None:
    with store.write() as session:
        session.merge(job).kind = JobKind.TRAIN
    world.guild.remove_member(world.alice)
    world.env.inject_error("POST", f"/channels/{world.alice.user.dm_channel.id}/messages", status=403, code=50007)
    worker.render(job, {"voice": "Me"}, {"sample.mp3": b"voice"})
    await world.tick(4)
    assert worker.only().state == JobState.UNDELIVERABLE and results(world) == []


async def test_a_card_that_a_moderator_deleted_ends_without_a_word_and_the_result_comes(
    job: Job, world: World, worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    world.env.backend.delete_message(world.channel.id, job.card_message_id or 0)
    worker.render(job, {})
    await world.tick(12)
    assert len(results(world)) == 1 and world.edits() <= 1
    assert [r for r in caplog.records if r.name.startswith("bot") and r.levelno >= logging.WARNING] == []


async def test_a_card_posted_before_a_crash_is_found_even_when_its_nonce_is_forgotten(
    world: World, worker: Worker, store: Store, monkeypatch: pytest.MonkeyPatch, make_bot: Callable[[], DiscoverBot]
) -> None:
    def die(*_: object) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(live_cards, "keep_card", die)
    with store.write() as session:
        row = jobs.submit(session, Job(kind=JobKind.MATCH, user_id=world.alice.id, channel_id=world.channel.id))
        jobs.enqueue(session, row.id)
    await world.tick(5)
    monkeypatch.undo()  # with the nonces
    with store.write() as session:
        jobs.get(session, row.id).card_tried_at = world.env.now().timestamp()  # simcord's clock is far behind
    await world.env.restart_bot(make_bot())
    await world.tick(5)
    (card,) = world.public()
    assert worker.only().card_message_id == card.id


async def test_two_jobs_never_share_a_nonce_though_a_row_took_the_place_of_another(
    job: Job, world: World, worker: Worker, store: Store
) -> None:
    worker.render(job, {})
    await world.tick()
    number = worker.outbox()[0].id
    use_cases.forget(store, world.alice.id)
    with store.write() as session:
        session.connection().exec_driver_sql("DELETE FROM sqlite_sequence")
    await world.bob.slash(world.channel, "match", note1=("b.ogg", b"y"))
    worker.render(worker.only(), {})
    await world.tick(4)
    assert worker.outbox()[0].id == number and worker.only().state == JobState.DELIVERED
    (message,) = results(world)
    assert world.bob.mention in message.content
