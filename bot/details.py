"""*Details* under a result: every figure and model, for the member alone."""

import asyncio

from bot.interactions.components import PersistentButton
from bot.interactions.replies import reply
from bot.interactions.services import Interaction, services_of, texts_for
from bot.messages.result import details, has_details
from bot.texts.sentences import Texts
from store import Job
from store.use_cases import result_message


class DetailsButton(PersistentButton, template=r"details:(?P<job>[0-9a-f]{32})"):
    """Shows the figures of one result to its owner."""

    job: str

    async def pressed(self, interaction: Interaction) -> None:
        """Answer with what the result left out."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        store, member = services_of(interaction).store, interaction.user.id
        message = await asyncio.to_thread(result_message, store, self.job, member)
        await reply(interaction, details(message.job, texts_for(interaction)))


def details_buttons(job: Job, say: Texts) -> list[DetailsButton]:
    """The button, if the result leaves figures out."""
    return [DetailsButton.labelled(say("details.button"), job=job.id)] if has_details(job) else []
