"""Which language a member reads, and the names of commands and options in it."""

from collections.abc import Sequence

import discord
from discord import app_commands

from bot.texts.sentences import Texts, texts


def language(locale: discord.Locale | str) -> str:
    """Our language for a Discord locale: Korean stays Korean, everything else is English."""
    return "ko" if str(locale) == discord.Locale.korean.value else "en"


def reader(locale: discord.Locale | str) -> Texts:
    """The sentences for a reader with this locale."""
    return texts(language(locale))


def label(key: str, **params: object) -> app_commands.locale_str:
    """A command's or option's name or description: English here, translated when commands are synced."""
    key = f"command.{key}"
    return app_commands.locale_str(texts("en")(key, **params), key=key, params=params)


def note_labels(options: Sequence[str]) -> dict[str, app_commands.locale_str]:
    """The localised names of the options note1, note2, …"""
    more = {option: label("note.more", number=n) for n, option in enumerate(options[1:], start=2)}
    return {options[0]: label("note.first"), **more}


def note_descriptions(options: Sequence[str]) -> dict[str, app_commands.locale_str]:
    """The localised descriptions of the options note1, note2, …"""
    return {options[0]: label("note.first_about"), **{option: label("note.more_about") for option in options[1:]}}


class Translator(app_commands.Translator):
    """Gives Discord the Korean names and descriptions of our commands."""

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """The text in `locale`, or None to show the English one."""
        key = string.extras.get("key")
        if key is None or language(locale) != "ko":
            return None
        return reader(locale)(key, **string.extras["params"])
