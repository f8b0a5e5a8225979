"""`/train`: a voice's notes are kept, and its member is asked for consent before anything is trained."""

import asyncio
from collections.abc import Sequence

import discord
from discord import app_commands
from discord.ext import commands

from bot.interactions.attachments import MEGABYTE, check, download
from bot.interactions.components import AnswerButton
from bot.interactions.replies import replace, reply
from bot.interactions.services import Interaction, Services, services_of, texts_for
from bot.texts.locale import label, note_descriptions, note_labels
from bot.texts.names import safe, voice_name
from bot.texts.sentences import Texts
from store import Store, voices
from store.use_cases import SavedFile, TrainingRequest, agree, check_voice_name, decline, request_training

NOTES = tuple(f"note{number}" for number in range(1, 11))


def question(store: Store, say: Texts, name: str, notes: Sequence[SavedFile], instant: bool = False) -> str:
    """The consent card: what is made of the notes, whose voice, who sees it, how to delete it, which policy."""
    megabytes = sum(note.bytes for note in notes) / MEGABYTE
    key = "consent.one_note" if len(notes) == 1 else "consent.notes"
    sent = say(key, number=len(notes), megabytes=megabytes)
    return say(
        "consent.question",
        making=say("consent.instant" if instant else "consent.training", voice=safe(name), notes=sent),
        days=store.clip_days,
        phrase=say("consent.phrase"),
        policy=voices.POLICY_VERSION,
    ).strip()


def consent_view(job_id: str, say: Texts) -> discord.ui.View:
    """Both answers to the question."""
    return ConsentButton.both(say("consent.yes"), say("consent.no"), job=job_id)


class ConsentButton(AnswerButton, template=r"consent:(?P<answer>yes|no):(?P<job>[0-9a-f]{32})"):
    """Consent to the training of this job, or not."""

    style = discord.ButtonStyle.success
    job: str

    async def accepted(self, interaction: Interaction) -> None:
        """Record the consent and queue the training, whose card takes the place of the question."""
        services, phrase = services_of(interaction), texts_for(interaction)("consent.phrase")
        member, token = interaction.user.id, interaction.token
        job = await asyncio.to_thread(agree, services.store, self.job, member, phrase, token)
        await services.launch(job)

    async def declined(self, interaction: Interaction) -> None:
        """Train nothing and remove what was sent."""
        await asyncio.to_thread(decline, services_of(interaction).store, self.job, interaction.user.id)
        await replace(interaction, texts_for(interaction)("consent.declined"))


class TrainCog(commands.Cog):
    """Takes the notes and asks for consent; the button goes on from there."""

    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(name=label("train.name"), description=label("train.description"))
    @app_commands.rename(name=label("train.voice"), at_once=label("train.at_once"), **note_labels(NOTES))
    @app_commands.describe(
        name=label("train.voice_about"), at_once=label("train.at_once_about"), **note_descriptions(NOTES)
    )
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
        at_once: bool = False,
    ) -> None:
        """Keep the notes and ask."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        given = (note1, note2, note3, note4, note5, note6, note7, note8, note9, note10)
        notes = [note for note in given if note is not None]
        store, settings, say = self.services.store, self.services.settings, texts_for(interaction)
        name = voice_name(name)
        check(notes, settings.max_notes, settings.note_megabytes)
        async with self.services.admitted(interaction) as requester:
            await asyncio.to_thread(check_voice_name, store, requester.user_id, name)
            files = await download(self.services, notes, settings.note_megabytes)
            request = TrainingRequest(name, files, "command", instant=at_once)
            job = await asyncio.to_thread(request_training, store, requester, request)
        await reply(interaction, question(store, say, name, files, at_once), consent_view(job.id, say))
