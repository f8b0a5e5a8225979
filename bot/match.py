"""`/match` and "Match this voice note": which singers does a member sound like?"""

import asyncio
from collections.abc import Sequence

import discord
from discord import app_commands
from discord.ext import commands

from bot.interactions.attachments import check, download, is_audio
from bot.interactions.liking import ask_at_first
from bot.interactions.services import Interaction, Services
from bot.texts.locale import label, note_descriptions, note_labels
from store import NotYours
from store.use_cases import request_match

NOTES = ("note1", "note2", "note3", "note4", "note5")


class MatchCog(commands.Cog):
    """Two ways to the same job: files given to the command, or a message's voice note."""

    def __init__(self, bot: commands.AutoShardedBot, services: Services) -> None:
        self.services = services
        self.menu = app_commands.ContextMenu(name=label("match.menu"), callback=self.match_message)
        bot.tree.add_command(self.menu)

    @app_commands.command(name=label("match.name"), description=label("match.description"))
    @app_commands.rename(**note_labels(NOTES))
    @app_commands.describe(**note_descriptions(NOTES))
    async def match(
        self,
        interaction: Interaction,
        note1: discord.Attachment,
        note2: discord.Attachment | None = None,
        note3: discord.Attachment | None = None,
        note4: discord.Attachment | None = None,
        note5: discord.Attachment | None = None,
    ) -> None:
        """Match the notes that were given."""
        notes = [note for note in (note1, note2, note3, note4, note5) if note is not None]
        await self._match(interaction, notes, "command")

    async def match_message(self, interaction: Interaction, message: discord.Message) -> None:
        """Match the sound of a member's own message. Raises NotYours: only its owner may have a voice compared."""
        if message.author.id != interaction.user.id:
            raise NotYours(what="This voice note")
        await self._match(interaction, [a for a in message.attachments if is_audio(a)], "message")

    async def _match(self, interaction: Interaction, notes: Sequence[discord.Attachment], source: str) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        store, settings = self.services.store, self.services.settings
        check(notes, settings.max_notes, settings.note_megabytes)
        async with self.services.admitted(interaction) as requester:
            files = await download(self.services, notes, settings.note_megabytes)
            job = await asyncio.to_thread(request_match, store, requester, files, source)
        await self.services.launch(job)
        await ask_at_first(interaction, job)
