"""`/voices`: a member's voices with state and quality; delete one after a second look."""

import asyncio
import re
from collections.abc import Sequence
from itertools import groupby

import discord
from discord import app_commands
from discord.ext import commands

from bot.interactions.components import AnswerButton, PersistentItem, view_of
from bot.interactions.pages import PageButton, numbered, pages, within
from bot.interactions.replies import replace, reply
from bot.interactions.services import Interaction, Services, services_of, texts_for
from bot.messages.figures import models_line, voice_figures
from bot.texts.locale import label
from bot.texts.names import choice_name, safe
from bot.texts.sentences import Texts
from store import NotFound, Voice
from store.results import quality_of
from store.use_cases import delete_voice, own_voice, voices_of

CHOICES = 25
NUMBER = re.compile("[0-9]{1,15}")


def listing(owned: Sequence[Voice], say: Texts, page: int = 1) -> tuple[str, discord.ui.View | None]:
    """One page of the voices, and a menu to delete one of them."""
    if not owned:
        return say("voices.none"), None
    cut = pages(owned, lambda some: _lines(some, say), CHOICES)
    page = within(page, len(cut))
    shown = cut[page - 1]
    menu = view_of(VoicePick.of(shown, say("voices.pick")), *VoicesPage.around(page, len(cut), say))
    return numbered(_lines(shown, say), page, len(cut), say), menu


def _lines(shown: Sequence[Voice], say: Texts) -> str:
    """One line a voice, with its figures; below those that were measured with the same models, these."""
    lines = [say("voices.title")]
    for models, some in groupby(shown, lambda voice: models_line(quality_of(voice).models, say)):
        lines += [line(voice, say) for voice in some]
        lines += [f"-# {models}"] if models else []
    return "\n".join(lines)


def line(voice: Voice, say: Texts) -> str:
    """`• **mine**: ready · trained on 9.5 min of voice`."""
    state = say.known(f"state.{voice.state.value}", voice.state.value)
    return " · ".join([say("voices.line", voice=safe(voice.name), state=state), *voice_figures(quality_of(voice), say)])


async def page_of(interaction: Interaction, page: int) -> tuple[str, discord.ui.View | None]:
    """That page of the voices of whoever interacts."""
    owned = await asyncio.to_thread(voices_of, services_of(interaction).store, interaction.user.id)
    return listing(owned, texts_for(interaction), page)


def voice_number(value: str) -> int:
    """The voice's id in the value of a choice. Raises NotFound for what no menu of ours ever had."""
    if NUMBER.fullmatch(value) is None:
        raise NotFound(what="such voice")
    return int(value)


class VoicePick(PersistentItem[discord.ui.Select[discord.ui.View]], template=r"voices:pick"):
    """The menu of voices that can be deleted."""

    @classmethod
    def of(cls, owned: Sequence[Voice], text: str) -> "VoicePick":
        """The menu of these voices."""
        named = [(choice_name(voice.name, voice.id), str(voice.id)) for voice in owned[:CHOICES]]
        options = [discord.SelectOption(label=name, value=value) for name, value in named]
        return cls(discord.ui.Select(custom_id=cls.custom_id_of(), placeholder=text, options=options))

    async def pressed(self, interaction: Interaction) -> None:
        """Ask whether it is meant."""
        await interaction.response.defer()
        store, say = services_of(interaction).store, texts_for(interaction)
        number = voice_number("".join(getattr(self.item, "values", ())))
        voice = await asyncio.to_thread(own_voice, store, number, interaction.user.id)
        view = VoiceDelete.both(say("voices.yes"), say("voices.no"), voice=voice.id or 0)
        await replace(interaction, say("voices.sure", voice=safe(voice.name)), view)


class VoiceDelete(AnswerButton, template=r"voices:(?P<answer>yes|no):(?P<voice>[0-9]{1,15})"):
    """Delete it, or keep it."""

    voice: int

    async def accepted(self, interaction: Interaction) -> None:
        """Delete the voice."""
        store, say = services_of(interaction).store, texts_for(interaction)
        name = await asyncio.to_thread(delete_voice, store, self.voice, interaction.user.id)
        await replace(interaction, say("voices.deleted", voice=safe(name)))

    async def declined(self, interaction: Interaction) -> None:
        """Keep it."""
        await replace(interaction, texts_for(interaction)("voices.kept"))


class VoicesPage(PageButton, template=r"voices:page:(?P<page>[0-9]{1,4})"):
    """Another page of the list."""

    async def show(self, interaction: Interaction) -> None:
        """Show the page, as the voices are now."""
        await replace(interaction, *await page_of(interaction, self.page))


class VoicesCog(commands.Cog):
    """The command."""

    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(name=label("voices.name"), description=label("voices.description"))
    async def voices(self, interaction: Interaction) -> None:
        """List the member's voices."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await reply(interaction, *await page_of(interaction, 1))
