"""Every command: what works, in both languages, with bad input, over a restart; docs/commands.md names the tests."""

import re
from collections.abc import Callable
from pathlib import Path

import discord
import pytest

from bot.app import DiscoverBot
from store import Store
from store.tables import GuildSetting
from tests.bot.test_moderators import HANGUL
from tests.bot.test_training import rows
from tests.bot.world import World, response_of

HERE = Path(__file__).parent
TABLE = HERE.parents[1] / "docs" / "commands.md"
NAMED = re.compile(r"`([\w/.]+\.py)::(test_\w+)`")
EMPTY = {"–", "takes none"}
pytestmark = pytest.mark.usefixtures("quiet")


def cells() -> dict[str, list[str]]:
    """The cells of the table by command."""
    lines = [
        line.strip("| \n").split(" | ") for line in TABLE.read_text("utf-8").splitlines() if line.startswith("| `")
    ]
    return {line[0].strip("`/"): line[1:] for line in lines}


async def test_every_command_has_a_row(world: World) -> None:
    kinds = (discord.AppCommandType.chat_input, discord.AppCommandType.message)
    names = [str(command.name) for kind in kinds for command in world.bot.tree.get_commands(type=kind)]
    assert sorted(cells()) == sorted(names)


def test_every_cell_names_a_test_that_is_there() -> None:
    for command, row in cells().items():
        assert len(row) == 4 and row[0] not in EMPTY, command
        for cell in row:
            assert NAMED.search(cell) or cell in EMPTY, (command, cell)
    for file, name in NAMED.findall(TABLE.read_text("utf-8")):
        assert f"def {name}(" in (HERE / file).read_text("utf-8"), (file, name)


def test_what_outlives_a_restart_is_shown_by_one() -> None:
    for command, row in cells().items():
        for file, name in NAMED.findall(row[3]):
            body = (HERE / file).read_text("utf-8").partition(f"def {name}(")[2].partition("\nasync def ")[0]
            assert "restart_bot(" in body, (command, name)


@pytest.mark.parametrize("language", ["en", "ko"])
async def test_every_command_of_members_answers_in_both_languages(world: World, store: Store, language: str) -> None:
    world.bot.services.languages[world.guild.id] = language
    for command in ("help", "mydata", "forget-me", "notes", "voices", "jobs", "listening-tests"):
        shown = response_of(await world.alice.slash(world.channel, command)).content
        assert shown and bool(HANGUL.search(shown)) is (language == "ko"), (command, shown)
    assert rows(store, GuildSetting) == []


@pytest.mark.parametrize("language", ["en", "ko"])
async def test_every_menu_of_a_message_answers_in_both_languages(world: World, language: str) -> None:
    world.bot.services.languages[world.guild.id] = language
    note = await world.alice.send(world.channel, attachments=[("voice-message.ogg", b"sound")])
    menus = world.bot.tree.get_commands(type=discord.AppCommandType.message)
    assert len(menus) == 4
    for menu in menus:
        shown = response_of(await world.alice.context_menu(world.channel, str(menu.name), note))
        assert shown.ephemeral and bool(HANGUL.search(shown.content)) is (language == "ko"), (menu.name, shown.content)


async def test_an_answer_to_listening_tests_is_taken_after_a_restart(
    world: World, make_bot: Callable[[], DiscoverBot]
) -> None:
    asked = response_of(await world.alice.slash(world.channel, "listening-tests"))
    await world.env.restart_bot(make_bot())
    await world.alice.click(asked, label="Yes, use them")
    assert "Thank you" in asked.content


@pytest.mark.parametrize("gone", ["jobs", "mos status"])
async def test_a_command_that_is_gone_since_discord_showed_it_is_one_sentence(
    world: World, caplog: pytest.LogCaptureFixture, gone: str
) -> None:
    world.allow("mos", world.alice)
    world.bot.tree.remove_command(gone.split()[0])
    answer = response_of(await world.alice.slash(world.channel, gone))
    assert answer.content.startswith("This command has changed") and answer.ephemeral
    assert "Traceback" not in caplog.text
    world.env._errors.clear()
