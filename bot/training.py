"""`/train`: notes go into the basket and are heard, and their member is asked before anything is trained."""

import asyncio
import contextlib
from collections.abc import Sequence

import discord
from discord import app_commands
from discord.ext import commands

from bot.interactions.arrival import gather, show_until_heard
from bot.interactions.components import AnswerButton
from bot.interactions.replies import replace
from bot.interactions.services import Interaction, Services, requester_of, services_of, texts_for
from bot.messages.basket import basket_lines
from bot.texts.locale import label, note_descriptions, note_labels
from bot.texts.names import safe, voice_name
from bot.texts.sentences import Texts
from store import BasketNote, NoteKnown, voices
from store.params import train_params
from store.use_cases import BasketTraining, agree, check_training, decline, keep_days_of_basket, request_basket_training

NOTES = tuple(f"note{number}" for number in range(1, 11))
SHOWN = 10
"""Notes of a basket that is being heard."""


def question(days: float, say: Texts, training: BasketTraining) -> str:
    """The consent card: what is made of the notes, whose voice, who sees it, how to delete it, which policy."""
    key = "consent.one_note" if training.notes == 1 else "consent.notes"
    sent = say(key, number=training.notes, minutes=training.seconds / 60)
    making = "instant" if train_params(training.job).instant else "anew" if training.anew else "training"
    left_out = f"\n{say('consent.left_out', number=training.left_out)}" if training.left_out else ""
    return say(
        "consent.question",
        making=say(f"consent.{making}", voice=safe(training.voice_name), notes=sent) + left_out,
        days=days,
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
        """Train nothing; the notes stay in the basket."""
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
        note1: discord.Attachment | None = None,
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
        """Put the notes into the basket, have them heard, and ask."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        given = (note1, note2, note3, note4, note5, note6, note7, note8, note9, note10)
        store, say, name = self.services.store, texts_for(interaction), voice_name(name)
        await asyncio.to_thread(check_training, store, requester_of(interaction), name)
        if notes := [note for note in given if note is not None]:
            with contextlib.suppress(NoteKnown):
                await gather(self.services, interaction, notes, "command")
        days = await asyncio.to_thread(keep_days_of_basket, store, interaction.user.id, interaction.guild_id)
        await show_until_heard(self.services, interaction, lambda basket: (_heard(basket, say, days), None))
        async with self.services.admitted(interaction) as requester:
            training = await asyncio.to_thread(request_basket_training, store, requester, name, instant=at_once)
        await replace(interaction, question(days, say, training), consent_view(training.job.id, say))


def _heard(notes: Sequence[BasketNote], say: Texts, days: float) -> str:
    """The basket while it is heard: its newest notes."""
    newest = list(enumerate(reversed(notes), start=1))[:SHOWN]
    return basket_lines(notes, newest, say, days)
