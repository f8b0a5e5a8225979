"""`/jobs`: a member's recent jobs; cancel one that is not over, look at one that could not be delivered."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any, Self

import discord
from discord import app_commands
from discord.ext import commands
from sqlmodel import select

from bot.buttons import CancelButton
from bot.delivery import files_of
from bot.locale import label, reader
from bot.names import safe, shorten
from bot.replies import Interaction, button, reply
from bot.results import compose
from bot.services import Services, services_of
from bot.texts import Texts
from store import Job, JobState, NotFound, NotYours, Outbox, Store, jobs

SHOWN = 10
NAME_LENGTH = 40
MESSAGE_LENGTH = 1900


def recent(store: Store, user_id: int) -> list[tuple[Job, int]]:
    """The member's newest jobs, each with its place in line (0 when it does not wait)."""
    with store.read() as session:
        return [(job, jobs.place_in_line(session, job)) for job in jobs.recent_of(session, user_id, SHOWN)]


def listing(found: Sequence[tuple[Job, int]], say: Texts) -> str:
    """One line a job, newest first."""
    if not found:
        return say("jobs.none")
    lines = [line(n, job, place, say) for n, (job, place) in enumerate(found, start=1)]
    return shorten("\n".join([say("jobs.title"), *lines]), MESSAGE_LENGTH)


def line(number: int, job: Job, place: int, say: Texts) -> str:
    """`2. Cover “song”: running, 40 % · 5 minutes ago`."""
    state = say.known(f"state.{job.state.value}", job.state.value)
    if place:
        state = say("jobs.place", state=state, place=place)
    elif job.state == JobState.RUNNING:
        state = say("jobs.progress", state=state, percent=int(job.progress * 100))
    name = job.params.get("song_name") or job.params.get("voice_name")
    subject = say("jobs.subject", name=safe(name, NAME_LENGTH)) if name else ""
    kind, when = say(f"kind.{job.kind.value}"), f"<t:{int(job.created_at)}:R>"
    return say("jobs.line", number=number, kind=kind, subject=subject, state=state, when=when)


def undelivered(store: Store, job_id: str, user_id: int) -> tuple[Job, list[discord.File]]:
    """A job whose message reached nobody, with its files. Raises NotFound, NotYours."""
    with store.read() as session:
        job = jobs.get(session, job_id)
        row = session.exec(select(Outbox).where(Outbox.job_id == job_id)).first()
    if job.user_id != user_id:
        raise NotYours(what="This job")
    if job.state != JobState.UNDELIVERABLE or row is None:
        raise NotFound(what="such result any more")
    return job, files_of(store, row)


class FetchButton(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=r"fetch:(?P<job>[0-9a-f]{32})"):
    """Shows its owner a result that could not be delivered."""

    def __init__(self, job_id: str, text: str = "-") -> None:
        self.job_id = job_id
        super().__init__(discord.ui.Button(label=text, custom_id=f"fetch:{job_id}"))

    @classmethod
    async def from_custom_id(
        cls, interaction: Interaction, item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The button of a message that was sent before."""
        return cls(match["job"])

    @button
    async def callback(self, interaction: Interaction) -> None:
        """Answer with the result, to the owner only."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        store, user_id = services_of(interaction).store, interaction.user.id
        job, files = await asyncio.to_thread(undelivered, store, self.job_id, user_id)
        await interaction.followup.send(compose(job, reader(interaction.locale)), files=files, ephemeral=True)


def buttons(found: Sequence[tuple[Job, int]], say: Texts) -> discord.ui.View | None:
    """A button for each job that can be cancelled or whose result was not delivered, numbered like its line."""
    view = discord.ui.View(timeout=None)
    for number, (job, _) in enumerate(found, start=1):
        if job.state in jobs.ACTIVE and not job.cancel_requested:
            view.add_item(CancelButton(job.id, say("jobs.cancel", number=number)))
        elif job.state == JobState.UNDELIVERABLE:
            view.add_item(FetchButton(job.id, say("jobs.fetch", number=number)))
    return view if view.children else None


class JobsCog(commands.Cog):
    """The command."""

    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(name=label("jobs.name"), description=label("jobs.description"))
    async def jobs(self, interaction: Interaction) -> None:
        """List the member's jobs."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        say = reader(interaction.locale)
        found = await asyncio.to_thread(recent, self.services.store, interaction.user.id)
        await reply(interaction, listing(found, say), buttons(found, say))
