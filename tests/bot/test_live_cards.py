"""One private card per job: edited seldom, in place, never older than what stands there, across a restart."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, cast

import discord
import pytest
from simcord import InteractionResult
from sqlmodel import select

from bot.app import DiscoverBot
from bot.interactions.services import Services
from bot.live_cards import LiveCards
from bot.messages.private import PrivateCards
from store import Job, JobKind, JobState, Store, abilities, jobs, use_cases
from store.abilities import Abilities
from store.need_tables import ModelRole
from store.replies import REPLY_SECONDS
from store.tables import now
from tests.bot.world import Worker, World, response_of

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
async def asked(world: World) -> InteractionResult:
    """Alice asks for a match."""
    return await world.alice.slash(world.channel, "match", note1=("a.ogg", b"x"))


@pytest.fixture
async def job(asked: InteractionResult, world: World, worker: Worker) -> Job:
    """Alice waits for a match, and its card stands."""
    await world.tick(5)
    return worker.only()


def left(store: Store, seconds: float) -> None:
    """Let the token live for so many seconds more."""
    with store.write() as session:
        for row in session.exec(select(Job)).all():
            row.reply_until = now() + seconds
            session.add(row)


async def test_the_answer_is_the_card_and_nobody_else_sees_it(
    asked: InteractionResult, world: World, worker: Worker
) -> None:
    assert asked.ephemeral and response_of(asked).content == "**Match**\nWaiting: place 1 in line · " + SOON
    assert len(response_of(asked).components) == 1 and not asked.followups
    assert world.public() == [] and world.dms(world.alice) == []
    job = worker.only()
    assert job.reply_token and job.reply_until == pytest.approx(now() + REPLY_SECONDS, abs=20)
    assert world.channel.history(viewer=world.bob) == []


async def test_edits_come_every_five_seconds_and_only_with_news(job: Job, world: World, worker: Worker) -> None:
    begun = world.edits()
    worker.begin(job)
    worker.report(job, "reading", 0.1)
    await world.tick(1)
    worker.report(job, "matching", 0.5, 20.0)
    assert world.edits() == begun
    await world.tick(4)
    assert world.edits() == begun + 1
    assert "50 % · comparing with the singers · about 20 s left" in world.cards()[0].content
    await world.tick(30)
    assert world.edits() == begun + 1
    worker.report(job, "matching", 0.9, 5.0)
    await world.tick(5)
    assert world.edits() == begun + 2 and len(world.cards()) == 1


async def test_places_in_line_move_up(job: Job, world: World, worker: Worker, store: Store) -> None:
    await world.bob.slash(world.channel, "match", note1=("b.ogg", b"y"))
    assert "place 2 in line" in world.cards()[1].content
    worker.begin(job)
    await world.tick(5)
    assert "place 1 in line" in world.cards()[1].content


async def test_a_restarted_bot_goes_on_with_the_same_card(
    job: Job, world: World, worker: Worker, make_bot: Callable[[], DiscoverBot]
) -> None:
    await world.env.restart_bot(make_bot())
    worker.begin(job)
    worker.report(job, "reading", 0.3)
    await world.tick(5)
    (card,) = world.cards()
    assert "30 %" in card.content and len(card.components) == 1


async def test_an_answer_that_a_crash_prevented_is_given_by_the_loop(
    world: World, worker: Worker, monkeypatch: pytest.MonkeyPatch, make_bot: Callable[[], DiscoverBot]
) -> None:
    async def die(services: Services, job: Job) -> None:
        """The job is committed, and nothing else happens."""

    monkeypatch.setattr(Services, "launch", die)
    await world.alice.slash(world.channel, "match", note1=("a.ogg", b"x"))
    await world.env.restart_bot(make_bot())
    await world.tick(5)
    (card,) = world.cards()
    assert "place 1 in line" in card.content


async def test_the_card_of_an_ended_job_is_left_to_its_result(job: Job, world: World, worker: Worker) -> None:
    worker.begin(job)
    worker.report(job, "reading", 0.3)
    worker.render(job, {})
    before = world.edits()
    await world.bot.cards.show(job.id)
    assert world.edits() == before
    await world.tick(30)
    assert world.edits() == before + 1 and "No singer" in world.cards()[0].content


async def test_a_slow_edit_of_an_older_state_comes_before_the_result(
    job: Job, world: World, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    private, shown, slow = world.bot.cards.private, list[str](), asyncio.Event()
    original = private.edit

    async def edit(token: str, text: str, *rest: Any, **options: Any) -> None:
        if "50 %" in text:
            await slow.wait()
        await original(token, text, *rest, **options)
        shown.append(text)

    monkeypatch.setattr(private, "edit", edit)
    worker.begin(job)
    worker.report(job, "reading", 0.5)
    with world.env._bot_scope():
        older = world.bot.loop.create_task(world.bot.cards.show(job.id))
        await asyncio.to_thread(time.sleep, 0.2)
        worker.render(job, {})
        newer = world.bot.loop.create_task(world.bot.delivery.deliver_due())
        await asyncio.to_thread(time.sleep, 0.2)
    slow.set()
    await asyncio.gather(older, newer)
    assert ["50 %" in text for text in shown] == [True, False]
    assert "No singer" in world.cards()[0].content


async def test_before_its_token_dies_the_card_says_where_the_job_goes_on(
    job: Job, world: World, worker: Worker, store: Store
) -> None:
    worker.begin(job)
    worker.report(job, "reading", 0.4)
    await world.tick(5)
    left(store, 45.0)
    await world.tick(5)
    (card,) = world.cards()
    assert "result comes as a direct message" in card.content and card.components == []
    assert "%" not in card.content and worker.only().reply_token is None
    edits = world.edits()
    worker.report(job, "reading", 0.6)
    await world.tick(10)
    assert world.edits() == edits
    worker.render(job, {})
    await world.tick()
    assert len(world.dms(world.alice)) == 1 and world.public() == []


async def test_a_token_that_died_early_is_let_go_and_the_result_comes_as_a_message(
    job: Job, world: World, worker: Worker
) -> None:
    worker.begin(job)
    world.env.inject_error("PATCH", "/webhooks/*", status=401, code=50027, times=None)
    for step in (0.1, 0.2):
        worker.report(job, "reading", step)
        await world.tick(5)
    assert worker.only().reply_token is None
    worker.render(job, {})
    await world.tick(5)
    assert worker.only().state == JobState.DELIVERED and len(world.dms(world.alice)) == 1


async def test_when_discord_is_in_trouble_the_card_comes_later(world: World, worker: Worker) -> None:
    world.env.inject_error("PATCH", "/webhooks/*", status=400, code=50035, times=1)
    await world.alice.slash(world.channel, "match", note1=("a.ogg", b"x"))
    assert "in line" not in world.cards()[0].content
    await world.tick(5)
    assert "in line" in world.cards()[0].content


async def test_an_edit_that_fails_is_tried_again(job: Job, world: World, worker: Worker) -> None:
    worker.begin(job)
    world.env.inject_error("PATCH", "/webhooks/*", status=400, code=30046, times=1)
    await world.tick(5)
    assert "in line" in world.cards()[0].content
    await world.tick(5)
    assert world.cards()[0].content.endswith("Starting")


async def test_a_job_forgotten_while_its_card_is_edited_leaves_no_card(
    asked: InteractionResult, world: World, store: Store
) -> None:
    use_cases.forget(store, world.alice.id)
    await world.tick(8)
    assert world.cards() == []


SOON = "begins in less than a minute"


async def test_a_card_says_that_no_worker_can_do_its_job_until_one_lives(job: Job, world: World, store: Store) -> None:
    with store.write() as session:
        abilities.require(session, job.id, {ModelRole.CONTENT: "contentvec"})
    use_cases.show_life(store, "box:1", "worker (all)", Abilities(models=frozenset({"h24"})))
    await world.tick(5)
    [card] = world.cards()
    assert "the machine that can do this is not running now" in card.content and "place" not in card.content
    use_cases.show_life(store, "box:2", "worker (all)", Abilities(models=frozenset({"contentvec"})))
    await world.tick(5)
    [card] = world.cards()
    assert "Waiting: place 1" in card.content


async def test_a_round_that_lasts_too_long_ends_and_the_next_goes_on_where_it_was(store: Store) -> None:
    shown = list[str]()

    class Private(PrivateCards):
        async def edit(self, token: str, *_: Any, **__: Any) -> None:
            shown.append(token)

    cards = LiveCards(store, 0.0, Private(cast(discord.Client, None), {}), lambda *_: discord.ui.View())
    with store.write() as session:
        for number, token in enumerate((None, "a", "b", "c"), start=1):
            job = Job(kind=JobKind.COVER, user_id=number, reply_token=token, reply_until=now() + REPLY_SECONDS)
            jobs.enqueue(session, jobs.submit(session, job).id)
        ahead = jobs.take_next(session, "w")
    assert ahead is not None
    for minutes in (10, 20, 30, 40):  # every card has news in every round
        with store.write() as session:
            jobs.report(session, ahead.id, 1, "w", "separating", 0.1, 60.0 * minutes)
        await cards.refresh()
    assert shown == ["a", "b", "c", "a"]


def make_preview(store: Store, job: Job) -> None:
    """A worker has made it."""
    (store.work_dir / job.id).mkdir(parents=True)
    made = store.work_dir / "made.mp3"
    made.write_bytes(b"preview")
    use_cases.keep_preview(store, job, made)


async def test_a_preview_is_on_the_card_once_and_the_result_takes_its_place(
    job: Job, world: World, worker: Worker, store: Store, make_bot: Callable[[], DiscoverBot]
) -> None:
    worker.begin(job)
    worker.report(job, "separating", 0.1)
    await world.tick(5)
    make_preview(store, job)
    await world.tick(5)
    (card,) = world.cards()
    assert [file.filename for file in card.attachments] == ["preview.mp3"] and "AI-generated" in card.content
    assert await card.attachments[0].read() == b"preview" and len(card.components) == 1
    worker.report(job, "separating", 0.5)
    await world.tick(5)
    (card,) = world.cards()
    assert "50 %" in card.content and [file.filename for file in card.attachments] == ["preview.mp3"]

    await world.env.restart_bot(make_bot())
    worker.report(job, "converting", 0.7)
    await world.tick(5)
    (card,) = world.cards()
    assert "70 %" in card.content and [file.filename for file in card.attachments] == ["preview.mp3"]

    worker.render(job, {}, {"match.png": b"result"})
    await world.tick(5)
    (card,) = world.cards()
    assert [file.filename for file in card.attachments] == ["match.png"] and "preview" not in card.content


async def test_a_preview_does_not_stay_on_a_card_that_can_be_edited_no_more(
    job: Job, world: World, worker: Worker, store: Store
) -> None:
    worker.begin(job)
    make_preview(store, job)
    await world.tick(5)
    assert [file.filename for (card,) in [world.cards()] for file in card.attachments] == ["preview.mp3"]
    left(store, 45.0)
    await world.tick(5)
    (card,) = world.cards()
    assert "result comes as a direct message" in card.content and not card.attachments
