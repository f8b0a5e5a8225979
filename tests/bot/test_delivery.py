"""The outbox reaches members once and alone: in their card, else by direct message, else by a notice for `/jobs`."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

import aiohttp
import discord
import pytest
from simcord.http import FakeHTTPClient
from sqlmodel import select

from bot import delivery
from bot.app import DiscoverBot
from bot.messages.result import compose
from store import Clip, Job, JobKind, JobState, Outbox, Store, use_cases
from store.tables import now
from store.use_cases import mark_sent
from tests.bot.world import Worker, World, response_of, text_of


@pytest.fixture
async def job(world: World, worker: Worker) -> Job:
    """Alice waits for a match."""
    await world.alice.slash(world.channel, "match", note1=("a.ogg", b"x"))
    return worker.only()


def posts(world: World) -> list[Any]:
    """The bodies of the bot's ordinary messages."""
    return [
        r.json
        for r in world.env.http_requests
        if r.method == "POST" and r.path.endswith("/messages") and r.path.startswith("/channels/")
    ]


@pytest.fixture
async def late(job: Job, worker: Worker) -> Job:
    """Alice waits for a match, and her card is out of reach."""
    worker.end_replies()
    return job


def close_channel(world: World) -> None:
    """The channel is gone."""
    path = f"/channels/{world.channel.id}/messages"
    world.env.inject_error("POST", path, status=404, code=10003, times=None)


def close_dms(world: World) -> None:
    """Alice takes no direct messages."""
    path = f"/channels/{world.alice.user.dm_channel.id}/messages"
    world.env.inject_error("POST", path, status=403, code=50007, times=None)


@pytest.mark.usefixtures("quiet")
class TestTheCard:
    async def test_the_card_becomes_the_result_in_place(self, job: Job, world: World, worker: Worker) -> None:
        (before,) = world.cards()
        worker.render(job, {"candidates": [{"name": "@everyone", "share": 0.5}]}, {"a.txt": b"file"})
        await world.tick()

        (card,) = world.cards()
        assert card.id == before.id and "Waiting" not in card.content and "Cancel" not in str(card.components)
        assert await card.attachments[0].read() == b"file"
        assert world.public() == [] and world.dms(world.alice) == []
        assert card.mentions == [] and not card.mention_everyone
        (row,) = worker.outbox()
        assert (row.state, row.sent_channel_id, row.message_id) == ("sent", None, None)
        assert worker.only().state == JobState.DELIVERED

    async def test_nothing_is_shown_twice_by_later_rounds(self, job: Job, world: World, worker: Worker) -> None:
        worker.render(job, {})
        await world.tick()
        edits = world.edits()
        await world.tick(20)
        assert world.edits() == edits and len(world.cards()) == 1

    async def test_a_failure_discards_the_inputs_and_speaks_the_jobs_language(
        self, job: Job, world: World, worker: Worker, store: Store
    ) -> None:
        with store.write() as session:
            row = session.merge(job)
            row.locale = "ko"
        worker.fail(job, "silent", {"name": "a.ogg"}, "a.ogg is silent.")
        await world.tick()

        assert "a.ogg: 소리가 없어요." in world.cards()[-1].content and world.public() == []
        with store.read() as session:
            assert session.exec(select(Clip)).all() == [] and store.media.keys() == set()
        assert worker.only().state == JobState.FAILED

    async def test_a_trained_voice_and_its_sample_are_shown_to_their_member_alone(
        self, job: Job, world: World, worker: Worker, store: Store
    ) -> None:
        with store.write() as session:
            session.merge(job).kind = JobKind.TRAIN
        worker.render(job, {"voice": "Me"}, {"sample.mp3": b"voice"})
        await world.tick(3)

        (card,) = world.cards()
        assert "**Me**" in card.content and await card.attachments[0].read() == b"voice"
        assert world.channel.history(viewer=world.bob) == []
        assert worker.only().state == JobState.DELIVERED

    async def test_where_the_bot_may_not_speak_the_card_speaks(self, world: World, worker: Worker) -> None:
        deny: dict[Any, discord.PermissionOverwrite] = {
            world.guild.default_role: discord.PermissionOverwrite(send_messages=False)
        }
        mute = world.guild.create_text_channel("mute", overwrites=deny)
        await world.alice.slash(mute, "match", note1=("a.ogg", b"x"))
        worker.render(worker.only(), {})
        await world.tick()

        (card,) = world.cards(mute)
        assert "No singer" in card.content and world.public(mute) == []

    @pytest.mark.parametrize("status", [429, 503])
    async def test_trouble_at_discord_is_waited_out(self, job: Job, world: World, worker: Worker, status: int) -> None:
        worker.render(job, {}, {"a.txt": b"file"})
        world.env.inject_error("PATCH", "/webhooks/*", status=status, times=1)
        await world.tick()
        assert (worker.outbox()[0].tries, worker.outbox()[0].waited) == (0, 2.0)
        worker.due_now()
        await world.tick()
        assert await world.cards()[0].attachments[0].read() == b"file" and world.dms(world.alice) == []

    async def test_a_restarted_bot_finishes_the_same_card(
        self,
        job: Job,
        world: World,
        worker: Worker,
        monkeypatch: pytest.MonkeyPatch,
        make_bot: Callable[[], DiscoverBot],
    ) -> None:
        monkeypatch.setattr(delivery, "mark_sent", die)
        worker.render(job, {}, {"a.txt": b"file"})
        await world.tick()
        assert worker.only().state == JobState.RENDERED
        monkeypatch.setattr(delivery, "mark_sent", mark_sent)
        await world.env.restart_bot(make_bot())
        worker.due_now()
        await world.tick()
        assert [len(card.attachments) for card in world.cards()] == [1] and worker.only().state == JobState.DELIVERED
        assert world.dms(world.alice) == world.public() == []

    @pytest.mark.parametrize(
        "fault", [{"status": 401, "code": 50027}, {"status": 404, "code": 10015}, {"status": 404, "code": 10008}]
    )
    async def test_a_dead_token_or_a_deleted_card_means_a_direct_message(
        self, job: Job, world: World, worker: Worker, fault: dict[str, Any]
    ) -> None:
        worker.render(job, {}, {"a.txt": b"file"})
        world.env.inject_error("PATCH", "/webhooks/*", **fault, times=None)
        await world.tick()
        (message,) = world.dms(world.alice)
        assert await message.attachments[0].read() == b"file"
        assert worker.only().state == JobState.DELIVERED and worker.only().reply_token is None

    @pytest.mark.parametrize("fault", [{"status": 413}, {"status": 400, "code": 40005}])
    async def test_a_file_that_is_too_large_is_left_out_with_a_sentence(
        self, job: Job, world: World, worker: Worker, fault: dict[str, Any]
    ) -> None:
        worker.render(job, {}, {"a.txt": b"file"})
        world.env.inject_error("PATCH", "/webhooks/*", **fault, times=1)
        await world.tick()
        (card,) = world.cards()
        assert card.attachments == [] and "larger than Discord allows" in card.content
        assert worker.only().state == JobState.DELIVERED

    async def test_a_member_forgotten_while_it_is_shown_leaves_no_card(
        self, job: Job, world: World, worker: Worker, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def forgotten(store: Store, job_id: str, channel_id: int | None, message_id: int | None) -> None:
            use_cases.forget(store, world.alice.id)
            mark_sent(store, job_id, channel_id, message_id)

        worker.render(job, {})
        monkeypatch.setattr(delivery, "mark_sent", forgotten)
        await world.tick(4)
        assert world.cards() == [] and worker.outbox() == []


@pytest.mark.usefixtures("quiet")
class TestTheDirectMessage:
    async def test_it_mentions_nobody_and_has_a_nonce(self, late: Job, world: World, worker: Worker) -> None:
        worker.render(late, {"candidates": [{"name": "@everyone", "share": 0.5}]}, {"a.txt": b"file"})
        await world.tick()

        (row,) = worker.outbox()
        body = posts(world)[-1]
        assert body["nonce"] == late.id[:25] and body["enforce_nonce"]
        (message,) = world.dms(world.alice)
        assert (row.sent_channel_id, row.message_id) == (world.alice.user.dm_channel.id, message.id)
        assert message.mentions == [] and not message.mention_everyone
        assert await message.attachments[0].read() == b"file" and world.public() == []
        assert worker.only().state == JobState.DELIVERED

    async def test_nothing_is_sent_twice_by_later_rounds(self, late: Job, world: World, worker: Worker) -> None:
        worker.render(late, {})
        await world.tick(20)
        assert len(world.dms(world.alice)) == 1

    @pytest.mark.parametrize("status", [500, 503, 429])
    async def test_trouble_at_discord_is_waited_out(self, late: Job, world: World, worker: Worker, status: int) -> None:
        worker.render(late, {}, {"a.txt": b"file"})
        world.env.inject_error("POST", "/channels/*/messages", status=status, times=1)
        await world.tick()
        assert world.dms(world.alice) == [] and (worker.outbox()[0].tries, worker.outbox()[0].waited) == (0, 2.0)

        worker.due_now()
        await world.tick()
        assert await world.dms(world.alice)[0].attachments[0].read() == b"file"
        assert worker.only().state == JobState.DELIVERED

    async def test_a_lost_connection_is_waited_out(
        self, late: Job, world: World, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        original, left = FakeHTTPClient.request, [1]

        async def lost(self: FakeHTTPClient, route: Any, **options: Any) -> Any:
            if route.method == "POST" and left:
                left.pop()
                raise aiohttp.ClientConnectionError
            return await original(self, route, **options)

        worker.render(late, {})
        monkeypatch.setattr(FakeHTTPClient, "request", lost)
        await world.tick()
        assert (worker.outbox()[0].tries, worker.outbox()[0].waited) == (0, 2.0)
        worker.due_now()
        await world.tick()
        assert len(world.dms(world.alice)) == 1

    async def test_a_file_that_is_too_large_is_left_out_with_a_sentence(
        self, late: Job, world: World, worker: Worker
    ) -> None:
        worker.render(late, {}, {"a.txt": b"file"})
        world.env.inject_error("POST", "/channels/*/messages", status=413, times=1)
        await world.tick()

        (message,) = world.dms(world.alice)
        assert message.attachments == [] and "larger than Discord allows" in message.content

    async def test_a_file_that_is_gone_is_left_out_with_a_sentence(
        self, late: Job, world: World, worker: Worker, store: Store
    ) -> None:
        worker.render(late, {}, {"a.txt": b"file"})
        store.media.delete(worker.outbox()[0].files[0]["key"])
        await world.tick()
        assert "no longer kept" in world.dms(world.alice)[0].content and worker.only().state == JobState.DELIVERED

    async def test_a_member_forgotten_while_sending_leaves_no_message(
        self, late: Job, world: World, worker: Worker, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def forgotten(store: Store, job_id: str, channel_id: int | None, message_id: int | None) -> None:
            use_cases.forget(store, world.alice.id)
            mark_sent(store, job_id, channel_id, message_id)

        worker.render(late, {})
        monkeypatch.setattr(delivery, "mark_sent", forgotten)
        await world.tick(4)
        assert world.dms(world.alice) == [] and worker.outbox() == []


@pytest.mark.usefixtures("quiet")
class TestTheNotice:
    @pytest.mark.parametrize("failed", [False, True])
    async def test_a_closed_direct_message_means_a_notice_that_names_nothing(
        self, late: Job, world: World, worker: Worker, failed: bool
    ) -> None:
        close_dms(world)
        if failed:
            worker.fail(late, "silent", {"name": "secret.ogg"}, "secret.ogg is silent.")
        else:
            worker.render(late, {"candidates": [{"name": "IU", "share": 0.5}]}, {"secret.txt": b"file"})
        await world.tick()

        (notice,) = world.public()
        assert world.alice.mention in notice.content and re.search("</jobs:[0-9]+>", notice.content)
        assert [m.id for m in notice.mentions] == [world.alice.id] and notice.attachments == []
        assert "secret" not in notice.content and "IU" not in notice.content
        assert worker.only().state == (JobState.FAILED if failed else JobState.DELIVERED)
        (row,) = worker.outbox()
        assert (row.sent_channel_id, row.message_id) == (world.channel.id, notice.id)
        answer = await world.alice.slash(world.channel, "jobs")
        if failed:
            assert "secret.ogg is silent" in text_of(response_of(answer))
        else:
            shown = await world.alice.click(response_of(answer), label="Show result")
            assert response_of(shown).ephemeral and await response_of(shown).attachments[0].read() == b"file"

    async def test_where_no_notice_is_taken_it_is_undeliverable(
        self, late: Job, world: World, worker: Worker, store: Store
    ) -> None:
        worker.render(late, {}, {"a.txt": b"file"})
        close_channel(world)
        close_dms(world)
        await world.tick(10)

        assert worker.only().state == JobState.UNDELIVERABLE and worker.outbox()[0].state == "failed"
        assert store.media.path(worker.outbox()[0].files[0]["key"]).read_bytes() == b"file"
        answer = await world.alice.slash(world.channel, "jobs")
        assert "could not be delivered" in text_of(response_of(answer))


def die(*_: object) -> None:
    """The bot dies before it notes that a message was sent."""
    raise asyncio.CancelledError


class TestTrouble:
    """What is logged as an error, and must not do harm."""

    async def test_what_discord_refuses_is_given_up_after_the_last_try(
        self, late: Job, world: World, worker: Worker
    ) -> None:
        worker.render(late, {})
        world.env.inject_error("POST", "/channels/*/messages", status=400, code=50035, times=None)
        for _ in range(8):
            worker.due_now()
            await world.tick()
        assert worker.only().state == JobState.UNDELIVERABLE

    async def test_a_crash_between_sending_and_marking_does_not_send_twice(
        self, late: Job, world: World, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(delivery, "mark_sent", lambda *_: 1 / 0)
        worker.render(late, {}, {"a.txt": b"file"})
        await world.tick()
        assert len(world.dms(world.alice)) == 1 and worker.only().state == JobState.RENDERED

        monkeypatch.setattr(delivery, "mark_sent", mark_sent)
        worker.due_now()
        await world.tick()
        (message,) = world.dms(world.alice)
        assert worker.only().state == JobState.DELIVERED and worker.outbox()[0].message_id == message.id

    @pytest.mark.parametrize("closed", [False, True])
    async def test_nor_when_the_bot_comes_back_after_an_hour(
        self,
        late: Job,
        world: World,
        worker: Worker,
        store: Store,
        monkeypatch: pytest.MonkeyPatch,
        make_bot: Callable[[], DiscoverBot],
        closed: bool,
    ) -> None:
        if closed:
            close_dms(world)
        monkeypatch.setattr(delivery, "mark_sent", lambda *_: 1 / 0)
        worker.render(late, {})
        await world.tick()
        monkeypatch.undo()  # Discord has forgotten the nonce, too
        with store.write() as session:
            row = session.exec(select(Outbox)).one()
            row.tried_at = world.env.now().timestamp()  # months ago: simcord begins on 2026-01-01
            row.next_try_at = 0.0
            session.add(row)
        await world.env.restart_bot(make_bot())
        await world.tick()

        assert worker.only().state == JobState.DELIVERED
        assert (len(world.public()), len(world.dms(world.alice))) == ((1, 0) if closed else (0, 1))

    async def test_a_try_that_never_arrived_is_made_again(
        self, late: Job, world: World, worker: Worker, store: Store
    ) -> None:
        worker.render(late, {})
        with store.write() as session:
            row = session.exec(select(Outbox)).one()
            row.created_at, row.tried_at, row.sent_channel_id = 0.0, now() - 3600, world.alice.user.dm_channel.id
            session.add(row)
        await world.tick()
        assert len(world.dms(world.alice)) == 1

    async def test_one_bad_row_does_not_stop_the_others(
        self, late: Job, world: World, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await world.bob.slash(world.channel, "match", note1=("b.ogg", b"y"))
        with worker.store.read() as session:
            other = session.exec(select(Job).where(Job.id != late.id)).one()
        monkeypatch.setattr(delivery, "compose", lambda j, *say: 1 / 0 if j.id == late.id else compose(j, *say))
        worker.render(late, {})
        worker.render(other, {})
        await world.tick()
        assert worker.job(other.id).state == JobState.DELIVERED and worker.job(late.id).state == JobState.RENDERED

    async def test_a_database_that_cannot_be_read_does_not_stop_the_loop(
        self, late: Job, world: World, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(delivery, "due_messages", lambda *_: 1 / 0)
        worker.render(late, {})
        await world.tick()
        monkeypatch.undo()
        await world.tick()
        assert worker.only().state == JobState.DELIVERED
