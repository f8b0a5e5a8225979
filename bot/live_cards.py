"""One private card per job, kept up to date while the job and the card's token live, across restarts of the bot."""

import asyncio
import logging
from collections.abc import Callable

import discord
from discord.ext import commands, tasks

from bot.messages.card import farewell, render
from bot.messages.faults import asked_pause, is_reply_over, out_of_reach
from bot.messages.private import PrivateCards
from bot.texts.sentences import Texts, texts
from store import Job, NotFound, Store
from store.replies import token_of
from store.tables import now
from store.use_cases import PlacedJob, jobs_with_cards, placed_job, release_reply

log = logging.getLogger(__name__)
LAST_WORD = 60.0
"""Seconds before the token's end in which the card says where the job goes on."""


class LiveCards(commands.Cog):
    """Edits the cards, with the buttons of `controls(job_id, say)`. What is in memory only spares edits."""

    def __init__(
        self, store: Store, seconds: float, private: PrivateCards, controls: Callable[[str, Texts], discord.ui.View]
    ) -> None:
        self.store, self.private, self.controls = store, private, controls
        self._texts: dict[str, str] = {}
        self._previewed: set[str] = set()
        self._not_before: dict[str, float] = {}
        self._loop = tasks.loop(seconds=seconds)(self.refresh)

    async def cog_load(self) -> None:
        """Start with the bot."""
        self._loop.start()

    async def cog_unload(self) -> None:
        """Stop with the bot."""
        self._loop.cancel()

    async def show(self, job_id: str) -> None:
        """Answer with the card of a job that was just queued; the loop does it later if this fails."""
        try:
            await self._update(job_id)
        except Exception as error:
            log.warning("The card of job %s could not be shown yet: %s", job_id, error)

    async def refresh(self) -> None:
        """Bring every card up to date."""
        try:
            shown = await asyncio.to_thread(jobs_with_cards, self.store)
        except Exception:
            log.exception("The cards could not be read from the database")
            return
        for placed in shown:
            job = placed.job
            text = self._text(placed)
            if self._texts.get(job.id) == text or now() < self._not_before.get(job.id, 0.0):
                continue
            try:
                await self._update(job.id)
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
        self._previewed &= ids

    async def _update(self, job_id: str) -> None:
        """Show the job as it is once its card's turn has come; a card that Discord takes no more is let go."""
        async with self.private.turn(job_id):
            placed = await asyncio.to_thread(placed_job, self.store, job_id)
            job = placed.job
            token = token_of(job)
            if token is None or not placed.has_card:
                return
            text, last = self._text(placed), _ends_soon(job)
            controls = None if last else self.controls(job.id, texts(job.locale))
            preview = None if job.id in self._previewed else _file(placed)
            try:
                await self.private.edit(token, text, controls, None if preview is None else [preview])
                self._previewed |= set() if preview is None else {job.id}
            except discord.HTTPException as error:
                if not is_reply_over(error):
                    raise
                last = True
            if last:
                await asyncio.to_thread(release_reply, self.store, job.id)
            self._texts[job.id] = text

    def _text(self, placed: PlacedJob) -> str:
        job, say = placed.job, texts(placed.job.locale)
        if _ends_soon(job):
            return farewell(job, say)
        return render(job, placed.place, say, placed.wait, preview=placed.preview is not None)


def _file(placed: PlacedJob) -> discord.File | None:
    """What can be heard of the job already; None if there is nothing, or nothing any more."""
    try:
        return None if placed.preview is None else discord.File(placed.preview)
    except FileNotFoundError:
        return None


def _ends_soon(job: Job) -> bool:
    return job.reply_until is not None and now() > job.reply_until - LAST_WORD
