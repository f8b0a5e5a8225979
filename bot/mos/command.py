"""`/mos start | status | stop | report | export`: for moderators alone, every answer for them alone."""

import asyncio
import io
from collections.abc import Sequence

import discord
from discord import app_commands
from discord.ext import commands

from bot.interactions.attachments import check, download
from bot.interactions.moderators import (
    MODERATORS,
    admit_moderator,
    check_rights,
    lacking,
    named_rights,
    needed_in,
)
from bot.interactions.replies import reply
from bot.interactions.services import Interaction, Services, texts_for, texts_for_server
from bot.mos.figures import as_csv, as_json, figures_of
from bot.mos.obstacles import FOR_REACTIONS, NEEDED, obstacles
from bot.mos.picture import voice_pictures
from bot.mos.report import report, status
from bot.texts.locale import label
from store import ListeningState, Question
from store.use_cases import (
    ListeningPlace,
    ListeningRequest,
    ListeningVotes,
    SavedFile,
    check_listening_test,
    listening_votes,
    start_listening_test,
    stop_listening_test,
)

CLIPS = ("clip1", "clip2", "clip3", "clip4", "clip5", "clip6", "clip7", "clip8")
REFERENCES = ("reference1", "reference2")
MOST_FILES = 10  # in one message of Discord's
QUESTIONS = [app_commands.Choice(name=label(f"mos.{one.value}"), value=one.value) for one in Question]
FILES = {name: label("mos.clip", number=n) for n, name in enumerate(CLIPS, 1)} | {
    name: label("mos.reference", number=n) for n, name in enumerate(REFERENCES, 1)
}
ABOUT = dict.fromkeys(CLIPS, label("mos.clip_about")) | dict.fromkeys(REFERENCES, label("mos.reference_about"))


class MosCog(commands.Cog):
    """The commands."""

    mos = app_commands.Group(
        name=label("mos.name"),
        description=label("mos.description"),
        guild_only=True,
        default_permissions=MODERATORS,
    )

    def __init__(self, services: Services) -> None:
        self.services = services

    @mos.command(name=label("mos.start"), description=label("mos.start_about"))
    @app_commands.rename(
        question=label("mos.question"),
        covers=label("mos.covers"),
        voices=label("mos.voices"),
        hours=label("mos.hours"),
        **FILES,
    )
    @app_commands.describe(
        question=label("mos.question_about"),
        covers=label("mos.covers_about"),
        voices=label("mos.voices_about"),
        hours=label("mos.hours_about"),
        **ABOUT,
    )
    @app_commands.choices(question=QUESTIONS)
    async def start(
        self,
        interaction: Interaction,
        question: str = Question.NATURALNESS.value,
        covers: app_commands.Range[int, 0, 20] = 0,
        voices: app_commands.Range[int, 0, 20] = 0,
        hours: app_commands.Range[int, 1, 336] = 48,
        clip1: discord.Attachment | None = None,
        clip2: discord.Attachment | None = None,
        clip3: discord.Attachment | None = None,
        clip4: discord.Attachment | None = None,
        clip5: discord.Attachment | None = None,
        clip6: discord.Attachment | None = None,
        clip7: discord.Attachment | None = None,
        clip8: discord.Attachment | None = None,
        reference1: discord.Attachment | None = None,
        reference2: discord.Attachment | None = None,
    ) -> None:
        """Draw the clips; a worker makes them, and the bot's loop shows them here."""
        place = await self._admit(interaction)
        check_rights(interaction.app_permissions, needed_in(interaction.channel, NEEDED), texts_for(interaction))
        clips = [one for one in (clip1, clip2, clip3, clip4, clip5, clip6, clip7, clip8) if one is not None]
        references = [one for one in (reference1, reference2) if one is not None]
        asked, store = Question(question), self.services.store
        await asyncio.to_thread(check_listening_test, store, place.guild_id, asked, len(references))
        files = await self._files([*clips, *references])
        request = ListeningRequest(
            asked, float(hours), covers, voices, tuple(files[: len(clips)]), tuple(files[len(clips) :])
        )
        test = await asyncio.to_thread(start_listening_test, store, place, request)
        say = texts_for(interaction)
        rights = named_rights(lacking(interaction.app_permissions, FOR_REACTIONS), say)
        secrecy = say("mos.menu_alone", rights=rights) if rights else say("mos.secret")
        await reply(interaction, say("mos.started", number=test.id, secrecy=secrecy))

    @mos.command(name=label("mos.status"), description=label("mos.status_about"))
    async def status(self, interaction: Interaction) -> None:
        """How far the newest test is, and what hinders it."""
        votes, say = await self._votes(interaction, None), texts_for(interaction)
        hindered = await obstacles(interaction, votes, say) if votes.test.state is ListeningState.RUNNING else []
        await reply(interaction, "\n".join([status(votes, say), *hindered]))

    @mos.command(name=label("mos.stop"), description=label("mos.stop_about"))
    async def stop(self, interaction: Interaction) -> None:
        """End the test that runs."""
        place = await self._admit(interaction)
        test = await asyncio.to_thread(stop_listening_test, self.services.store, place.guild_id)
        await reply(interaction, texts_for(interaction)("mos.stopped", number=test.id))

    @mos.command(name=label("mos.report"), description=label("mos.report_about"))
    @app_commands.rename(test=label("mos.test"))
    @app_commands.describe(test=label("mos.test_about"))
    async def report(self, interaction: Interaction, test: app_commands.Range[int, 1] | None = None) -> None:
        """What a test says."""
        votes = await self._votes(interaction, test)
        say = texts_for(interaction)
        text = await asyncio.to_thread(report, votes, say)
        figures = await asyncio.to_thread(figures_of, votes)
        pictures = await asyncio.to_thread(voice_pictures, votes, figures, say)
        files = [
            discord.File(io.BytesIO(picture), filename=f"listening-test-{votes.test.id}-{number}.png")
            for number, picture in enumerate(pictures[:MOST_FILES], start=1)
        ]
        await interaction.followup.send(text, files=files, ephemeral=True)

    @mos.command(name=label("mos.export"), description=label("mos.export_about"))
    @app_commands.rename(test=label("mos.test"))
    @app_commands.describe(test=label("mos.test_about"))
    async def export(self, interaction: Interaction, test: app_commands.Range[int, 1] | None = None) -> None:
        """Every vote, without names, as CSV and JSON."""
        votes = await self._votes(interaction, test)
        figures = await asyncio.to_thread(figures_of, votes)
        made = ((as_csv, "csv"), (as_json, "json"))
        files = [
            discord.File(io.BytesIO(write(votes, figures)), filename=f"listening-test-{votes.test.id}.{suffix}")
            for write, suffix in made
        ]
        text = texts_for(interaction)("mos.exported", number=votes.test.id)
        await interaction.followup.send(text, files=files, ephemeral=True)

    async def _votes(self, interaction: Interaction, number: int | None) -> ListeningVotes:
        place = await self._admit(interaction)
        return await asyncio.to_thread(listening_votes, self.services.store, place.guild_id, number)

    async def _admit(self, interaction: Interaction) -> ListeningPlace:
        """Acknowledge; where the moderator is. Raises ModeratorsOnly."""
        await admit_moderator(interaction)
        guild_id, rights = interaction.guild_id or 0, interaction.app_permissions
        return ListeningPlace(
            guild_id=guild_id,
            channel_id=interaction.channel_id or 0,
            moderator_id=interaction.user.id,
            locale=texts_for_server(interaction).language,
            reactions=not lacking(rights, FOR_REACTIONS),
        )

    async def _files(self, attachments: Sequence[discord.Attachment]) -> list[SavedFile]:
        if not attachments:
            return []
        limit = self.services.settings.song_megabytes
        check(attachments, len(attachments), limit)
        return await download(self.services, attachments, limit)
