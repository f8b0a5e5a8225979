"""`/forget-me`: removes every row and file of a member, and orders that of the messages, after a second look."""

import asyncio

from discord import app_commands
from discord.ext import commands

from bot.interactions.components import AnswerButton
from bot.interactions.replies import replace, reply
from bot.interactions.services import Interaction, Services, services_of, texts_for
from bot.texts.locale import label
from store.use_cases import forget


class ForgetButton(AnswerButton, template=r"forget:(?P<answer>yes|no)"):
    """Remove everything of whoever presses it, or nothing. Only that member sees the card."""

    async def accepted(self, interaction: Interaction) -> None:
        """Remove rows and files; the bot's loop deletes the messages."""
        services = services_of(interaction)
        async with services.turn_of(interaction.user.id):  # what is being taken in now goes, too
            forgotten = await asyncio.to_thread(forget, services.store, interaction.user.id)
        await services.opened.close(interaction.user.id)
        say = texts_for(interaction)
        numbers = {
            "notes": forgotten.clips,
            "voices": forgotten.voices,
            "jobs": forgotten.jobs,
            "files": forgotten.files,
            "messages": forgotten.messages,
        }
        await replace(interaction, say("forget.done", **numbers) if any(numbers.values()) else say("forget.nothing"))

    async def declined(self, interaction: Interaction) -> None:
        """Keep everything."""
        await replace(interaction, texts_for(interaction)("forget.kept"))


class ForgetCog(commands.Cog):
    """The command."""

    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(name=label("forget.name"), description=label("forget.description"))
    async def forget_me(self, interaction: Interaction) -> None:
        """Ask whether it is meant."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        say = texts_for(interaction)
        await reply(interaction, say("forget.question").strip(), ForgetButton.both(say("forget.yes"), say("forget.no")))
