"""Takes messages out of the outbox and sends each once: to the channel, else to the member, else not at all."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime

import aiohttp
import discord
from discord.ext import commands, tasks
from sqlalchemy.exc import NoResultFound

from bot.messages.post import Place, files_of, post
from bot.messages.result import compose, mark
from bot.texts.sentences import Texts, texts
from store import Job, NotFound, Outbox, Store
from store.tables import now
from store.use_cases import discard_unfinished, due_messages, give_up_message, mark_sent, postpone_message

log = logging.getLogger(__name__)
NONCE_SECONDS = 120.0  # Discord knows a nonce for a few minutes
CLOCKS_APART = 60.0  # ours and Discord's, at most
TOO_LARGE = (413, 40005)  # status, code


def transient(error: Exception) -> bool:
    """Whether the fault is Discord's or the network's, and a retry may succeed."""
    if isinstance(error, discord.HTTPException):
        return error.status >= 500 or error.status == 429
    return isinstance(error, aiohttp.ClientError | OSError)


class Delivery(commands.Cog):
    """The loop over the outbox."""

    def __init__(self, bot: commands.Bot, store: Store, seconds: float) -> None:
        self.bot, self.store = bot, store
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
        number = row.id or 0
        try:
            await asyncio.to_thread(discard_unfinished, self.store, job)
            message = await self._earlier(row, job) or await self._send(row, job)
            if message is None:
                await asyncio.to_thread(give_up_message, self.store, number)
                return
            await self._mark(number, message)
        except Exception as error:
            if transient(error):
                log.warning("Message %s must wait: %s", number, error)
            else:
                log.exception("Message %s could not be sent", number)
            await self._postpone(number)

    async def _mark(self, number: int, message: discord.Message) -> None:
        try:
            await asyncio.to_thread(mark_sent, self.store, number, message.channel.id, message.id)
        except NoResultFound:
            await message.delete()

    async def _postpone(self, number: int) -> None:
        try:
            await asyncio.to_thread(postpone_message, self.store, number)
        except Exception:
            log.exception("Message %s could not be postponed", number)

    async def _send(self, row: Outbox, job: Job) -> discord.Message | None:
        say = texts(job.locale)
        text = compose(job, say)
        try:
            return await self._post(row, text, with_files=True)
        except NotFound:
            reason = "result.file_gone"
        except discord.HTTPException as error:
            if error.status not in TOO_LARGE and error.code not in TOO_LARGE:
                raise
            reason = "result.too_large"
        return await self._post(row, with_reason(text, reason, say), with_files=False)

    async def _post(self, row: Outbox, text: str, *, with_files: bool) -> discord.Message | None:
        allowed = discord.AllowedMentions(everyone=False, roles=False, users=[discord.Object(row.user_id)])

        async def send(place: Place) -> discord.Message:
            files: Sequence[discord.File] = files_of(self.store, row) if with_files else []
            return await place.send(
                text, files=files, nonce=str(row.id), allowed_mentions=allowed, suppress_embeds=True
            )

        return await post(self.bot, row.channel_id, row.user_id, send)

    async def _earlier(self, row: Outbox, job: Job) -> discord.Message | None:
        """The message of a row that was sent but not marked, too long ago for Discord to know its nonce."""
        if now() - row.created_at < NONCE_SECONDS or self.bot.user is None:
            return None
        after = datetime.fromtimestamp(row.created_at - CLOCKS_APART, UTC)
        for channel_id in await self._places(row):
            channel = self.bot.get_partial_messageable(channel_id)
            try:
                async for message in channel.history(after=after, limit=200):
                    if message.author.id == self.bot.user.id and mark(job) in message.content:
                        return message
            except (discord.Forbidden, discord.NotFound):
                continue
        return None

    async def _places(self, row: Outbox) -> list[int]:
        places = [row.channel_id] if row.channel_id is not None else []
        try:
            return [*places, (await self.bot.create_dm(discord.Object(row.user_id))).id]
        except discord.HTTPException:
            return places


def with_reason(text: str, key: str, say: Texts) -> str:
    """The text and why its file is missing."""
    return f"{text}\n{say(key)}"
