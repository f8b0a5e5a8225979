"""One card per job, identified by its row and kept up to date until the job has ended, across restarts of the bot."""

import asyncio
import logging
from collections.abc import Callable

import discord
from discord.ext import commands, tasks

from bot.messages.card import Card, render
from bot.messages.faults import asked_pause, out_of_reach
from bot.messages.post import Place, earlier, is_card_of, post
from bot.texts.sentences import Texts, texts
from store import Job, NotFound, Store
from store.tables import now
from store.use_cases import PlacedJob, begin_card, jobs_with_cards, keep_card, placed_job

log = logging.getLogger(__name__)


class LiveCards(commands.Cog):
    """Posts and edits the cards with the buttons of `controls(job_id, say)`. What is in memory only spares edits."""

    def __init__(
        self, bot: commands.Bot, store: Store, seconds: float, controls: Callable[[str, Texts], discord.ui.View]
    ) -> None:
        self.bot, self.store, self.controls = bot, store, controls
        self._texts: dict[str, str] = {}
        self._unreachable: set[str] = set()
        self._not_before: dict[str, float] = {}
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
            await self._update(await asyncio.to_thread(placed_job, self.store, job_id))
        except Exception as error:
            log.warning("The card of job %s could not be posted yet: %s", job_id, error)

    async def refresh(self) -> None:
        """Bring every card up to date."""
        try:
            shown = await asyncio.to_thread(jobs_with_cards, self.store)
        except Exception:
            log.exception("The cards could not be read from the database")
            return
        for placed in shown:
            job = placed.job
            try:
                await self._update(placed)
            except NotFound:
                continue  # forgotten meanwhile
            except Exception as error:
                self._not_before[job.id] = now() + asked_pause(error)
                if out_of_reach(error) or isinstance(error, discord.HTTPException):
                    log.warning("The card of job %s could not be shown now: %s", job.id, error)
                else:
                    log.exception("The card of job %s could not be shown", job.id)
        ids = {placed.job.id for placed in shown}
        self._texts = {job_id: text for job_id, text in self._texts.items() if job_id in ids}
        self._not_before = {job_id: time for job_id, time in self._not_before.items() if job_id in ids}
        self._unreachable &= ids

    async def _update(self, placed: PlacedJob) -> None:
        job = placed.job
        card = render(job, placed.place, texts(job.locale), placed.wait)
        if job.id in self._unreachable or self._texts.get(job.id) == card.text:
            return
        if now() < self._not_before.get(job.id, 0.0):
            return
        if job.card_message_id is None:
            await self._post(job.id)
        else:
            await self._edit(job, card)

    async def _post(self, job_id: str) -> None:
        async with self._posting:
            placed = await asyncio.to_thread(placed_job, self.store, job_id)
            job, say = placed.job, texts(placed.job.locale)
            card = render(job, placed.place, say, placed.wait)
            if job.card_message_id is not None or card.final:
                return

            async def send(place: Place) -> discord.Message:
                await asyncio.to_thread(begin_card, self.store, job.id, place.id)
                return await place.send(card.text, view=self.controls(job.id, say), nonce=f"card{job.id[:20]}")

            there, since = job.card_channel_id, job.card_tried_at
            message = await earlier(self.bot, there, since, lambda m: is_card_of(m, job.id))
            message = message or await post(self.bot, job.channel_id, job.user_id, send)
            if message is None:
                self._unreachable.add(job.id)
                return
            await asyncio.to_thread(keep_card, self.store, job.id, message.channel.id, message.id)
            self._texts[job.id] = message.content

    async def _edit(self, job: Job, card: Card) -> None:
        channel = self.bot.get_partial_messageable(job.card_channel_id or 0)
        message = channel.get_partial_message(job.card_message_id or 0)
        view = None if card.final else self.controls(job.id, texts(job.locale))
        try:
            await message.edit(content=card.text, view=view)
        except (discord.NotFound, discord.Forbidden):
            self._unreachable.add(job.id)
            return
        self._texts[job.id] = card.text
