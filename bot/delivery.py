"""Takes messages out of the outbox and sends each once: to the channel, else to the member, else not at all.

Where a try is going is written before it, so that a message that was sent but not marked is found again.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence

import discord
from discord.ext import commands, tasks

from bot.messages.faults import asked_pause, is_too_large, out_of_reach
from bot.messages.post import Place, earlier, files_of, is_result_of, post
from bot.messages.result import compose
from bot.texts.mentions import clickable
from bot.texts.sentences import Texts, texts
from store import Job, NotFound, Outbox, Store
from store.use_cases import (
    begin_message,
    discard_unfinished,
    due_messages,
    end_pauses,
    give_up_message,
    mark_sent,
    retry_refused,
    wait_with_message,
)

log = logging.getLogger(__name__)
NONCE_LENGTH = 25  # Discord's limit


class Withdrawn(Exception):
    """The message's member or voice is gone: there is nothing to send."""


class Delivery(commands.Cog):
    """The loop over the outbox."""

    def __init__(self, bot: commands.Bot, store: Store, seconds: float, mentions: Mapping[str, str]) -> None:
        self.bot, self.store, self.mentions = bot, store, mentions
        self._away = True  # until the first success
        self._loop = tasks.loop(seconds=seconds)(self.deliver_due)

    async def cog_load(self) -> None:
        """Start with the bot."""
        self._loop.start()

    async def cog_unload(self) -> None:
        """Stop with the bot."""
        self._loop.cancel()

    async def deliver_due(self) -> None:
        """Send what is due. A row that fails does not stop the others."""
        try:
            due = await asyncio.to_thread(due_messages, self.store)
        except Exception:
            log.exception("The outbox could not be read")
            return
        for message in due:
            await self._deliver(message.row, message.job)

    async def _deliver(self, row: Outbox, job: Job) -> None:
        try:
            await asyncio.to_thread(discard_unfinished, self.store, job)
            message = await self._earlier(row) or await self._send(row, job)
            if message is None:
                log.warning("Neither the channel nor the member of job %s takes its message", job.id)
                await asyncio.to_thread(give_up_message, self.store, job.id)
                return
            await asyncio.to_thread(mark_sent, self.store, job.id, message.channel.id, message.id)
            if self._away:
                await asyncio.to_thread(end_pauses, self.store)
                self._away = False
        except Withdrawn:
            return
        except Exception as error:
            await self._later(job.id, error)

    async def _later(self, job_id: str, error: Exception) -> None:
        """Plan the next try; only a refusal or a bug of ours is counted."""
        try:
            if out_of_reach(error):
                self._away = True
                log.warning("The message of job %s must wait: %s", job_id, error)
                going_on = await asyncio.to_thread(wait_with_message, self.store, job_id, asked_pause(error))
            else:
                ours = not isinstance(error, discord.HTTPException)
                log.error("The message of job %s could not be sent: %s", job_id, error, exc_info=ours and error)
                going_on = await asyncio.to_thread(retry_refused, self.store, job_id)
            if not going_on:
                log.warning("The message of job %s is given up", job_id)
        except NotFound:
            return  # withdrawn meanwhile
        except Exception:
            log.exception("The message of job %s could not be postponed", job_id)

    async def _send(self, row: Outbox, job: Job) -> discord.Message | None:
        say = texts(job.locale)
        text = clickable(compose(job, say), self.mentions)
        try:
            return await self._post(row, text, with_files=True)
        except NotFound:
            reason = "result.file_gone"
        except discord.HTTPException as error:
            if not is_too_large(error):
                raise
            reason = "result.too_large"
        return await self._post(row, with_reason(text, reason, say), with_files=False)

    async def _post(self, row: Outbox, text: str, *, with_files: bool) -> discord.Message | None:
        allowed = discord.AllowedMentions(everyone=False, roles=False, users=[discord.Object(row.user_id)])
        nonce = row.job_id[:NONCE_LENGTH]

        async def send(place: Place) -> discord.Message:
            files: Sequence[discord.File] = files_of(self.store, row) if with_files else []
            await self._begin(row, place)
            return await place.send(text, files=files, nonce=nonce, allowed_mentions=allowed, suppress_embeds=True)

        return await post(self.bot, row.channel_id, row.user_id, send)

    async def _begin(self, row: Outbox, place: Place) -> None:
        try:
            await asyncio.to_thread(begin_message, self.store, row.job_id, place.id)
        except NotFound as error:
            raise Withdrawn from error

    async def _earlier(self, row: Outbox) -> discord.Message | None:
        """The message of a row that was sent but not marked."""
        return await earlier(self.bot, row.sent_channel_id, row.tried_at, lambda m: is_result_of(m, row.job_id))


def with_reason(text: str, key: str, say: Texts) -> str:
    """The text and why its file is missing."""
    return f"{text}\n{say(key)}"
