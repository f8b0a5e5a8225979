"""Tells the moderators of reports, and members of what was removed of theirs, however long Discord is out of reach."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import discord
from discord.ext import commands, tasks

from bot.faults import asked_pause, is_closed, out_of_reach
from bot.messages.post import Place, earlier, to_member
from bot.reports.staff import removal_text, staff_text, staff_view
from bot.texts.locale import language
from bot.texts.mentions import clickable
from bot.texts.sentences import Texts, texts
from store import Job, MemberReport, Store
from store.shards import ALL, Shards
from store.tables import now
from store.use_cases import (
    begin_report,
    keep_report,
    removal_told,
    removals_to_tell,
    report_renewed,
    reports_to_renew,
    reports_to_show,
)

log = logging.getLogger(__name__)
PAUSE_SECONDS = 60.0


class ReportsLoop(commands.Cog):
    """The loop over the reports of which somebody does not know the newest yet."""

    def __init__(
        self,
        bot: commands.AutoShardedBot,
        store: Store,
        seconds: float,
        mentions: Mapping[str, str],
        shards: Shards = ALL,
    ) -> None:
        self.bot, self.store, self.mentions, self.shards = bot, store, mentions, shards
        self._not_before: dict[tuple[str, int], float] = {}
        self._loop = tasks.loop(seconds=seconds)(self.tell)

    async def cog_load(self) -> None:
        """Start with the bot."""
        self._loop.start()

    async def cog_unload(self) -> None:
        """Stop with the bot."""
        self._loop.cancel()

    async def tell(self) -> None:
        """Post what is new, renew what is outdated, and tell members. One that fails does not stop the others."""
        try:
            for report, channel_id, locale in await asyncio.to_thread(reports_to_show, self.store, self.shards):
                await self._now_or_later(self._post, report, channel_id, locale)
            for report, locale in await asyncio.to_thread(reports_to_renew, self.store, self.shards):
                await self._now_or_later(self._renew, report, locale)
            for report, job, locale in await asyncio.to_thread(removals_to_tell, self.store, self.shards):
                await self._now_or_later(self._tell_member, report, job, locale)
        except Exception:
            log.exception("The reports could not be read or noted")

    async def _now_or_later(self, step: Callable[..., Awaitable[None]], report: MemberReport, *more: Any) -> None:
        """Take a step of a report; where Discord refuses it or is away, not again for a while."""
        key = step.__name__, report.id or 0
        if now() < self._not_before.get(key, 0.0):
            return
        try:
            await step(report, *more)
            self._not_before.pop(key, None)
        except Exception as error:
            if not (out_of_reach(error) or isinstance(error, discord.HTTPException)):
                raise
            if key not in self._not_before:  # it may wait for weeks
                log.warning("Report %s has to wait (%s): %s", report.id, step.__name__.strip("_"), error)
            self._not_before[key] = now() + max(PAUSE_SECONDS, asked_pause(error))

    async def _post(self, report: MemberReport, channel_id: int, locale: str | None) -> None:
        """Tell the moderators of a report."""
        number, say = report.id or 0, self._texts(report, locale)
        message = await earlier(self.bot, report.staff_channel_id, report.tried_at, lambda m: report.mark in m.content)
        if message is None:
            if not await asyncio.to_thread(begin_report, self.store, number, channel_id):
                return
            channel = self.bot.get_partial_messageable(channel_id)
            view = staff_view(report, say)
            message = await channel.send(
                staff_text(report, say), view=view, nonce=f"report{number}", suppress_embeds=True
            )
        if not await asyncio.to_thread(keep_report, self.store, number, message.id):
            await message.delete()

    async def _renew(self, report: MemberReport, locale: str | None) -> None:
        """Have the moderators' message show what has happened since; one that is gone needs nothing."""
        say = self._texts(report, locale)
        channel = self.bot.get_partial_messageable(report.staff_channel_id or 0)
        message = channel.get_partial_message(report.staff_message_id or 0)
        try:
            await message.edit(content=staff_text(report, say), view=staff_view(report, say))
        except discord.HTTPException as error:
            if not is_closed(error):
                raise
            log.warning("The message about report %s stays as it is: %s", report.id, error)
        await asyncio.to_thread(report_renewed, self.store, report)

    async def _tell_member(self, report: MemberReport, job: Job | None, locale: str | None) -> None:
        """Tell a member that a result of theirs was removed; who takes no direct messages reads it in /jobs."""
        number, guild = report.id or 0, self.bot.get_guild(report.guild_id)
        say = texts(job.locale) if job else self._texts(report, locale)
        text = clickable(removal_text(report, job, guild.name if guild else "–", say), self.mentions)

        async def send(place: Place) -> discord.Message:
            return await place.send(text, nonce=f"removed{number}", suppress_embeds=True)

        message = await to_member(self.bot, report.user_id, send)
        where = (message.channel.id, message.id) if message else (None, None)
        if not await asyncio.to_thread(removal_told, self.store, number, *where) and message:
            await message.delete()

    def _texts(self, report: MemberReport, locale: str | None) -> Texts:
        """The sentences for a report's server: in the language that it has chosen, else in Discord's for it."""
        guild = self.bot.get_guild(report.guild_id)
        return texts(locale or language(guild.preferred_locale if guild else ""))
