"""Listening tests in threads: the bot's own permission to write there, and threads that are archived meanwhile."""

from collections.abc import Callable
from typing import Any

import discord
import pytest
from simcord.backend.models.channel import Overwrite
from simcord.enums import OverwriteType

from bot.app import DiscoverBot
from bot.mos.ballot import REACTIONS
from tests.bot.mos.conftest import Hall
from tests.bot.threads import Thread, thread_in

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
def thread(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> Thread:
    """The one in which moderators use their commands."""
    made = thread_in(hall.world, monkeypatch)
    hall.world.channel = made.handle
    return made


def deny(hall: Hall, thread: Thread, **rights: bool) -> None:
    """The bot lacks these permissions in the thread's channel."""
    me = hall.world.guild.me
    assert me is not None
    denied = discord.Permissions(**rights).value
    parent: Any = thread.world.env.backend.channels[thread.handle.id].parent_id
    closed = Overwrite(target_id=me.id, type=OverwriteType.MEMBER, allow=0, deny=denied)
    hall.world.env.backend.edit_channel(parent, {}, overwrites=[closed])


async def test_to_write_in_a_thread_has_a_permission_of_its_own(hall: Hall, thread: Thread) -> None:
    deny(hall, thread, send_messages_in_threads=True)
    assert "Send Messages in Threads." in await hall.say("start", None, covers=5)
    deny(hall, thread, send_messages=True)
    assert len(await hall.begin()) == 2
    deny(hall, thread, send_messages_in_threads=True)
    assert "(Send Messages in Threads, Attach Files)" in await hall.say("status")


async def test_a_thread_that_goes_to_sleep_is_opened_while_its_test_runs(hall: Hall, thread: Thread) -> None:
    await hall.begin()
    thread.shut()
    await hall.world.env.settle()
    assert not thread.is_shut
    await hall.say("stop")
    thread.shut()
    await hall.world.env.settle()
    assert thread.is_shut


async def test_one_that_went_to_sleep_while_the_bot_was_away_is_opened_and_what_lies_there_counted(
    hall: Hall, thread: Thread, make_bot: Callable[[], DiscoverBot]
) -> None:
    await hall.begin()
    message = hall.of(hall.world.alice)
    await hall.world.bot.remove_cog("ListeningTests")
    await hall.carol.react(message, REACTIONS[4])
    thread.shut()
    await hall.world.env.restart_bot(make_bot())
    await hall.world.tick()
    assert not thread.is_shut and hall.votes() == {(message.id, hall.carol.id): 4}
    assert hall.lying(message) == dict.fromkeys(REACTIONS, 1)


async def test_one_that_goes_to_sleep_while_discord_is_in_trouble_is_opened_afterwards(
    hall: Hall, thread: Thread
) -> None:
    await hall.begin()
    hall.world.env.inject_error("PATCH", f"/channels/{thread.handle.id}", status=503)
    thread.shut()
    await hall.world.env.settle()
    await hall.world.tick()
    assert not thread.is_shut


async def test_a_thread_that_is_locked_meanwhile_is_told_and_holds_up_nothing(hall: Hall, thread: Thread) -> None:
    await hall.begin()
    first = hall.shown()[0]
    hall.world.env.backend.clear_reaction(thread.handle.id, first.id, REACTIONS[3])
    thread.shut(locked=True)
    await hall.world.bot.listening_tests.on_ready()
    await hall.world.tick(8)
    assert not hall.world.bot.listening_tests._recount
    assert "archived or locked" in await hall.say("status")
    thread.open()
    assert "archived" not in await hall.say("status")


async def test_a_thread_that_the_bot_may_not_open_stays_and_is_told(
    hall: Hall, thread: Thread, caplog: pytest.LogCaptureFixture
) -> None:
    await hall.begin()
    hall.world.env.inject_error("PATCH", f"/channels/{thread.handle.id}", status=403, code=50013)
    thread.shut()
    await hall.world.env.settle()
    assert thread.is_shut and "stays archived" in caplog.text and "archived or locked" in await hall.say("status")
