"""`/help` and the greeting show every command, to be clicked, in the reader's language."""

import re

import discord
import pytest

from bot.help import HelpCog, overview
from bot.texts.sentences import texts
from store import Store
from store.use_cases import SettingsChange, change_settings
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
        "listening-tests",
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
    assert len(MENTION.findall(message.content)) == 10 and not message.mentions


async def test_help_names_listening_tests_only_where_they_may_run(world: World, store: Store) -> None:
    change_settings(store, world.guild.id, 1, SettingsChange(listening_tests=False))
    answer = response_of(await world.alice.slash(world.channel, "help"))
    assert "listening-tests" not in answer.content


async def test_help_shows_the_commands_of_moderators_to_them_alone(world: World) -> None:
    role = world.guild.create_role("admins", permissions=discord.Permissions(manage_guild=True))
    moderator = world.guild.add_member(world.env.create_user("moderator"), roles=[role])
    theirs = ["settings", "songs list", "singers list", "mos start", "blocked"]
    shown, other = [
        MENTION.findall(response_of(await member.slash(world.channel, "help")).content)
        for member in (moderator, world.alice)
    ]
    assert [name for name, _ in shown][-5:] == theirs and all(int(number) > 0 for _, number in shown)
    assert not {name for name, _ in other} & set(theirs)


async def test_help_names_what_the_menu_of_a_message_has(world: World) -> None:
    shown = response_of(await world.alice.slash(world.channel, "help")).content
    menus = {str(command.name) for command in world.bot.tree.get_commands(type=discord.AppCommandType.message)}
    named = {name for name in menus if f" *{name}*" in shown}
    assert named == {"Match this voice note", "Add to my voice", "Report this result"}
    assert menus - named == {"Agree with this recording"}  # which the question before a training explains
    there = overview(world.bot.services, None, 30.0, texts("ko"))
    assert "메시지의 메뉴 ▸ **앱**: *이 음성과 닮은 가수 찾기*, *내 목소리에 추가*" in there and "신고" not in there
