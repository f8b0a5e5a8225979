"""`/help` and the greeting show every command, to be clicked, in the reader's language."""

import re
from collections.abc import Callable
from typing import Any

import discord
import pytest
from simcord.backend.serializers import guild_create_payload
from simcord.builders import GuildHandle

from bot.app import DiscoverBot
from bot.help import overview
from bot.texts.sentences import texts
from store import Store, voices
from store.use_cases import SettingsChange, change_settings
from tests.bot.world import Worker, World, response_of

pytestmark = pytest.mark.usefixtures("quiet")
MENTION = re.compile(r"</([^:>]+):(\d+)>")


async def test_help_is_for_whoever_asks_and_its_commands_can_be_clicked(world: World, worker: Worker) -> None:
    worker.add_voice(voices.PUBLIC, "Emma")
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


async def join(world: World, guild: GuildHandle) -> None:
    """Somebody removes the bot from a server, and adds it again."""
    backend = world.env.backend
    backend.emit("GUILD_DELETE", {"id": str(guild.id)})
    payload: dict[str, Any] = {**guild_create_payload(backend, backend.guilds[guild.id])}
    payload.pop("unavailable")  # only what comes back after an outage has it
    backend.emit("GUILD_CREATE", payload)
    await world.env.settle()


async def test_a_server_that_the_bot_joins_is_greeted_once(
    world: World, worker: Worker, make_bot: Callable[[], DiscoverBot]
) -> None:
    worker.add_voice(voices.PUBLIC, "Emma")
    await join(world, world.guild)
    (message,) = world.public()
    assert len(MENTION.findall(message.content)) == 10 and not message.mentions
    assert message.content.startswith("Hello!") and "with a free voice" in message.content
    await world.env.restart_bot(make_bot())
    assert len(world.public()) == 1


async def test_the_greeting_is_in_the_servers_language_where_the_bot_may_write(
    world: World, store: Store, make_bot: Callable[[], DiscoverBot]
) -> None:
    guild = world.env.create_guild()
    silent: dict[Any, discord.PermissionOverwrite] = {
        guild.default_role: discord.PermissionOverwrite(send_messages=False)
    }
    closed = guild.create_text_channel("closed", overwrites=silent)
    change_settings(store, guild.id, 1, SettingsChange(locale="ko"))
    await world.env.restart_bot(make_bot())
    await join(world, guild)
    assert world.public(closed) == []
    there = guild.create_text_channel("open")
    await join(world, guild)
    (message,) = world.public(there)
    assert message.content.startswith("안녕하세요!") and world.public(closed) == []


@pytest.mark.parametrize("language", ["en", "ko"])
async def test_where_no_voice_is_free_none_is_promised(world: World, worker: Worker, language: str) -> None:
    world.bot.services.languages[world.guild.id] = language
    word, own = ("free", "</train:") if language == "en" else ("무료", "</train:")
    for command in ("help", "voices", "jobs"):
        said = response_of(await world.alice.slash(world.channel, command)).content.partition("\n")[0]
        assert word not in said and own in said, said
    worker.add_voice(voices.PUBLIC, "Emma")
    for command in ("help", "voices", "jobs"):
        said = response_of(await world.alice.slash(world.channel, command)).content.partition("\n")[0]
        assert word in said, said


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
