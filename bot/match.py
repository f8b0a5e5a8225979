"""`/match` and "Match this voice note": which singers does a member sound like?"""

import asyncio
from collections.abc import Sequence

import discord
from discord import app_commands
from discord.ext import commands

from bot.intake import Asker, Saved, add_clips, add_job, asker_of, check, is_audio, saved
from bot.locale import label, reader
from bot.replies import Interaction, reply
from bot.services import Services
from store import Job, JobKind, NotYours, Store, jobs

NOTES = ("note1", "note2", "note3", "note4", "note5")


def ask(store: Store, asker: Asker, files: Sequence[Saved], source: str) -> Job:
    """Write the queued job and its clips in one transaction. Raises TooManyJobs, DownloadFailed."""
    with store.write() as session:
        job = add_job(session, store, JobKind.MATCH, asker, {}, files)
        add_clips(session, store, job, files, source)
        return jobs.enqueue(session, job.id)


def note_names(names: Sequence[str]) -> dict[str, app_commands.locale_str]:
    """The localised names of the options note1, note2, …"""
    more = {name: label("note.more", number=n) for n, name in enumerate(names[1:], start=2)}
    return {names[0]: label("note.first"), **more}


def note_abouts(names: Sequence[str]) -> dict[str, app_commands.locale_str]:
    """The localised descriptions of the options note1, note2, …"""
    return {names[0]: label("note.first_about"), **{name: label("note.more_about") for name in names[1:]}}


class MatchCog(commands.Cog):
    """Two ways to the same job: files handed to the command, or a message's voice note."""

    def __init__(self, bot: commands.Bot, services: Services) -> None:
        self.services = services
        self.menu = app_commands.ContextMenu(name=label("match.menu"), callback=self.match_message)
        bot.tree.add_command(self.menu)

    @app_commands.command(name=label("match.name"), description=label("match.description"))
    @app_commands.rename(**note_names(NOTES))
    @app_commands.describe(**note_abouts(NOTES))
    async def match(
        self,
        interaction: Interaction,
        note1: discord.Attachment,
        note2: discord.Attachment | None = None,
        note3: discord.Attachment | None = None,
        note4: discord.Attachment | None = None,
        note5: discord.Attachment | None = None,
    ) -> None:
        """Match the notes that were handed over."""
        notes = [note for note in (note1, note2, note3, note4, note5) if note is not None]
        await self._match(interaction, notes, "command")

    async def match_message(self, interaction: Interaction, message: discord.Message) -> None:
        """Match the sound of a member's own message. Raises NotYours: a voice is its owner's to have compared."""
        if message.author.id != interaction.user.id:
            raise NotYours(what="This voice note")
        await self._match(interaction, [a for a in message.attachments if is_audio(a)], "message")

    async def _match(self, interaction: Interaction, notes: Sequence[discord.Attachment], source: str) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        store, settings = self.services.store, self.services.settings
        check(notes, settings.max_notes, settings.note_megabytes)
        async with saved(self.services, notes, settings.note_megabytes) as files:
            job = await asyncio.to_thread(ask, store, asker_of(interaction), files, source)
        await self.services.launch(job)
        await reply(interaction, reader(interaction.locale)("job.queued"))
