"""Takes messages out of the outbox and sends each once: to the channel, else to the member, else not at all."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime

import aiohttp
import discord
from discord.ext import commands, tasks
from sqlalchemy.exc import NoResultFound

from bot.names import file_name
from bot.post import Place, post
from bot.results import compose, mark
from bot.texts import Texts, texts
from store import Job, JobState, NotFound, Outbox, Store, jobs, outbox, retention
from store.tables import now

log = logging.getLogger(__name__)
UNFINISHED = frozenset({JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED})
NONCE_SECONDS = 120.0  # Discord knows a nonce for a few minutes
CLOCKS_APART = 60.0  # ours and Discord's, at most
TOO_LARGE = (413, 40005)  # status, code


def due(store: Store) -> list[tuple[Outbox, Job]]:
    """The messages whose time has come, with their jobs."""
    with store.read() as session:
        return [(row, jobs.get(session, row.job_id)) for row in outbox.due(session)]


def sent(store: Store, outbox_id: int, channel_id: int, message_id: int) -> None:
    """Mark as sent. Raises NoResultFound if the member was forgotten meanwhile."""
    with store.write() as session:
        outbox.sent(session, outbox_id, channel_id, message_id)


def postpone(store: Store, outbox_id: int) -> None:
    """Try later."""
    with store.write() as session:
        outbox.postpone(session, outbox_id)


def give_up(store: Store, outbox_id: int) -> None:
    """Nobody can be reached."""
    with store.write() as session:
        outbox.give_up(session, outbox_id)


def files_of(store: Store, row: Outbox) -> list[discord.File]:
    """Fresh file objects. Raises NotFound if a file is no longer kept."""
    paths = [(store.media.path(file["key"]), file_name(file.get("name") or "result")) for file in row.files]
    return [discord.File(path, filename=name) for path, name in paths]


def passes(error: Exception) -> bool:
    """Whether the trouble is Discord's or the network's, and not ours."""
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
        """Send what is due. One row's trouble is its own."""
        try:
            found = await asyncio.to_thread(due, self.store)
        except Exception:
            log.exception("The outbox could not be read")
            return
        for row, job in found:
            await self._deliver(row, job)

    async def _deliver(self, row: Outbox, job: Job) -> None:
        number = row.id or 0
        try:
            if job.state in UNFINISHED:
                await asyncio.to_thread(retention.discard, self.store, job.id)
            message = await self._earlier(row, job) or await self._send(row, job)
            if message is None:
                await asyncio.to_thread(give_up, self.store, number)
                return
            await self._mark(number, message)
        except Exception as error:
            if passes(error):
                log.warning("Message %s must wait: %s", number, error)
            else:
                log.exception("Message %s could not be sent", number)
            await self._postpone(number)

    async def _mark(self, number: int, message: discord.Message) -> None:
        try:
            await asyncio.to_thread(sent, self.store, number, message.channel.id, message.id)
        except NoResultFound:
            await message.delete()

    async def _postpone(self, number: int) -> None:
        try:
            await asyncio.to_thread(postpone, self.store, number)
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
