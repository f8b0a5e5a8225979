"""`/help` and the greeting show every command, to be clicked, in the reader's language."""

import re

import pytest

from bot.help import HelpCog
from tests.bot.world import World, response_of

pytestmark = pytest.mark.usefixtures("quiet")
MENTION = re.compile(r"</([^:>]+):(\d+)>")


async def test_help_is_for_whoever_asks_and_its_commands_can_be_clicked(world: World) -> None:
    answer = response_of(await world.alice.slash(world.channel, "help"))
    found = MENTION.findall(answer.content)
    assert answer.ephemeral and [name for name, _ in found] == [
        "cover",
        "cover",
        "match",
        "notes",
        "train",
        "voices",
        "jobs",
        "mydata",
        "forget-me",
    ]
    assert all(int(number) > 0 for _, number in found) and len(answer.content) < 2000
    assert "free voice" in answer.content and "AI-generated" in answer.content
    assert world.public() == []


async def test_a_server_that_the_bot_joins_is_greeted_once(world: World) -> None:
    before = len(world.public())
    guild = world.bot.get_guild(world.guild.id)
    assert guild is not None
    greeter = world.bot.get_cog("HelpCog")
    assert isinstance(greeter, HelpCog)
    await greeter.on_guild_join(guild)
    (message,) = world.public()[before:]
    assert len(MENTION.findall(message.content)) == 9 and not message.mentions
