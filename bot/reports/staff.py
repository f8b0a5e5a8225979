"""The message to the moderators about a report, and its buttons, which each work once and after every restart."""

import asyncio
import logging

import discord

from bot.errors import MemberUnreachable
from bot.faults import is_closed, out_of_reach
from bot.interactions.components import PersistentButton, view_of
from bot.interactions.moderators import check_moderator
from bot.interactions.replies import replace
from bot.interactions.services import Interaction, services_of, texts_for_server
from bot.texts.names import safe
from bot.texts.sentences import Texts, texts
from store import AlreadyHandled, Job, MemberReport
from store.params import aim_of, subject_of
from store.use_cases import (
    block_reported,
    remove_reported,
    report_of,
    reported_job,
    warn_reported,
    warning_failed,
    warning_sent,
)

log = logging.getLogger(__name__)
STEPS = {"remove": remove_reported, "warn": warn_reported, "block": block_reported}


def staff_text(report: MemberReport, say: Texts) -> str:
    """What was reported, why, and what was done by whom."""
    link = f"https://discord.com/channels/{report.guild_id}/{report.channel_id}/{report.message_id}"
    reporter = f"<@{report.reporter_id}>" if report.reporter_id else say("report.nobody")
    lines = [
        say("report.title", number=report.id, reason=say(f"report.reason.{report.reason.value}")),
        say("report.about", member=f"<@{report.user_id}>", link=link),
        say("report.by", reporter=reporter, when=f"<t:{int(report.created_at)}:R>"),
    ]
    lines += [_done_line(report, step, who, say) for step, who in done(report).items() if who]
    return "\n".join([*lines, f"-# {report.mark}"])


def _done_line(report: MemberReport, step: str, who: int, say: Texts) -> str:
    by_member = step == "remove" and who == report.user_id
    return say("report.done.deleted" if by_member else f"report.done.{step}", who=f"<@{who}>")


def removal_text(report: MemberReport, job: Job | None, server: str, say: Texts) -> str:
    """What a member reads of a result of theirs that moderators removed; a job that is no row any more has no name."""
    name = subject_of(job) if job else ""
    what = say("report.what", kind=say(f"kind.{aim_of(job)}"), name=safe(name)) if job and name else ""
    reason = say(f"report.reason.{report.reason.value}")
    return say("report.removed", server=safe(server), reason=reason, what=what)


def staff_view(report: MemberReport, say: Texts) -> discord.ui.View:
    """The buttons; what was done cannot be pressed any more."""
    buttons = []
    for step, who in done(report).items():
        button = StepButton.labelled(say(f"report.step.{step}"), step=step, report=report.id or 0)
        button.item.disabled = who is not None
        buttons.append(button)
    return view_of(*buttons)


def done(report: MemberReport) -> dict[str, int | None]:
    """Who has taken each step."""
    return {"remove": report.removed_by, "warn": report.warned_by, "block": report.blocked_by}


class StepButton(PersistentButton, template=r"report:(?P<step>remove|warn|block):(?P<report>[0-9]{1,15})"):
    """Removes the result, warns its member, or blocks them, if a moderator presses it."""

    style = discord.ButtonStyle.danger
    step: str
    report: int

    async def pressed(self, interaction: Interaction) -> None:
        """Take the step once, and note in the message what was done, also by others meanwhile."""
        await interaction.response.defer()
        await check_moderator(interaction)
        store, say = services_of(interaction).store, texts_for_server(interaction)
        take, guild_id = STEPS[self.step], interaction.guild_id or 0
        try:
            report = await asyncio.to_thread(take, store, self.report, guild_id, interaction.user.id)
        except AlreadyHandled:
            report = await asyncio.to_thread(report_of, store, self.report, guild_id)
            await replace(interaction, staff_text(report, say), staff_view(report, say))
            raise
        if self.step == "warn":
            await self._warn(interaction, report, say)
        await replace(interaction, staff_text(report, say), staff_view(report, say))

    async def _warn(self, interaction: Interaction, report: MemberReport, say: Texts) -> None:
        """Send the warning, in its member's language. Raises MemberUnreachable; then it can be sent again."""
        store, name = services_of(interaction).store, interaction.guild.name if interaction.guild else ""
        job = await asyncio.to_thread(reported_job, store, report)
        say = texts(job.locale) if job else say
        text = say("report.warning", server=safe(name), reason=say(f"report.reason.{report.reason.value}"))
        try:
            place = await interaction.client.create_dm(discord.Object(report.user_id))
            message = await place.send(text)
        except Exception as error:
            await asyncio.to_thread(warning_failed, store, self.report, interaction.user.id)
            if out_of_reach(error) or (isinstance(error, discord.HTTPException) and is_closed(error)):
                log.warning("The warning of report %s did not arrive: %s", self.report, error)
                raise MemberUnreachable from error
            raise
        await asyncio.to_thread(warning_sent, store, self.report, message.channel.id, message.id)
