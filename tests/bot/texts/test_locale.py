"""Command names in Korean, as Discord takes them."""

import re
from collections.abc import Iterator
from typing import Any

import discord
import pytest

from bot.texts.locale import Translator, label, language, reader
from tests.bot.world import World

NOWHERE: Any = None  # the translator does not look where a name stands
NAME = re.compile(r"[-_\w]{1,32}")


@pytest.fixture
def languages() -> None:
    """All that Discord has."""


def test_only_korean_is_korean() -> None:
    assert language(discord.Locale.korean) == language("ko") == "ko"
    assert language(discord.Locale.american_english) == language("ja") == "en"
    assert reader("ko").language == "ko"


def walk(command: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The localisable nodes of a command as Discord gets it."""
    yield command
    for option in command.get("options", []):
        yield from walk(option)


async def test_every_command_and_option_is_sent_in_both_languages(world: World) -> None:
    tree = world.bot.tree
    translator = tree.translator
    assert isinstance(translator, Translator)
    sent = [await c.get_translated_payload(tree, translator) for c in tree.get_commands()]
    sent += [
        await c.get_translated_payload(tree, translator) for c in tree.get_commands(type=discord.AppCommandType.message)
    ]
    assert {c["name"] for c in sent} == {
        "match",
        "train",
        "notes",
        "cover",
        "voices",
        "jobs",
        "forget-me",
        "mydata",
        "help",
        "listening-tests",
        "mos",
        "settings",
        "blocked",
        "songs",
        "singers",
        "Report this result",
        "Match this voice note",
        "Add to my voice",
        "Agree with this recording",
    }
    for command in sent:
        for node in walk(command):
            options = [option["name_localizations"]["ko"] for option in node.get("options", [])]
            assert len(set(options)) == len(options)
            if node.get("type") == discord.AppCommandType.message.value:
                continue
            assert set(node["name_localizations"]) == set(node["description_localizations"]) == {"ko"}
            korean = node["name_localizations"]["ko"]
            assert NAME.fullmatch(node["name"]) and NAME.fullmatch(korean), korean
            assert 1 <= len(node["description"]) <= 100 and 1 <= len(node["description_localizations"]["ko"]) <= 100


@pytest.mark.parametrize(("locale", "wanted"), [("ko", "음성3"), ("en-US", None), ("ja", None)])
async def test_numbered_options(locale: str, wanted: str | None) -> None:
    name = label("note.more", number=3)
    assert str(name) == "note3"
    assert await Translator().translate(name, discord.Locale(locale), NOWHERE) == wanted


async def test_strings_of_others_are_left_alone() -> None:
    assert await Translator().translate(discord.app_commands.locale_str("x"), discord.Locale.korean, NOWHERE) is None
