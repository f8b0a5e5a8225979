"""`/listening-tests`: a member agrees that what their voices sing is rated in this server, or does not any more."""

import asyncio

from discord import app_commands
from discord.ext import commands

from bot.interactions.components import AnswerButton
from bot.interactions.replies import replace, reply
from bot.interactions.services import Interaction, Services, services_of, texts_for
from bot.texts.locale import label
from bot.texts.sentences import Texts
from store.use_cases import agree_to_tests, agreed_to_tests, ask_once


class ListeningConsentButton(AnswerButton, template=r"mos:agree:(?P<answer>yes|no)"):
    """Yes or no, of whoever presses it, for the server where it is pressed."""

    async def accepted(self, interaction: Interaction) -> None:
        """Covers and samples may be drawn from now on."""
        await self._note(interaction, True)

    async def declined(self, interaction: Interaction) -> None:
        """Nothing is drawn any more, and what is in tests goes."""
        await self._note(interaction, False)

    async def _note(self, interaction: Interaction, agreed: bool) -> None:
        store, guild_id = services_of(interaction).store, interaction.guild_id or 0
        await asyncio.to_thread(agree_to_tests, store, interaction.user.id, guild_id, agreed)
        say = texts_for(interaction)
        await replace(interaction, say("listening.agreed") if agreed else say("listening.declined"))


class ListeningConsentCog(commands.Cog):
    """The command, and the one question after a first cover in a server that has listening tests."""

    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(name=label("listening.name"), description=label("listening.description"))
    @app_commands.guild_only()
    async def listening_tests(self, interaction: Interaction) -> None:
        """Show what was answered, and ask."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        agreed = await asyncio.to_thread(
            agreed_to_tests, self.services.store, interaction.user.id, interaction.guild_id or 0
        )
        say = texts_for(interaction)
        now = say("listening.is_agreed") if agreed else say("listening.is_declined")
        await self._ask(interaction, f"{now}\n{say('listening.question').strip()}", say)

    @commands.Cog.listener()
    async def on_app_command_completion(self, interaction: Interaction, command: object) -> None:
        """A member's first cover in a server that has listening tests: ask once."""
        name = getattr(command, "name", "")
        if name != "cover" or interaction.guild_id is None:
            return
        if await asyncio.to_thread(ask_once, self.services.store, interaction.user.id, interaction.guild_id):
            say = texts_for(interaction)
            await self._ask(interaction, say("listening.question").strip(), say)

    async def _ask(self, interaction: Interaction, text: str, say: Texts) -> None:
        await reply(interaction, text, ListeningConsentButton.both(say("listening.yes"), say("listening.no")))
