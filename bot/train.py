"""`/train`: a voice's notes are kept, and its member is asked before anything is trained."""

import asyncio
from collections.abc import Sequence

import discord
from discord import app_commands
from discord.ext import commands

from bot.consent import consent_view, question
from bot.intake import Asker, Saved, add_clips, add_job, asker_of, check, saved
from bot.locale import label, reader
from bot.match import note_abouts, note_names
from bot.names import voice_name
from bot.replies import Interaction, reply
from bot.services import Services
from store import Job, JobKind, Store, voices

NOTES = tuple(f"note{number}" for number in range(1, 11))


def ask(store: Store, asker: Asker, name: str, files: Sequence[Saved]) -> Job:
    """Write the accepted job, its voice and its clips in one transaction.

    Raises DuplicateVoiceName, TooManyJobs, DownloadFailed.
    """
    with store.write() as session:
        job = add_job(session, store, JobKind.TRAIN, asker, {}, files)
        voice = voices.create(session, asker.user_id, name, asker.guild_id, job.id)
        job.params = {"voice_id": voice.id, "voice_name": name}
        session.add(job)
        add_clips(session, store, job, files, "command")
        return job


class TrainCog(commands.Cog):
    """Takes the notes and asks for consent; `consent.py` goes on from there."""

    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(name=label("train.name"), description=label("train.description"))
    @app_commands.rename(name=label("train.voice"), **note_names(NOTES))
    @app_commands.describe(name=label("train.voice_about"), **note_abouts(NOTES))
    async def train(
        self,
        interaction: Interaction,
        name: str,
        note1: discord.Attachment,
        note2: discord.Attachment | None = None,
        note3: discord.Attachment | None = None,
        note4: discord.Attachment | None = None,
        note5: discord.Attachment | None = None,
        note6: discord.Attachment | None = None,
        note7: discord.Attachment | None = None,
        note8: discord.Attachment | None = None,
        note9: discord.Attachment | None = None,
        note10: discord.Attachment | None = None,
    ) -> None:
        """Keep the notes and ask."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        given = (note1, note2, note3, note4, note5, note6, note7, note8, note9, note10)
        notes = [note for note in given if note is not None]
        store, settings = self.services.store, self.services.settings
        name = voice_name(name)
        check(notes, settings.max_notes, settings.note_megabytes)
        async with saved(self.services, notes, settings.note_megabytes) as files:
            job = await asyncio.to_thread(ask, store, asker_of(interaction), name, files)
        say = reader(interaction.locale)
        await reply(interaction, question(store, say, name, files), consent_view(job.id, say))
