"""Tells the moderators of new reports in their staff channel, however long that is out of reach."""

import asyncio
import logging

import discord
from discord.ext import commands, tasks

from bot.messages.faults import asked_pause, out_of_reach
from bot.messages.post import earlier
from bot.reports.staff import staff_text, staff_view
from bot.texts.locale import language
from bot.texts.sentences import texts
from store import MemberReport, Store
from store.shards import ALL, Shards
from store.tables import now
from store.use_cases import begin_report, keep_report, reports_to_show

log = logging.getLogger(__name__)
PAUSE_SECONDS = 60.0


class ReportsLoop(commands.Cog):
    """The loop over the reports of which no moderator knows yet."""

    def __init__(self, bot: commands.AutoShardedBot, store: Store, seconds: float, shards: Shards = ALL) -> None:
        self.bot, self.store, self.shards = bot, store, shards
        self._not_before: dict[int, float] = {}
        self._loop = tasks.loop(seconds=seconds)(self.tell)

    async def cog_load(self) -> None:
        """Start with the bot."""
        self._loop.start()

    async def cog_unload(self) -> None:
        """Stop with the bot."""
        self._loop.cancel()

    async def tell(self) -> None:
        """Post what is new. One that fails does not stop the others."""
        try:
            for report, channel_id, locale in await asyncio.to_thread(reports_to_show, self.store, self.shards):
                if now() >= self._not_before.get(report.id or 0, 0.0):
                    await self._tell(report, channel_id, locale)
        except Exception:
            log.exception("The reports could not be read or noted")

    async def _tell(self, report: MemberReport, channel_id: int, locale: str | None) -> None:
        try:
            await self._post(report, channel_id, locale)
        except Exception as error:
            if not (out_of_reach(error) or isinstance(error, discord.HTTPException)):
                raise
            self._not_before[report.id or 0] = now() + max(PAUSE_SECONDS, asked_pause(error))
            log.warning("The moderators could not be told of report %s now: %s", report.id, error)

    async def _post(self, report: MemberReport, channel_id: int, locale: str | None) -> None:
        number, guild = report.id or 0, self.bot.get_guild(report.guild_id)
        say = texts(locale or language(guild.preferred_locale if guild else ""))
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
