"""*Details* under a result: every figure and model, and what followed the result, for the member alone."""

import asyncio

import discord

from bot.interactions.components import PersistentButton
from bot.interactions.layouts import pictured
from bot.interactions.replies import show_result
from bot.interactions.services import Interaction, services_of, texts_for
from bot.messages.post import files_of
from bot.messages.result import details, has_details
from bot.texts.sentences import Texts
from store import Job, JobKind, NotFound, Outbox, Store
from store.use_cases import result_message


class DetailsButton(PersistentButton, template=r"details:(?P<job>[0-9a-f]{32})"):
    """Shows the figures of one result to its owner."""

    job: str

    async def pressed(self, interaction: Interaction) -> None:
        """Answer with what the result left out."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        store, member = services_of(interaction).store, interaction.user.id
        message = await asyncio.to_thread(result_message, store, self.job, member)
        covers = message.job.kind is JobKind.COVER
        files = await asyncio.to_thread(followed, store, message.row) if covers else []
        say = texts_for(interaction)
        shown = pictured(details(message.job, say), files, say("details.picture"))
        await show_result(interaction, self.job, "", shown, files)


def followed(store: Store, row: Outbox) -> list[discord.File]:
    """The files that came after the result itself, which is the first: a cover's picture; none once they are gone."""
    try:
        return files_of(store, row)[1:]
    except NotFound:
        return []


def details_buttons(job: Job, say: Texts) -> list[DetailsButton]:
    """The button, if the result leaves figures out."""
    return [DetailsButton.labelled(say("details.button"), job=job.id)] if has_details(job) else []
