"""One card per job, found by its row and kept true while the job lives, across restarts of the bot."""

import asyncio
import logging
from collections.abc import Sequence

import aiohttp
import discord
from discord.ext import commands, tasks
from sqlmodel import and_, col, or_, select

from bot.buttons import cancel_view
from bot.cards import Card, render
from bot.post import Place, post
from bot.texts import texts
from store import Job, JobState, NotFound, Outbox, Store, jobs
from store.tables import OutboxState, now

log = logging.getLogger(__name__)
SHOWN_STATES = (JobState.QUEUED, JobState.LEASED, JobState.RUNNING)
AFTER_END = 300.0


def showing(store: Store) -> list[tuple[Job, int]]:
    """The jobs whose cards may have to change, each with its place in line.

    Those that are alive, and those that ended a moment ago; a job that ended while the bot was away is known by its
    message, which is not sent or was sent a moment ago.
    """
    recent = now() - AFTER_END
    told_now = or_(col(Outbox.state) == OutboxState.PENDING, col(Outbox.sent_at) > recent)
    ended_now = or_(col(Job.ended_at) > recent, col(Job.id).in_(select(Outbox.job_id).where(told_now)))
    ended = and_(col(Job.card_message_id).is_not(None), ended_now)
    wanted = select(Job).where(col(Job.channel_id).is_not(None), or_(col(Job.state).in_(SHOWN_STATES), ended))
    with store.read() as session:
        found: Sequence[Job] = session.exec(wanted.order_by(col(Job.created_at))).all()
        return [(job, jobs.place_in_line(session, job)) for job in found]


def one(store: Store, job_id: str) -> tuple[Job, int]:
    """One job with its place in line. Raises NotFound."""
    with store.read() as session:
        job = jobs.get(session, job_id)
        return job, jobs.place_in_line(session, job)


def remember(store: Store, job_id: str, channel_id: int, message_id: int) -> None:
    """Keep where the card is. Raises NotFound if the job was forgotten meanwhile."""
    with store.write() as session:
        job = jobs.get(session, job_id)
        job.card_channel_id, job.card_message_id = channel_id, message_id
        session.add(job)


class LiveCards(commands.Cog):
    """Posts and edits the cards. What it holds in memory only spares edits; the rows decide."""

    def __init__(self, bot: commands.Bot, store: Store, seconds: float) -> None:
        self.bot, self.store = bot, store
        self._texts: dict[str, str] = {}
        self._gone: set[str] = set()
        self._posting = asyncio.Lock()
        self._loop = tasks.loop(seconds=seconds)(self.refresh)

    async def cog_load(self) -> None:
        """Start with the bot."""
        self._loop.start()

    async def cog_unload(self) -> None:
        """Stop with the bot."""
        self._loop.cancel()

    async def show(self, job_id: str) -> None:
        """Post the card of a job that was just queued; the loop does it later if this fails."""
        try:
            job, place = await asyncio.to_thread(one, self.store, job_id)
            await self._update(job, place)
        except Exception as error:
            log.warning("The card of job %s could not be posted yet: %s", job_id, error)

    async def refresh(self) -> None:
        """Bring every card up to date."""
        try:
            found = await asyncio.to_thread(showing, self.store)
        except Exception:
            log.exception("The cards could not be read from the database")
            return
        for job, place in found:
            try:
                await self._update(job, place)
            except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
                log.warning("The card of job %s could not be shown now: %s", job.id, error)
            except Exception:
                log.exception("The card of job %s could not be shown", job.id)
        ids = {job.id for job, _ in found}
        self._texts = {job_id: text for job_id, text in self._texts.items() if job_id in ids}
        self._gone &= ids

    async def _update(self, job: Job, place: int) -> None:
        card = render(job, place, texts(job.locale))
        if job.id in self._gone or self._texts.get(job.id) == card.text:
            return
        if job.card_message_id is None:
            await self._post(job.id)
        else:
            await self._edit(job, card)

    async def _post(self, job_id: str) -> None:
        async with self._posting:
            job, place = await asyncio.to_thread(one, self.store, job_id)
            card = render(job, place, texts(job.locale))
            if job.card_message_id is not None or card.final:
                return
            view = cancel_view(job.id, texts(job.locale)("card.cancel"))

            async def send(place: Place) -> discord.Message:
                return await place.send(card.text, view=view, nonce=f"card{job.id[:20]}")

            message = await post(self.bot, job.channel_id, job.user_id, send)
            if message is None:
                self._gone.add(job.id)
                return
            self._texts[job.id] = card.text
            try:
                await asyncio.to_thread(remember, self.store, job.id, message.channel.id, message.id)
            except NotFound:
                await message.delete()

    async def _edit(self, job: Job, card: Card) -> None:
        channel = self.bot.get_partial_messageable(job.card_channel_id or 0)
        message = channel.get_partial_message(job.card_message_id or 0)
        view = None if card.final else cancel_view(job.id, texts(job.locale)("card.cancel"))
        try:
            await message.edit(content=card.text, view=view)
        except (discord.NotFound, discord.Forbidden):
            self._gone.add(job.id)
            return
        self._texts[job.id] = card.text
