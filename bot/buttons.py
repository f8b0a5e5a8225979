"""The button that cancels a job; on every live card and in `/jobs`."""

import asyncio
import re
from typing import Any, Self

import discord

from bot.locale import reader
from bot.replies import Interaction, button, reply
from bot.services import services_of
from store import Job, JobState, Store, jobs


def cancel(store: Store, job_id: str, user_id: int) -> Job:
    """Cancel or ask to stop. Raises NotFound, NotYours, IllegalMove."""
    with store.write() as session:
        return jobs.cancel(session, job_id, user_id)


class CancelButton(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]],
    template=r"cancel:(?P<job>[0-9a-f]{32})",
):
    """Cancels one job, if its owner presses it. Works after a restart of the bot too."""

    def __init__(self, job_id: str, text: str = "-") -> None:
        self.job_id = job_id
        super().__init__(discord.ui.Button(label=text, style=discord.ButtonStyle.danger, custom_id=f"cancel:{job_id}"))

    @classmethod
    async def from_custom_id(
        cls, interaction: Interaction, item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The button of a message that was sent before."""
        return cls(match["job"])

    @button
    async def callback(self, interaction: Interaction) -> None:
        """Cancel; the delivery loop removes what was sent for the job."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        services, say = services_of(interaction), reader(interaction.locale)
        job = await asyncio.to_thread(cancel, services.store, self.job_id, interaction.user.id)
        await reply(interaction, say("job.cancelled" if job.state == JobState.CANCELLED else "job.stopping"))


def cancel_view(job_id: str, text: str) -> discord.ui.View:
    """A view with this one button."""
    view = discord.ui.View(timeout=None)
    view.add_item(CancelButton(job_id, text))
    return view
