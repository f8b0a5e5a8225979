"""`/voices`: a member's voices with state and quality; delete one after a second look."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any, Self

import discord
from discord import app_commands
from discord.ext import commands

from bot.figures import models_line, voice_figures
from bot.locale import label, reader
from bot.names import safe, shorten
from bot.replies import Interaction, button, replace, reply
from bot.services import Services, services_of
from bot.texts import Texts
from store import NotFound, NotYours, Store, Voice, use_cases, voices

CHOICES = 25
MESSAGE_LENGTH = 1900


def owned(store: Store, user_id: int) -> Sequence[Voice]:
    """The member's voices, by name."""
    with store.read() as session:
        return voices.of_owner(session, user_id)


def own_voice(store: Store, voice_id: int, user_id: int) -> Voice:
    """One voice of its owner, whatever its state. Raises NotFound, NotYours."""
    with store.read() as session:
        voice = session.get(Voice, voice_id)
    if voice is None:
        raise NotFound(what="such voice")
    if voice.owner_id != user_id:
        raise NotYours(what="This voice")
    return voice


def delete(store: Store, voice_id: int, user_id: int) -> str:
    """Delete a voice, stopping its training first; return its name. Raises NotFound, NotYours."""
    return use_cases.delete_voice(store, voice_id, user_id)


def listing(found: Sequence[Voice], say: Texts) -> str:
    """One line a voice, with its figures and the models they were measured with."""
    if not found:
        return say("voices.none")
    lines = [say("voices.title")]
    for voice in found:
        state = say.known(f"state.{voice.state.value}", voice.state.value)
        parts = [say("voices.line", voice=safe(voice.name), state=state), *voice_figures(voice.quality, say)]
        lines.append(" · ".join(parts))
        models = models_line(voice.quality, say)
        if models:
            lines.append(f"-# {models}")
    return shorten("\n".join(lines), MESSAGE_LENGTH)


class VoicePick(discord.ui.DynamicItem[discord.ui.Select[discord.ui.View]], template=r"voices:pick"):
    """The menu of voices that can be deleted."""

    def __init__(self, found: Sequence[Voice] = (), text: str = "-") -> None:
        options = [discord.SelectOption(label=voice.name, value=str(voice.id)) for voice in found[:CHOICES]]
        menu: discord.ui.Select[discord.ui.View] = discord.ui.Select(
            custom_id="voices:pick", placeholder=text, options=options
        )
        super().__init__(menu)

    @classmethod
    async def from_custom_id(
        cls, interaction: Interaction, item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The menu of a message that was sent before."""
        return cls()

    @button
    async def callback(self, interaction: Interaction) -> None:
        """Ask whether it is meant."""
        await interaction.response.defer()
        store, say = services_of(interaction).store, reader(interaction.locale)
        voice = await asyncio.to_thread(own_voice, store, int(self.item.values[0]), interaction.user.id)
        view = discord.ui.View(timeout=None)
        view.add_item(VoiceDelete("yes", voice.id or 0, say("voices.yes")))
        view.add_item(VoiceDelete("no", voice.id or 0, say("voices.no")))
        await replace(interaction, say("voices.sure", voice=safe(voice.name)), view)


class VoiceDelete(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]],
    template=r"voices:(?P<answer>yes|no):(?P<voice>[0-9]{1,15})",
):
    """Delete it, or keep it."""

    def __init__(self, answer: str, voice_id: int, text: str = "-") -> None:
        self.answer, self.voice_id = answer, voice_id
        style = discord.ButtonStyle.danger if answer == "yes" else discord.ButtonStyle.secondary
        super().__init__(discord.ui.Button(label=text, style=style, custom_id=f"voices:{answer}:{voice_id}"))

    @classmethod
    async def from_custom_id(
        cls, interaction: Interaction, item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The button of a message that was sent before."""
        return cls(match["answer"], int(match["voice"]))

    @button
    async def callback(self, interaction: Interaction) -> None:
        """Do as the member says."""
        await interaction.response.defer()
        store, say = services_of(interaction).store, reader(interaction.locale)
        if self.answer == "no":
            await replace(interaction, say("voices.kept"))
            return
        name = await asyncio.to_thread(delete, store, self.voice_id, interaction.user.id)
        await replace(interaction, say("voices.deleted", voice=safe(name)))


class VoicesCog(commands.Cog):
    """The command."""

    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(name=label("voices.name"), description=label("voices.description"))
    async def voices(self, interaction: Interaction) -> None:
        """List the member's voices."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        say = reader(interaction.locale)
        found = await asyncio.to_thread(owned, self.services.store, interaction.user.id)
        view = discord.ui.View(timeout=None)
        view.add_item(VoicePick(found, say("voices.pick")))
        await reply(interaction, listing(found, say), view if found else None)
