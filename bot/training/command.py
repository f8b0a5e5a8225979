"""The command: notes go into the basket and are heard, and their member is asked before anything is trained."""

import asyncio
import contextlib
from collections.abc import Sequence

import discord
from discord import app_commands
from discord.ext import commands

from bot.interactions.arrival import FOLLOW_SECONDS, gather, show_until_heard
from bot.interactions.pages import pages
from bot.interactions.replies import replace
from bot.interactions.services import Interaction, Services, requester_of, texts_for
from bot.messages.basket import Numbered, basket_lines
from bot.texts.locale import label, note_descriptions, note_labels
from bot.texts.names import voice_name
from bot.texts.sentences import Texts
from bot.training.question import asked, sentence_to_read
from store import BasketNote, NoteKnown, NoteState
from store.use_cases import check_training, keep_days_of_basket, request_basket_training

NOTES = tuple(f"note{number}" for number in range(1, 11))
SHOWN = 10
"""Notes of a basket that is being heard."""


class TrainCog(commands.Cog):
    """Takes the notes and asks for consent; the answer goes on from there."""

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
        await asyncio.to_thread(check_training, store, requester_of(interaction), name, instant=at_once)
        if notes := [note for note in given if note is not None]:
            with contextlib.suppress(NoteKnown):
                await gather(self.services, interaction, notes, "command")
        days = await asyncio.to_thread(keep_days_of_basket, store, interaction.user.id, interaction.guild_id)
        await show_until_heard(self.services, interaction, lambda basket: (_heard(basket, say, days), None))
        reads = sentence_to_read(say, at_once=at_once) if self.services.settings.read_aloud else ""
        async with self.services.admitted(interaction) as requester:
            training = await asyncio.to_thread(
                request_basket_training, store, requester, name, instant=at_once, sentence=reads
            )
        await replace(interaction, *asked(days, say, training))


def _heard(notes: Sequence[BasketNote], say: Texts, days: float) -> str:
    """The basket while it is heard: its newest notes, and what to do if the bot stops meanwhile."""
    waits = any(note.state is NoteState.WAITING for note in notes)
    below = [f"-# {say('basket.asks', minutes=FOLLOW_SECONDS / 60)}"] if waits else []

    def shown(some: Sequence[Numbered]) -> str:
        return "\n".join([basket_lines(notes, some, say, days), *below])

    newest = list(enumerate(reversed(notes), start=1))
    return shown(next(iter(pages(newest, shown, SHOWN)), []))
