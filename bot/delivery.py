"""Takes messages out of the outbox and shows each once, to its member alone.

The job's private card becomes the result. Where its token has died, the result goes by direct message; where the member
takes none, a notice in the channel names `/jobs`, which shows it. Where a message is going is written before it is
sent, so that one that was sent but not marked is found again. Each is leased before, so that several bots send none
twice.
"""

import asyncio
import contextlib
import logging
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import discord
from discord.ext import commands, tasks

from bot.faults import asked_pause, is_reply_over, is_too_large, out_of_reach
from bot.messages.post import Place, earlier, files_of, is_result_of, to_channel, to_member
from bot.messages.private import PrivateCards
from bot.messages.result import compose, notice
from bot.texts.mentions import clickable
from bot.texts.sentences import Texts, texts
from store import Job, NotFound, Outbox, Store, outbox
from store.shards import ALL, Shards
from store.use_cases import (
    begin_message,
    discard_unfinished,
    due_messages,
    end_pauses,
    give_up_message,
    lease_message,
    mark_sent,
    release_reply,
    reply_token,
    retry_refused,
    wait_with_message,
)

log = logging.getLogger(__name__)
NONCE_LENGTH = 25  # Discord's limit
Shown = TypeVar("Shown")


class Withdrawn(Exception):
    """The message's member or voice is gone: there is nothing to send."""


class Delivery(commands.Cog):
    """The loop over the outbox."""

    def __init__(
        self,
        bot: commands.AutoShardedBot,
        store: Store,
        seconds: float,
        private: PrivateCards,
        controls: Callable[[Job, Texts], discord.ui.View | None],
        shards: Shards = ALL,
    ) -> None:
        self.bot, self.store, self.private, self.controls, self.shards = bot, store, private, controls, shards
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
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
            due = await asyncio.to_thread(due_messages, self.store, self.owner, self.shards)
        except Exception:
            log.exception("The outbox could not be read")
            return
        for message in due:
            await self._deliver_alone(message.job.id)

    async def _deliver_alone(self, job_id: str) -> None:
        """Send a message that no other bot sends meanwhile."""
        try:
            message = await asyncio.to_thread(lease_message, self.store, job_id, self.owner)
        except Exception:
            log.exception("The message of job %s could not be leased", job_id)
            return
        if message is None:
            return
        keeping = asyncio.create_task(self._keep(job_id))
        try:
            await self._deliver(message.row, message.job)
        finally:
            keeping.cancel()

    async def _keep(self, job_id: str) -> None:
        """Lease a message again and again while it is sent."""
        while True:
            await asyncio.sleep(outbox.LEASE_SECONDS / 3)
            with contextlib.suppress(Exception):  # then the lease ends; Discord knows the nonce of what it has got
                await asyncio.to_thread(lease_message, self.store, job_id, self.owner)

    async def _deliver(self, row: Outbox, job: Job) -> None:
        try:
            await asyncio.to_thread(discard_unfinished, self.store, job)
            if await self._into_card(row, job):
                await self._arrived(job.id, None)
                return
            message = await self._earlier(row) or await self._send(row, job) or await self._notify(row, job)
            if message is None:
                log.warning("Neither the member of job %s nor its channel takes its message", job.id)
                await asyncio.to_thread(give_up_message, self.store, job.id)
                return
            await self._arrived(job.id, message)
        except Withdrawn:
            return
        except Exception as error:
            await self._later(job.id, error)

    async def _arrived(self, job_id: str, message: discord.Message | None) -> None:
        where = (None, None) if message is None else (message.channel.id, message.id)
        await asyncio.to_thread(mark_sent, self.store, job_id, *where)
        if self._away:
            await asyncio.to_thread(end_pauses, self.store)
            self._away = False

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

    async def _into_card(self, row: Outbox, job: Job) -> bool:
        """Make the job's private card its result; False if that is out of reach. An edit can be repeated."""
        async with self.private.turn(job.id):
            try:
                token = await asyncio.to_thread(reply_token, self.store, job.id)
            except NotFound as error:
                raise Withdrawn from error
            if token is None:
                return False

            async def edit(text: str, files: Sequence[discord.File]) -> None:
                await self._begin(row, None)
                await self.private.edit(token, text, self.controls(job, texts(job.locale)), files)

            try:
                await self._with_files(row, job, edit)
            except discord.HTTPException as error:
                if not is_reply_over(error):
                    raise
                await asyncio.to_thread(release_reply, self.store, job.id)
                return False
            return True

    async def _send(self, row: Outbox, job: Job) -> discord.Message | None:
        """Send the result by direct message; None if the member takes none."""
        view = self.controls(job, texts(job.locale))

        async def post(text: str, files: Sequence[discord.File]) -> discord.Message | None:
            async def send(place: Place) -> discord.Message:
                await self._begin(row, place)
                options: dict[str, Any] = {"view": view} if view else {}
                return await place.send(text, files=files, nonce=_nonce(row), suppress_embeds=True, **options)

            return await to_member(self.bot, row.user_id, send)

        return await self._with_files(row, job, post)

    async def _notify(self, row: Outbox, job: Job) -> discord.Message | None:
        """Tell the member in the channel that `/jobs` has something for them, and nothing else."""
        allowed = discord.AllowedMentions(everyone=False, roles=False, users=[discord.Object(row.user_id)])
        text = clickable(notice(job, texts(job.locale)), self.private.mentions)

        async def send(place: Place) -> discord.Message:
            await self._begin(row, place)
            return await place.send(text, nonce=_nonce(row), allowed_mentions=allowed, suppress_embeds=True)

        return await to_channel(self.bot, row.channel_id, send)

    async def _with_files(
        self, row: Outbox, job: Job, show: Callable[[str, Sequence[discord.File]], Awaitable[Shown]]
    ) -> Shown:
        """Show the result with its files, or with a sentence why they are missing."""

        def text(missing: str = "") -> str:
            return clickable(compose(job, texts(job.locale), missing), self.private.mentions)

        try:
            return await show(text(), await asyncio.to_thread(files_of, self.store, row))
        except NotFound:
            missing = "file_gone"
        except discord.HTTPException as error:
            if not is_too_large(error):
                raise
            missing = "too_large"
        return await show(text(missing), ())

    async def _begin(self, row: Outbox, place: Place | None) -> None:
        try:
            await asyncio.to_thread(begin_message, self.store, row.job_id, place.id if place else None)
        except NotFound as error:
            raise Withdrawn from error

    async def _earlier(self, row: Outbox) -> discord.Message | None:
        """The message of a row that was sent but not marked."""
        return await earlier(self.bot, row.sent_channel_id, row.tried_at, lambda m: is_result_of(m, row.job_id))


def _nonce(row: Outbox) -> str:
    return row.job_id[:NONCE_LENGTH]
