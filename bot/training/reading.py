"""The recording of a sentence read aloud arrives, by the form of the question or by the menu of a voice message."""

import asyncio
import re
from collections.abc import Sequence

import discord
from discord import app_commands
from discord.ext import commands

from bot.errors import NoAudio
from bot.interactions.arrival import Shown, show_until_heard
from bot.interactions.attachments import check, download, is_audio
from bot.interactions.replies import refuse
from bot.interactions.services import Interaction, Services, requester_of, texts_for
from bot.interactions.uploads import form_of, uploaded
from bot.texts.locale import label
from bot.training.question import READING, asked
from store import BasketNote, JobState, NoteState, NotYours
from store.use_cases import (
    check_basket,
    job_row,
    keep_days_of_basket,
    open_training,
    send_reading,
    training_to_read_for,
)

FORM = re.compile(f"{READING}([0-9a-f]{{32}})")


class ReadingCog(commands.Cog):
    """Takes readings; once a worker has compared who reads with the notes, the training begins."""

    def __init__(self, bot: commands.AutoShardedBot, services: Services) -> None:
        self.services = services
        self.menu = app_commands.ContextMenu(name=label("train.menu"), callback=self.agree_by_message)
        bot.tree.add_command(self.menu)

    async def agree_by_message(self, interaction: Interaction, message: discord.Message) -> None:
        """Take the sound of a member's own message. Raises NotYours, NothingToRead."""
        if message.author.id != interaction.user.id:
            raise NotYours(what="This voice note")
        await interaction.response.defer(ephemeral=True, thinking=True)
        job = await asyncio.to_thread(training_to_read_for, self.services.store, interaction.user.id)
        await self._take(interaction, job.id, [a for a in message.attachments if is_audio(a)][:1])

    @commands.Cog.listener()
    async def on_interaction(self, interaction: Interaction) -> None:
        """The form of a question was sent."""
        if (sent := FORM.fullmatch(form_of(interaction))) is None:
            return
        try:
            await interaction.response.defer()
            await self._take(interaction, sent[1], uploaded(interaction))
        except Exception as error:
            await refuse(interaction, error)

    async def _take(self, interaction: Interaction, job_id: str, attachments: Sequence[discord.Attachment]) -> None:
        """Keep the recording, and show the question until it was heard, then the training's card."""
        note = await self._keep(interaction, job_id, attachments)
        store, say = self.services.store, texts_for(interaction)
        days = await asyncio.to_thread(keep_days_of_basket, store, interaction.user.id, interaction.guild_id)
        training = await asyncio.to_thread(open_training, store, job_id, interaction.user.id)
        text, view = asked(days, say, training)

        def shown(basket: Sequence[BasketNote]) -> Shown:
            heard = next((one for one in basket if one.id == note.id), None)
            if heard is None:  # taken out meanwhile
                return text, view
            if heard.state is not NoteState.REFUSED:
                return f"{text}\n{say('consent.hearing')}", view
            sentence = say.error(heard.error_code or "", heard.error_params, heard.error_sentence or "")
            return f"{text}\n{say('consent.refused', sentence=sentence)}", view

        await show_until_heard(self.services, interaction, shown)
        job = await asyncio.to_thread(job_row, store, job_id)
        if job is not None and job.state is not JobState.ACCEPTED:
            await self.services.launch(job)

    async def _keep(
        self, interaction: Interaction, job_id: str, attachments: Sequence[discord.Attachment]
    ) -> BasketNote:
        """Raises what `open_training`, `check`, `download` and `send_reading` raise, and Blocked."""
        settings, store, requester = self.services.settings, self.services.store, requester_of(interaction)
        if not attachments:
            raise NoAudio
        check(attachments, 1, settings.note_megabytes)
        async with self.services.turn_of(requester.user_id):
            await asyncio.to_thread(open_training, store, job_id, requester.user_id)
            await asyncio.to_thread(check_basket, store, requester, 1)
            [file] = await download(self.services, attachments, settings.note_megabytes)
            return await asyncio.to_thread(send_reading, store, requester, job_id, file)
