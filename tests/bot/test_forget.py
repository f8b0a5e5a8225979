"""`/forget-me` removes rows, files and messages, and only of the member who asks."""

import pytest
from sqlmodel import select

from store import Clip, Consent, Job, Outbox, Voice

YES = "Remove everything"
pytestmark = pytest.mark.usefixtures("quiet")


def left(store, user_id):
    """How many rows name the member."""
    with store.read() as session:
        owners = (Clip.user_id, Consent.user_id, Job.user_id, Outbox.user_id, Voice.owner_id)
        return sum(len(session.exec(select(owner).where(owner == user_id)).all()) for owner in owners)


@pytest.fixture
async def history(world, worker):
    """Alice has a delivered match, a training that waits, and a cover of Bob's is delivered too."""
    await world.alice.slash(world.channel, "match", note1=("a.ogg", b"alice"))
    worker.render(worker.only(), {}, {"chart.png": b"chart"})
    await world.tick()
    asked = await world.alice.slash(world.channel, "train", name="mine", note1=("b.ogg", b"two"))
    await world.alice.click(asked.response, label="This is my voice, train it")
    await world.bob.slash(world.channel, "match", note1=("c.ogg", b"bob"))
    await world.tick()


async def test_everything_of_the_member_goes_and_nothing_of_others(history, world, store):
    assert len(world.public()) == 4 and left(store, world.alice.id) > 4
    before = left(store, world.bob.id)

    answer = await world.alice.slash(world.channel, "forget-me")
    assert answer.response.ephemeral and left(store, world.alice.id) > 4
    await world.alice.click(answer.response, label=YES)

    assert answer.response.content == "Removed: 2 voice notes, 1 voices, 2 jobs, 3 files, 3 messages."
    assert left(store, world.alice.id) == 0 and left(store, world.bob.id) == before
    assert [store.media.path(key).read_bytes() for key in sorted(store.media.keys())] == [b"bob"]
    (message,) = world.public()
    assert world.bob.mention in message.content


async def test_no_keeps_everything(history, world, store):
    before = left(store, world.alice.id)
    answer = await world.alice.slash(world.channel, "forget-me")
    await world.alice.click(answer.response, label="Keep everything")
    assert answer.response.content == "Nothing was removed." and left(store, world.alice.id) == before
    assert len(world.public()) == 4


async def test_messages_that_are_gone_already_are_no_error(history, world, store):
    world.env.inject_error("DELETE", "/channels/*/messages/*", status=404, code=10008, times=None)
    answer = await world.alice.slash(world.channel, "forget-me")
    await world.alice.click(answer.response, label=YES)
    assert "0 messages" in answer.response.content and left(store, world.alice.id) == 0


async def test_the_button_works_after_a_restart(history, world, store, make_bot):
    answer = await world.alice.slash(world.channel, "forget-me")
    await world.env.restart_bot(make_bot())
    await world.alice.click(answer.response, label=YES)
    assert left(store, world.alice.id) == 0


async def test_a_member_without_rows_may_ask_too(world, store):
    answer = await world.bob.slash(world.channel, "forget-me")
    await world.bob.click(answer.response, label=YES)
    assert "0 voice notes" in answer.response.content
