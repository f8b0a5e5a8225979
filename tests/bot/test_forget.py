"""`/forget-me` removes rows, files and messages, and only of the member who asks."""

import asyncio
from collections.abc import Callable
from typing import Any

import discord
import pytest
from sqlmodel import select

from bot import delivery
from bot.app import DiscoverBot
from store import Clip, Consent, Deletion, Job, Outbox, Store, Voice, use_cases
from store.patience import PATIENCE
from tests.bot.world import Worker, World, response_of

YES = "Remove everything"
DELETIONS = ("/channels/*/messages/*", "/webhooks/*")
DELETING = "Discord is told to delete {} messages; that can take a moment."
pytestmark = pytest.mark.usefixtures("quiet")


def left(store: Store, user_id: int) -> int:
    """How many rows name the member."""
    with store.read() as session:
        owners = (Clip.user_id, Consent.user_id, Job.user_id, Outbox.user_id, Voice.owner_id)
        return sum(len(session.exec(select(owner).where(owner == user_id)).all()) for owner in owners)


def due_now(store: Store, waited: float = 2.0) -> None:
    """Let the postponed deletions be due."""
    with store.write() as session:
        for row in session.exec(select(Deletion)).all():
            row.next_try_at, row.waited = 0.0, waited
            session.add(row)


@pytest.fixture
async def history(world: World, worker: Worker) -> None:
    """Alice has a match delivered by message, a training that waits, and Bob has a match that waits."""
    await world.alice.slash(world.channel, "match", note1=("a.ogg", b"alice"))
    worker.render(worker.only(), {}, {"chart.png": b"chart"})
    worker.end_replies()
    await world.tick()
    asked = await world.train(worker, "mine", [("b.ogg", b"two")])
    await world.alice.click(response_of(asked), label="This is my voice, train it")
    await world.bob.slash(world.channel, "match", note1=("c.ogg", b"bob"))
    await world.tick()


async def test_everything_of_the_member_goes_and_nothing_of_others(history: None, world: World, store: Store) -> None:
    assert len(hers(world)) == 2 and left(store, world.alice.id) > 4
    before = left(store, world.bob.id)

    answer = await world.alice.slash(world.channel, "forget-me")
    assert response_of(answer).ephemeral and left(store, world.alice.id) > 4
    await world.alice.click(response_of(answer), label=YES)

    assert response_of(answer).content == "Removed: 2 voice notes, 1 voice, 2 jobs, 3 files. " + DELETING.format(2)
    assert left(store, world.alice.id) == 0 and left(store, world.bob.id) == before
    assert [store.media.path(key).read_bytes() for key in sorted(store.media.keys())] == [b"bob"]
    await world.tick()
    assert hers(world) == [] and len(world.channel.history(viewer=world.bob)) == 1


async def test_what_is_being_taken_in_meanwhile_goes_too(world: World, worker: Worker, store: Store) -> None:
    answer = await world.alice.slash(world.channel, "forget-me")
    async with world.bot.services.turn_of(world.alice.id):  # a file of theirs is being downloaded
        pressed = asyncio.create_task(world.alice.click(response_of(answer), label=YES))
        await asyncio.sleep(0.3)
        note = use_cases.SavedFile(store.media.put_bytes(b"note", "a.ogg"), "a.ogg", 4)
        use_cases.request_match(store, use_cases.Requester(world.alice.id), [note], "command")
    await pressed
    assert left(store, world.alice.id) == 0 and store.media.keys() == set()


async def test_no_keeps_everything(history: None, world: World, store: Store) -> None:
    before = left(store, world.alice.id)
    answer = await world.alice.slash(world.channel, "forget-me")
    await world.alice.click(response_of(answer), label="Keep everything")
    assert response_of(answer).content == "Nothing was removed." and left(store, world.alice.id) == before
    assert len(hers(world)) == 2


def hers(world: World) -> list[discord.Message]:
    """Alice's result, and her card that can still be changed."""
    return [*world.dms(world.alice), *(card for card in world.cards() if "Training" in card.content)]


def waiting(store: Store) -> int:
    """How many messages wait for their deletion."""
    with store.read() as session:
        return len(session.exec(select(Deletion)).all())


@pytest.mark.parametrize("fault", [{"status": 404, "code": 10008}, {"status": 403, "code": 50001}])
async def test_messages_that_are_gone_or_out_of_reach_for_good_end_the_matter(
    history: None, world: World, store: Store, fault: dict[str, Any]
) -> None:
    for pattern in DELETIONS:
        world.env.inject_error("DELETE", pattern, **fault, times=None)
    answer = await world.alice.slash(world.channel, "forget-me")
    await world.alice.click(response_of(answer), label=YES)
    await world.tick()
    assert waiting(store) == 0 and left(store, world.alice.id) == 0


async def test_messages_go_even_if_discord_is_away_and_the_bot_dies(
    history: None, world: World, store: Store, make_bot: Callable[[], DiscoverBot]
) -> None:
    for pattern in DELETIONS:
        world.env.inject_error("DELETE", pattern, status=503, times=1)
    answer = await world.alice.slash(world.channel, "forget-me")
    await world.alice.click(response_of(answer), label=YES)
    await world.tick()
    assert len(hers(world)) == 2 and waiting(store) == 2
    due_now(store)
    await world.env.restart_bot(make_bot())
    await world.tick()
    assert hers(world) == [] and waiting(store) == 0


async def test_a_day_of_trying_ends_with_a_line_for_the_operator(
    history: None, world: World, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    for pattern in DELETIONS:
        world.env.inject_error("DELETE", pattern, status=503, times=None)
    answer = await world.alice.slash(world.channel, "forget-me")
    await world.alice.click(response_of(answer), label=YES)
    due_now(store, waited=PATIENCE)
    await world.tick()
    assert waiting(store) == 0 and caplog.text.count("delete it by hand") == 2


async def test_a_result_that_was_sent_but_not_noted_before_the_bot_died_goes_too(
    world: World, worker: Worker, store: Store, monkeypatch: pytest.MonkeyPatch, make_bot: Callable[[], DiscoverBot]
) -> None:
    await world.alice.slash(world.channel, "match", note1=("a.ogg", b"alice"))

    def die(*_: object) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(delivery, "mark_sent", die)
    worker.end_replies()
    worker.render(worker.only(), {})
    await world.tick()
    assert len(world.dms(world.alice)) == 1

    monkeypatch.undo()
    use_cases.forget(store, world.alice.id)
    with store.write() as session:
        for row in session.exec(select(Deletion)).all():
            row.since, row.next_try_at = world.env.now().timestamp(), 0.0  # simcord's clock is not ours
            session.add(row)
    await world.env.restart_bot(make_bot())
    await world.tick()
    assert world.dms(world.alice) == [] and waiting(store) == 0


async def test_a_card_whose_token_has_died_by_our_clock_alone_goes_too(
    history: None, world: World, worker: Worker, store: Store
) -> None:
    worker.end_replies()
    use_cases.forget(store, world.alice.id)
    await world.tick()
    assert hers(world) == [] and waiting(store) == 0


async def test_a_card_whose_token_has_died_is_out_of_reach(history: None, world: World, store: Store) -> None:
    world.env.inject_error("DELETE", "/webhooks/*", status=401, code=50027, times=None)
    use_cases.forget(store, world.alice.id)
    await world.tick()
    assert ["Training" in message.content for message in hers(world)] == [True] and waiting(store) == 0


async def test_the_button_works_after_a_restart(
    history: None, world: World, store: Store, make_bot: Callable[[], DiscoverBot]
) -> None:
    answer = await world.alice.slash(world.channel, "forget-me")
    await world.env.restart_bot(make_bot())
    await world.alice.click(response_of(answer), label=YES)
    assert left(store, world.alice.id) == 0


async def test_a_member_without_rows_may_ask_too(world: World, store: Store) -> None:
    answer = await world.bob.slash(world.channel, "forget-me")
    await world.bob.click(response_of(answer), label=YES)
    assert "Nothing about you is stored" in response_of(answer).content
