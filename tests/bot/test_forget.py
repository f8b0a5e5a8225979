"""`/forget-me` removes rows, files and messages, and only of the member who asks."""

from collections.abc import Callable

import pytest
from sqlmodel import select

from bot.app import DiscoverBot
from store import Clip, Consent, Job, Outbox, Store, Voice
from tests.bot.world import Worker, World, response_of

YES = "Remove everything"
pytestmark = pytest.mark.usefixtures("quiet")


def left(store: Store, user_id: int) -> int:
    """How many rows name the member."""
    with store.read() as session:
        owners = (Clip.user_id, Consent.user_id, Job.user_id, Outbox.user_id, Voice.owner_id)
        return sum(len(session.exec(select(owner).where(owner == user_id)).all()) for owner in owners)


@pytest.fixture
async def history(world: World, worker: Worker) -> None:
    """Alice has a delivered match, a training that waits, and a cover of Bob's is delivered too."""
    await world.alice.slash(world.channel, "match", note1=("a.ogg", b"alice"))
    worker.render(worker.only(), {}, {"chart.png": b"chart"})
    await world.tick()
    asked = await world.alice.slash(world.channel, "train", name="mine", note1=("b.ogg", b"two"))
    await world.alice.click(response_of(asked), label="This is my voice, train it")
    await world.bob.slash(world.channel, "match", note1=("c.ogg", b"bob"))
    await world.tick()


async def test_everything_of_the_member_goes_and_nothing_of_others(history: None, world: World, store: Store) -> None:
    assert len(world.public()) == 4 and left(store, world.alice.id) > 4
    before = left(store, world.bob.id)

    answer = await world.alice.slash(world.channel, "forget-me")
    assert response_of(answer).ephemeral and left(store, world.alice.id) > 4
    await world.alice.click(response_of(answer), label=YES)

    assert response_of(answer).content == "Removed: 2 voice notes, 1 voices, 2 jobs, 3 files, 3 messages."
    assert left(store, world.alice.id) == 0 and left(store, world.bob.id) == before
    assert [store.media.path(key).read_bytes() for key in sorted(store.media.keys())] == [b"bob"]
    (message,) = world.public()
    assert world.bob.mention in message.content


async def test_no_keeps_everything(history: None, world: World, store: Store) -> None:
    before = left(store, world.alice.id)
    answer = await world.alice.slash(world.channel, "forget-me")
    await world.alice.click(response_of(answer), label="Keep everything")
    assert response_of(answer).content == "Nothing was removed." and left(store, world.alice.id) == before
    assert len(world.public()) == 4


async def test_messages_that_are_gone_already_are_no_error(history: None, world: World, store: Store) -> None:
    world.env.inject_error("DELETE", "/channels/*/messages/*", status=404, code=10008, times=None)
    answer = await world.alice.slash(world.channel, "forget-me")
    await world.alice.click(response_of(answer), label=YES)
    assert "0 messages" in response_of(answer).content and left(store, world.alice.id) == 0


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
    assert "0 voice notes" in response_of(answer).content
