"""*Delete* under a cover: asks once, in the cover's place; then it is gone, with its files and every message of it."""

import asyncio
import contextlib

import aiohttp
import discord

from bot.interactions.components import AnswerButton, PersistentButton
from bot.interactions.replies import replace, reply
from bot.interactions.services import Interaction, services_of, texts_for
from bot.messages.result import compose
from bot.texts.names import safe
from bot.texts.sentences import Texts
from store import Job, JobKind
from store.jobs import WITH_RESULT
from store.params import cover_params
from store.use_cases import delete_cover, own_result


def delete_buttons(job: Job, say: Texts) -> list["DeleteButton"]:
    """The button, if the job is a cover with a result."""
    deletable = job.kind is JobKind.COVER and job.state in WITH_RESULT
    return [DeleteButton.labelled(say("deleting.button"), job=job.id)] if deletable else []


class DeleteButton(PersistentButton, template=r"delete:(?P<job>[0-9a-f]{32})"):
    """Asks whether a cover of whoever presses is to go."""

    job: str

    async def pressed(self, interaction: Interaction) -> None:
        """Put the question in the place of the cover's text; its files stay below."""
        say, store = texts_for(interaction), services_of(interaction).store
        job = await asyncio.to_thread(own_result, store, self.job, interaction.user.id)
        await interaction.response.defer()
        view = DeleteAnswer.both(say("deleting.yes"), say("deleting.no"), job=self.job)
        await replace(interaction, say("deleting.sure", song=safe(cover_params(job).song_name)), view)


class DeleteAnswer(AnswerButton, template=r"delete:(?P<answer>yes|no):(?P<job>[0-9a-f]{32})"):
    """Delete it, or keep it."""

    job: str

    async def accepted(self, interaction: Interaction) -> None:
        """Remove the cover, the message with the question, and what its member has opened of it."""
        services, member = services_of(interaction), interaction.user.id
        await asyncio.to_thread(delete_cover, services.store, self.job, member)
        await services.opened.close(member, self.job)
        with contextlib.suppress(discord.DiscordException, aiohttp.ClientError):  # the loop does it, or was faster
            await interaction.delete_original_response()
        await reply(interaction, texts_for(interaction)("deleting.done"))

    async def declined(self, interaction: Interaction) -> None:
        """Show the cover as before."""
        services, say = services_of(interaction), texts_for(interaction)
        job = await asyncio.to_thread(own_result, services.store, self.job, interaction.user.id)
        await replace(interaction, compose(job, say), services.controls(job, say))
