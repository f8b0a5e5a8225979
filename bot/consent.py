"""The consent to a training: the question, its two buttons, and what each answer does to the rows."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any, Self

import discord

from bot.errors import AlreadyAnswered, ConsentOver
from bot.intake import MEGABYTE, Saved
from bot.locale import reader
from bot.names import safe
from bot.replies import Interaction, button, replace
from bot.services import services_of
from bot.texts import Texts
from store import Job, JobState, NotYours, Store, clips, jobs, retention, voices
from store.tables import now


def question(store: Store, say: Texts, name: str, files: Sequence[Saved]) -> str:
    """The consent card: what is trained, whose voice, who sees it, how to delete it, which policy."""
    megabytes = sum(file.bytes for file in files) / MEGABYTE
    key = "consent.one_note" if len(files) == 1 else "consent.notes"
    return say(
        "consent.question",
        voice=safe(name),
        notes=say(key, number=len(files), megabytes=megabytes),
        days=store.clip_days,
        policy=voices.POLICY_VERSION,
    ).strip()


def agree(store: Store, job_id: str, user_id: int, phrase: str) -> Job:
    """Record the consent to these very clips and queue the training, in one transaction.

    Raises NotFound, NotYours, AlreadyAnswered, ConsentOver.
    """
    with store.write() as session:
        job = jobs.get(session, job_id)
        check_open(job, user_id)
        voice = voices.of_job(session, job_id)
        if voice is None:
            raise ConsentOver
        notes = clips.of_job(session, job_id)
        consent = voices.grant(session, user_id, job.guild_id, phrase, clips.fingerprint(notes))
        voice.consent_id = consent.id
        session.add(voice)
        session.flush()
        return jobs.enqueue(session, job_id)


def decline(store: Store, job_id: str, user_id: int) -> None:
    """Cancel the training and remove what was sent for it. Raises like `agree`."""
    with store.write() as session:
        check_open(jobs.get(session, job_id), user_id)
        jobs.cancel(session, job_id, user_id)
    retention.discard(store, job_id)


def check_open(job: Job, user_id: int) -> None:
    """Raise unless this member may still answer."""
    if job.user_id != user_id:
        raise NotYours(what="This job")
    too_old = job.created_at < now() - jobs.ACCEPT_SECONDS
    if job.state == JobState.EXPIRED or (job.state == JobState.ACCEPTED and too_old):
        raise ConsentOver
    if job.state != JobState.ACCEPTED:
        raise AlreadyAnswered


class ConsentButton(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]],
    template=r"consent:(?P<answer>yes|no):(?P<job>[0-9a-f]{32})",
):
    """Yes or no. The job's id is in the button itself, so it works after a restart of the bot too."""

    def __init__(self, answer: str, job_id: str, text: str = "-") -> None:
        self.answer, self.job_id = answer, job_id
        style = discord.ButtonStyle.success if answer == "yes" else discord.ButtonStyle.secondary
        super().__init__(discord.ui.Button(label=text, style=style, custom_id=f"consent:{answer}:{job_id}"))

    @classmethod
    async def from_custom_id(
        cls, interaction: Interaction, item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The button of a message that was sent before."""
        return cls(match["answer"], match["job"])

    @button
    async def callback(self, interaction: Interaction) -> None:
        """Take the answer."""
        await interaction.response.defer()
        services, say = services_of(interaction), reader(interaction.locale)
        if self.answer == "no":
            await asyncio.to_thread(decline, services.store, self.job_id, interaction.user.id)
            await replace(interaction, say("consent.declined"))
            return
        phrase = say("consent.phrase")
        job = await asyncio.to_thread(agree, services.store, self.job_id, interaction.user.id, phrase)
        await replace(interaction, say("consent.agreed", voice=safe(job.params["voice_name"]), phrase=phrase))
        await services.launch(job)


def consent_view(job_id: str, say: Texts) -> discord.ui.View:
    """Both buttons."""
    view = discord.ui.View(timeout=None)
    view.add_item(ConsentButton("yes", job_id, say("consent.yes")))
    view.add_item(ConsentButton("no", job_id, say("consent.no")))
    return view
