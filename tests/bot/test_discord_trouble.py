"""Discord is away, slow or has changed: results come late rather than never, once, and nobody else waits for them."""

from typing import Any

import discord
import pytest
from simcord.http import FakeHTTPClient
from sqlmodel import select

from bot import live_cards
from bot.messages.private import PrivateCards
from store import Job, JobState, Outbox, Store, use_cases
from store.patience import PATIENCE
from tests.bot.world import Worker, World

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
async def job(world: World, worker: Worker) -> Job:
    """Alice waits for a match."""
    await world.alice.slash(world.channel, "match", note1=("a.ogg", b"x"))
    return worker.only()


@pytest.fixture
async def late(job: Job, worker: Worker) -> Job:
    """Alice waits for a match, and her card is out of reach."""
    worker.end_replies()
    return job


def results(world: World) -> list[discord.Message]:
    """The results in direct messages."""
    return [message for member in (world.alice, world.bob) for message in world.dms(member)]


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
    late: Job, world: World, worker: Worker
) -> None:
    worker.render(late, {}, {"a.txt": b"file"})
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
    use_cases.send_again(worker.store, [late.id])
    await world.tick(5)
    assert worker.only().state == JobState.DELIVERED
    assert await results(world)[0].attachments[0].read() == b"file"


async def test_the_first_success_ends_every_pause(job: Job, world: World, worker: Worker) -> None:
    await world.bob.slash(world.channel, "match", note1=("b.ogg", b"y"))
    worker.end_replies()
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
    dm = world.alice.user.dm_channel

    async def request(self: FakeHTTPClient, route: Any, **options: Any) -> Any:
        if route.method == "POST" and route.path.endswith("/messages") and str(dm.id) in route.url:
            raise limited or too_many(5000)
        return await original(self, route, **options)

    await world.bob.slash(world.channel, "match", note1=("b.ogg", b"y"))
    worker.end_replies()
    monkeypatch.setattr(FakeHTTPClient, "request", request)
    worker.render(job, {})
    await world.tick()
    (row,) = worker.outbox()
    assert row.tries == 0 and row.waited == 5000.0 and row.next_try_at - row.tried_at > 4000  # type: ignore[operator]

    worker.render(others(worker, job), {})
    await world.tick()
    assert "-# job" in world.dms(world.bob)[-1].content


async def test_a_card_that_is_limited_is_left_alone_for_so_long(
    job: Job, world: World, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    edits = []

    async def edit(self: PrivateCards, *options: Any) -> None:
        edits.append(options)
        raise too_many(60)

    monkeypatch.setattr(PrivateCards, "edit", edit)
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


async def test_of_a_member_who_left_nothing_is_shown_to_others(late: Job, world: World, worker: Worker) -> None:
    world.guild.remove_member(world.alice)
    world.env.inject_error("POST", f"/channels/{world.alice.user.dm_channel.id}/messages", status=403, code=50007)
    worker.render(late, {"voice": "Me"}, {"sample.mp3": b"voice"})
    await world.tick(4)
    (notice,) = world.public()
    assert "Me" not in notice.content and notice.attachments == []


async def test_two_jobs_never_share_a_nonce_though_a_row_took_the_place_of_another(
    late: Job, world: World, worker: Worker, store: Store
) -> None:
    worker.render(late, {})
    await world.tick()
    number = worker.outbox()[0].id
    use_cases.forget(store, world.alice.id)
    with store.write() as session:
        session.connection().exec_driver_sql("DELETE FROM sqlite_sequence")
    await world.bob.slash(world.channel, "match", note1=("b.ogg", b"y"))
    worker.end_replies()
    worker.render(worker.only(), {})
    await world.tick(4)
    assert worker.outbox()[0].id == number and worker.only().state == JobState.DELIVERED
    assert (len(world.dms(world.alice)), len(world.dms(world.bob))) == (0, 1)


@pytest.mark.parametrize("status", [400, 403])
async def test_direct_messages_that_are_opened_too_fast_for_discord_are_no_closed_ones(
    late: Job, world: World, worker: Worker, status: int
) -> None:
    worker.render(late, {}, {"a.txt": b"file"})
    world.env.inject_error("POST", "/users/@me/channels", status=status, code=40003, times=1)
    await world.tick()
    assert world.public() == [] and (worker.outbox()[0].tries, worker.outbox()[0].waited) == (0, 2.0)
    worker.due_now()
    await world.tick()
    assert await results(world)[0].attachments[0].read() == b"file" and world.public() == []


@pytest.mark.parametrize("status", [400, 403])
async def test_a_member_who_takes_no_direct_message_is_told_at_once_in_the_channel(
    late: Job, world: World, worker: Worker, status: int
) -> None:
    worker.render(late, {}, {"a.txt": b"file"})
    world.env.inject_error("POST", "/users/@me/channels", status=status, code=50007, times=None)
    await world.tick()
    assert len(world.public()) == 1 and worker.only().state == JobState.DELIVERED
