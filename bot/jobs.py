"""`/jobs`: a member's recent jobs with links and reasons; cancel one that is not over, be shown a result again."""

import asyncio
from collections.abc import Sequence

import discord
from discord import app_commands
from discord.ext import commands

from bot.faults import is_too_large
from bot.interactions.components import PersistentButton, view_of
from bot.interactions.layouts import ROWS, TEXT, AnyView, list_of
from bot.interactions.pages import PageButton, page_line, pages, within
from bot.interactions.replies import replace, reply, show_result
from bot.interactions.services import Interaction, Services, services_of, texts_for
from bot.messages.card import key_of, time_until
from bot.messages.post import files_of
from bot.messages.result import compose, reason
from bot.texts.locale import label
from bot.texts.names import safe, shorten
from bot.texts.sentences import Texts
from store import Job, JobKind, JobState, NotFound, ResultRemoved, Store
from store.jobs import ACTIVE
from store.params import CoverParams, aim_of, params_of, subject_of
from store.use_cases import ListedJob, cancel_job, has_free_voice, job_history, result_message

NAME_LENGTH = 40
REASON_LENGTH = 300
AGAIN = (JobState.DELIVERED, JobState.UNDELIVERABLE)
"""States in which a result can be shown again."""


def listing(listed: Sequence[ListedJob], say: Texts, page: int = 1, *, free: bool = True) -> tuple[str, AnyView | None]:
    """One page of the jobs, newest first, each with what can be done with it; `free`: there are voices for all."""
    if not listed:
        return say("jobs.none" if free else "jobs.none_own"), None
    lines = [(line(one, say), one) for one in listed]
    cut = pages(lines, lambda some: "\n".join(text for text, _ in some), ROWS, TEXT)
    page = within(page, len(cut))
    rows = [(text, button_of(one, say)) for text, one in cut[page - 1]]
    turning = JobsPage.around(page, len(cut), say)
    return "", list_of(say("jobs.title"), rows, page_line(page, len(cut), say), turning)


def line(listed: ListedJob, say: Texts) -> str:
    """`**Cover** “song”: running, 40 % · 5 minutes ago`, with links to its messages; below it why it failed."""
    job = listed.job
    state = say.known(f"state.{job.state.value}", job.state.value)
    if listed.stranded:
        state = say("jobs.stranded", state=state)
    elif listed.place:
        state = f"{say('jobs.place', state=state, place=listed.place)} ({time_until(listed.wait, say)})"
    elif job.state == JobState.RUNNING:
        state = say("jobs.progress", state=state, percent=int(job.progress * 100))
    subject, kind, when = about(job, say), say(f"kind.{aim_of(job)}"), f"<t:{int(job.created_at)}:R>"
    shown = say("jobs.line", kind=kind, subject=subject, state=state, when=when)
    links = {"link": link(job, listed.channel_id, listed.message_id)} if job.state == JobState.DELIVERED else {}
    links["shared"] = link(job, listed.shared_channel_id, listed.shared_id)
    shown = " · ".join([shown, *(say(f"jobs.{key}", address=address) for key, address in links.items() if address)])
    why = reason_of(listed, say)
    return f"{shown}\n-# {shorten(why, REASON_LENGTH)}" if why else shown


def reason_of(listed: ListedJob, say: Texts) -> str:
    """Why a job has no result, or none any more; else nothing."""
    job = listed.job
    if listed.removed:
        return say.error(ResultRemoved.code, {}, str(ResultRemoved()))
    told = job.state == JobState.FAILED or (job.state == JobState.CANCELLED and job.error_code is not None)
    return reason(job, say) if told else ""


def about(job: Job, say: Texts) -> str:
    """` “song” by voice, key +1`: by what a member tells covers of one song apart; or the name, or nothing."""
    name, params = subject_of(job), params_of(job)
    if not name:
        return ""
    shown = say("jobs.subject", name=safe(name, NAME_LENGTH))
    if not isinstance(params, CoverParams) or not params.voice_name:
        return shown
    return say("jobs.sung", subject=shown, voice=safe(params.voice_name, NAME_LENGTH), key=key_of(job, say))


def link(job: Job, channel_id: int | None, message_id: int | None) -> str | None:
    """The address of a job's message, if it is known; Discord opens it only for those who may read it."""
    if channel_id is None or message_id is None:
        return None
    place = job.guild_id if job.guild_id is not None and channel_id == job.channel_id else "@me"
    return f"https://discord.com/channels/{place}/{channel_id}/{message_id}"


def button_of(listed: ListedJob, say: Texts) -> PersistentButton | None:
    """The button that cancels a job or shows its result again, if either can be done."""
    job = listed.job
    if listed.removed:
        return None
    if job.state in ACTIVE and not job.cancel_requested:
        return CancelButton.labelled(say("jobs.cancel"), job=job.id)
    return FetchButton.labelled(say("jobs.fetch"), job=job.id) if job.state in AGAIN else None


def cancel_view(job_id: str, say: Texts) -> discord.ui.View:
    """The button of a job's card."""
    return view_of(CancelButton.labelled(say("card.cancel"), job=job_id))


def result_again(store: Store, job_id: str, user_id: int, say: Texts) -> tuple[Job, str, list[discord.File]]:
    """A member's job, the text of its result, and its files or a line that they are not kept. Raises NotFound."""
    message = result_message(store, job_id, user_id)
    try:
        return message.job, compose(message.job, say), files_of(store, message.row)
    except NotFound:
        return message.job, compose(message.job, say, "file_gone"), []


async def page_of(interaction: Interaction, page: int) -> tuple[str, AnyView | None]:
    """That page of the jobs of whoever interacts."""
    store = services_of(interaction).store
    listed = await asyncio.to_thread(job_history, store, interaction.user.id)
    return listing(listed, texts_for(interaction), page, free=await asyncio.to_thread(has_free_voice, store))


class CancelButton(PersistentButton, template=r"cancel:(?P<job>[0-9a-f]{32})"):
    """Cancels one job, if its owner presses it."""

    style = discord.ButtonStyle.danger
    job: str

    async def pressed(self, interaction: Interaction) -> None:
        """Cancel; the delivery loop removes what was sent for the job."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        services, say = services_of(interaction), texts_for(interaction)
        job = await asyncio.to_thread(cancel_job, services.store, self.job, interaction.user.id)
        cancelled = "job.cancelled_train" if job.kind is JobKind.TRAIN else "job.cancelled"
        await reply(interaction, say(cancelled if job.state == JobState.CANCELLED else "job.stopping"))


class FetchButton(PersistentButton, template=r"fetch:(?P<job>[0-9a-f]{32})"):
    """Shows its owner a result again, also one that could not be delivered."""

    job: str

    async def pressed(self, interaction: Interaction) -> None:
        """Answer with the result and its buttons, to the owner only."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        services, say = services_of(interaction), texts_for(interaction)
        job, text, files = await asyncio.to_thread(result_again, services.store, self.job, interaction.user.id, say)
        view = services.controls(job, say)
        try:
            await show_result(interaction, job.id, text, view, files)
        except discord.HTTPException as error:
            if not is_too_large(error):
                raise
            await show_result(interaction, job.id, compose(job, say, "too_large"), view)


class JobsPage(PageButton, template=r"jobs:page:(?P<page>[0-9]{1,4})"):
    """Another page of the list."""

    async def show(self, interaction: Interaction) -> None:
        """Show the page, as the jobs are now."""
        await replace(interaction, *await page_of(interaction, self.page))


class JobsCog(commands.Cog):
    """The command."""

    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(name=label("jobs.name"), description=label("jobs.description"))
    async def jobs(self, interaction: Interaction) -> None:
        """List the member's jobs."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await reply(interaction, *await page_of(interaction, 1))
