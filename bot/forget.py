"""`/forget-me`: removes every row, file and message of a member, after a second look."""

import asyncio
from collections.abc import Sequence

import discord
from discord import app_commands
from discord.ext import commands

from bot.interactions.components import AnswerButton
from bot.interactions.replies import replace, reply
from bot.interactions.services import Interaction, Services, services_of
from bot.texts.locale import label, reader
from store.use_cases import forget


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


class ForgetButton(AnswerButton, template=r"forget:(?P<answer>yes|no)"):
    """Remove everything of whoever presses it, or nothing. Only that member sees the card."""

    async def accepted(self, interaction: Interaction) -> None:
        """Remove rows and files, then messages."""
        forgotten = await asyncio.to_thread(forget, services_of(interaction).store, interaction.user.id)
        deleted = await delete_messages(interaction.client, forgotten.messages)
        text = reader(interaction.locale)(
            "forget.done",
            notes=forgotten.clips,
            voices=forgotten.voices,
            jobs=forgotten.jobs,
            files=forgotten.files,
            messages=deleted,
        )
        await replace(interaction, text)

    async def declined(self, interaction: Interaction) -> None:
        """Keep everything."""
        await replace(interaction, reader(interaction.locale)("forget.kept"))


class ForgetCog(commands.Cog):
    """The command."""

    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(name=label("forget.name"), description=label("forget.description"))
    async def forget_me(self, interaction: Interaction) -> None:
        """Ask whether it is meant."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        say = reader(interaction.locale)
        await reply(interaction, say("forget.question").strip(), ForgetButton.both(say("forget.yes"), say("forget.no")))
