"""`/forget-me`: removes every row, file and message of a member, after a second look."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any, Self

import discord
from discord import app_commands
from discord.ext import commands

from bot.locale import label, reader
from bot.replies import Interaction, button, replace, reply
from bot.services import Services, services_of
from store import use_cases


async def delete_messages(client: discord.Client, messages: Sequence[tuple[int, int]]) -> int:
    """Delete (channel, message) pairs; return how many went. What is gone already is no error."""
    deleted = 0
    for channel_id, message_id in messages:
        message = client.get_partial_messageable(channel_id).get_partial_message(message_id)
        try:
            await message.delete()
            deleted += 1
        except discord.HTTPException:
            continue
    return deleted


class ForgetButton(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=r"forget:(?P<answer>yes|no)"):
    """Remove everything of whoever presses it, or nothing. Only that member sees the card."""

    def __init__(self, answer: str, text: str = "-") -> None:
        self.answer = answer
        style = discord.ButtonStyle.danger if answer == "yes" else discord.ButtonStyle.secondary
        super().__init__(discord.ui.Button(label=text, style=style, custom_id=f"forget:{answer}"))

    @classmethod
    async def from_custom_id(
        cls, interaction: Interaction, item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The button of a message that was sent before."""
        return cls(match["answer"])

    @button
    async def callback(self, interaction: Interaction) -> None:
        """Do as the member says."""
        await interaction.response.defer()
        say = reader(interaction.locale)
        if self.answer == "no":
            await replace(interaction, say("forget.kept"))
            return
        store = services_of(interaction).store
        gone = await asyncio.to_thread(use_cases.forget, store, interaction.user.id)
        deleted = await delete_messages(interaction.client, gone.messages)
        text = say(
            "forget.done",
            notes=gone.clips,
            voices=gone.voices,
            jobs=gone.jobs,
            files=gone.files,
            messages=deleted,
        )
        await replace(interaction, text)


class ForgetCog(commands.Cog):
    """The command."""

    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(name=label("forget.name"), description=label("forget.description"))
    async def forget_me(self, interaction: Interaction) -> None:
        """Ask whether it is meant."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        say = reader(interaction.locale)
        view = discord.ui.View(timeout=None)
        view.add_item(ForgetButton("yes", say("forget.yes")))
        view.add_item(ForgetButton("no", say("forget.no")))
        await reply(interaction, say("forget.question").strip(), view)
