"""Whoever has added the bot to themselves uses it where it is no member: all is private there, nothing is shared."""

from typing import Any

import pytest
from sqlmodel import select

from store import Job, JobKind, JobState
from tests.bot.world import BUTTON, Worker, World, parts_of, response_of, text_of

pytestmark = pytest.mark.usefixtures("quiet")


async def test_where_the_bot_is_no_member_a_match_is_asked_shown_and_not_shared(world: World, worker: Worker) -> None:
    state: Any = world.bot._connection
    state._remove_guild(world.bot.get_guild(world.guild.id))  # Discord tells the bot of no server that has not added it
    posts = f"/channels/{world.channel.id}/messages"
    world.env.inject_error("POST", posts, status=403, code=50001, times=None)
    card = await world.alice.slash(world.channel, "match", note1=("a.ogg", b"one"))
    assert response_of(card).ephemeral and "place 1 in line" in response_of(card).content
    worker.render(worker.only(), {"candidates": [{"name": "IU", "share": 0.5}]}, {"match.png": b"file"})
    await world.tick()
    assert "IU" in response_of(card).content and worker.only().state is JobState.DELIVERED
    refused = await world.alice.click(world.cards()[-1], label="Share in the channel")
    assert response_of(refused).content.startswith("I cannot show this there")
    for command in ("help", "jobs", "notes", "mydata"):
        assert response_of(await world.alice.slash(world.channel, command)).ephemeral
    assert world.public() == []


async def test_every_command_of_members_works_in_a_direct_message(world: World, worker: Worker) -> None:
    alice = world.alice.user
    for command in ("help", "notes", "voices", "jobs", "mydata", "forget-me"):
        said = response_of(await alice.slash(command))
        assert text_of(said) and "wrong" not in text_of(said), command
    worker.add_voice(alice.id, "mine")
    await alice.slash("notes", note1=("a.ogg", b"note"))
    worker.hear()
    cards = [
        response_of(await alice.slash("match", note1=("a.ogg", b"one"))),
        response_of(await alice.slash("cover", voice="mine", song=("Palette.mp3", b"song"))),
        response_of(await alice.slash("train", name="young")),
    ]
    assert ["place 1" in cards[0].content, "place" in cards[1].content, "young" in cards[2].content] == [True] * 3
    with worker.store.read() as session:
        match = session.exec(select(Job).where(Job.kind == JobKind.MATCH)).one()
    worker.render(match, {"candidates": [{"name": "IU", "share": 0.5}]})
    await world.tick()
    assert "IU" in cards[0].content and world.public() == []
    buttons = [button["label"] for button in parts_of(cards[0], BUTTON)]
    assert "Details" in buttons and "Share in the channel" not in buttons  # nobody else is there


async def test_a_later_result_comes_as_a_direct_message(world: World, worker: Worker) -> None:
    state: Any = world.bot._connection
    state._remove_guild(world.bot.get_guild(world.guild.id))
    await world.alice.slash(world.channel, "match", note1=("a.ogg", b"one"))
    worker.render(worker.only(), {"candidates": [{"name": "IU", "share": 0.5}]}, {"match.png": b"file"})
    worker.end_replies()
    await world.tick()
    [message] = world.dms(world.alice)
    assert "IU" in message.content and world.public() == []
