"""`/jobs`: a member's recent jobs; cancel one that is not over, look at one that could not be delivered."""

import asyncio
from collections.abc import Sequence

import discord
from discord import app_commands
from discord.ext import commands

from bot.interactions.components import PersistentButton, view_of
from bot.interactions.replies import reply
from bot.interactions.services import Interaction, Services, services_of
from bot.messages.card import time_until
from bot.messages.post import files_of
from bot.messages.result import compose
from bot.texts.locale import label, reader
from bot.texts.names import MESSAGE_LENGTH, safe, shorten
from bot.texts.sentences import Texts
from store import Job, JobState, Store
from store.jobs import ACTIVE
from store.params import subject_of
from store.use_cases import PlacedJob, cancel_job, recent_jobs, undelivered_message

NAME_LENGTH = 40


def listing(recent: Sequence[PlacedJob], say: Texts) -> str:
    """One line a job, newest first; each with its place in line (0 when it does not wait)."""
    if not recent:
        return say("jobs.none")
    lines = [line(n, one.job, one.place, say, one.wait) for n, one in enumerate(recent, start=1)]
    return shorten("\n".join([say("jobs.title"), *lines]), MESSAGE_LENGTH)


def line(number: int, job: Job, place: int, say: Texts, wait: float = 0.0) -> str:
    """`2. Cover “song”: running, 40 % · 5 minutes ago`."""
    state = say.known(f"state.{job.state.value}", job.state.value)
    if place:
        state = f"{say('jobs.place', state=state, place=place)} ({time_until(wait, say)})"
    elif job.state == JobState.RUNNING:
        state = say("jobs.progress", state=state, percent=int(job.progress * 100))
    name = subject_of(job)
    subject = say("jobs.subject", name=safe(name, NAME_LENGTH)) if name else ""
    kind, when = say(f"kind.{job.kind.value}"), f"<t:{int(job.created_at)}:R>"
    return say("jobs.line", number=number, kind=kind, subject=subject, state=state, when=when)


def buttons(recent: Sequence[PlacedJob], say: Texts) -> discord.ui.View | None:
    """A button for each job that can be cancelled or whose result was not delivered, numbered like its line."""
    items: list[PersistentButton] = []
    for number, one in enumerate(recent, start=1):
        job = one.job
        if job.state in ACTIVE and not job.cancel_requested:
            items.append(CancelButton.labelled(say("jobs.cancel", number=number), job=job.id))
        elif job.state == JobState.UNDELIVERABLE:
            items.append(FetchButton.labelled(say("jobs.fetch", number=number), job=job.id))
    return view_of(*items) if items else None


def cancel_view(job_id: str, say: Texts) -> discord.ui.View:
    """The button of a job's card."""
    return view_of(CancelButton.labelled(say("card.cancel"), job=job_id))


def undelivered(store: Store, job_id: str, user_id: int) -> tuple[Job, list[discord.File]]:
    """A job whose message reached nobody, with its files. Raises NotFound."""
    message = undelivered_message(store, job_id, user_id)
    return message.job, files_of(store, message.row)


class CancelButton(PersistentButton, template=r"cancel:(?P<job>[0-9a-f]{32})"):
    """Cancels one job, if its owner presses it."""

    style = discord.ButtonStyle.danger
    job: str

    async def pressed(self, interaction: Interaction) -> None:
        """Cancel; the delivery loop removes what was sent for the job."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        services, say = services_of(interaction), reader(interaction.locale)
        job = await asyncio.to_thread(cancel_job, services.store, self.job, interaction.user.id)
        await reply(interaction, say("job.cancelled" if job.state == JobState.CANCELLED else "job.stopping"))


class FetchButton(PersistentButton, template=r"fetch:(?P<job>[0-9a-f]{32})"):
    """Shows its owner a result that could not be delivered."""

    job: str

    async def pressed(self, interaction: Interaction) -> None:
        """Answer with the result, to the owner only."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        store, user_id = services_of(interaction).store, interaction.user.id
        job, files = await asyncio.to_thread(undelivered, store, self.job, user_id)
        await interaction.followup.send(compose(job, reader(interaction.locale)), files=files, ephemeral=True)


class JobsCog(commands.Cog):
    """The command."""

    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(name=label("jobs.name"), description=label("jobs.description"))
    async def jobs(self, interaction: Interaction) -> None:
        """List the member's jobs."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        say = reader(interaction.locale)
        recent = await asyncio.to_thread(recent_jobs, self.services.store, interaction.user.id)
        await reply(interaction, listing(recent, say), buttons(recent, say))
