"""One private card per job, kept up to date while the job and the card's token live, across restarts of the bot."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import TypeVar

import discord
from discord.ext import commands, tasks

from bot.faults import asked_pause, is_reply_over, out_of_reach
from bot.messages.card import farewell, minutes_until, render, status
from bot.messages.private import PrivateCards
from bot.texts.sentences import Texts, texts
from store import Job, JobState, NotFound, Store
from store.line import NOWHERE, InLine, Place
from store.missing import NoSuchJob
from store.replies import token_of
from store.shards import ALL, Shards
from store.tables import now
from store.use_cases import CardState, PlacedJob, cards_to_show, job_row, placed_job, release_reply

log = logging.getLogger(__name__)
Face = str | tuple[int, int, bool, float]
LATER = "later"
Card = CardState | InLine
Shown = TypeVar("Shown")
LAST_WORD = 60.0
"""Seconds before the token's end in which the card says where the job goes on."""


class LiveCards(commands.Cog):
    """Edits the cards, with the buttons of `controls(job_id, say)`. What is in memory only spares edits.

    A round ends after `seconds`: the next one knows new places. Jobs that work come first, then whose card was shown
    longest ago.
    """

    def __init__(
        self,
        store: Store,
        seconds: float,
        private: PrivateCards,
        controls: Callable[[str, Texts], discord.ui.View],
        shards: Shards = ALL,
    ) -> None:
        self.store, self.private, self.controls, self.shards = store, private, controls, shards
        self.seconds = seconds
        self._shown: dict[str, Face] = {}
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
        """Bring the cards up to date that have news."""
        began, shown = time.monotonic(), dict(self._shown)
        try:
            cards, news = await asyncio.to_thread(_news, self.store, shown, self.shards)
        except Exception:
            log.exception("The cards could not be read from the database")
            return
        for job_id in shown.keys() - cards:
            self._shown.pop(job_id, None)
        self._previewed &= cards
        self._not_before = {job_id: until for job_id, until in self._not_before.items() if until > now()}
        for card in news:
            if card.id in self._not_before:
                continue
            await self._bring_up_to_date(card)
            if time.monotonic() - began >= self.seconds:
                return

    async def _bring_up_to_date(self, card: Card) -> None:
        """Show what is new, or when Discord takes it."""
        try:
            await self._update(card.id, card if isinstance(card, InLine) else None)
        except NotFound:
            return  # forgotten meanwhile
        except Exception as error:
            self._not_before[card.id] = now() + asked_pause(error)
            if out_of_reach(error) or isinstance(error, discord.HTTPException):
                log.warning("The card of job %s could not be shown now: %s", card.id, error)
            else:
                log.exception("The card of job %s could not be shown", card.id)

    async def _update(self, job_id: str, known: InLine | None = None) -> None:
        """Show the job as it is once its card's turn has come; a card that Discord takes no more is let go."""
        async with self.private.turn(job_id):
            placed = await asyncio.to_thread(self._placed, job_id, known)
            job = placed.job
            token = token_of(job)
            if token is None or not placed.has_card:
                return
            say, last = texts(job.locale), _ends_soon(job.reply_until, now())
            heard = placed.preview is not None
            text = farewell(job, say) if last else _text(placed, say)
            stays = heard and job.id in self._previewed
            try:
                controls = None if last else self.controls(job.id, say)
                files = [] if last else None if stays else _files(placed)  # nobody could take it off the last card
                await self.private.edit(token, text, controls, files)
                self._previewed = self._previewed | {job.id} if heard else self._previewed - {job.id}
            except discord.HTTPException as error:
                if not is_reply_over(error):
                    raise
                last = True
            if last:
                await asyncio.to_thread(release_reply, self.store, job.id)
            place = Place(placed.place, placed.wait, placed.stranded)
            self._shown.pop(job.id, None)  # so that the dictionary is in the order in which they were shown
            self._shown[job.id] = _face(job, place, heard, now())

    def _placed(self, job_id: str, known: InLine | None) -> PlacedJob:
        """The job as it is, in the place that is known if it had one just now. Raises NotFound."""
        if known is None:
            return placed_job(self.store, job_id)
        if (job := job_row(self.store, job_id)) is None:
            raise NoSuchJob
        return PlacedJob(job, *known.place)


def _news(store: Store, shown: Mapping[str, Face], shards: Shards) -> tuple[set[str], Iterable[Card]]:
    """The ids of all cards, and those that show something else than their rows say, in the order to edit them."""
    cards, moment = cards_to_show(store, shards), now()
    working = {
        card.id: card for card in cards.working if shown.get(card.id) != _face(card, NOWHERE, card.has_preview, moment)
    }
    waiting = {card.id: card for card in cards.line if shown.get(card.id) != _face_in_line(card, moment)}
    return set(cards.ids), chain(_in_turn(working, shown), _in_turn(waiting, shown))


def _in_turn(news: Mapping[str, Shown], shown: Mapping[str, Face]) -> Iterator[Shown]:
    """What was never shown first, then what was shown longest ago: one by one, for a round may end before the last."""
    yield from (card for job_id, card in news.items() if job_id not in shown)
    yield from (news[job_id] for job_id in shown if job_id in news)


def _files(placed: PlacedJob) -> list[discord.File]:
    """What can be heard of the job already, if it is still there."""
    with contextlib.suppress(FileNotFoundError):
        return [] if placed.preview is None else [discord.File(placed.preview)]
    return []


def _text(placed: PlacedJob, say: Texts) -> str:
    heard = placed.preview is not None
    return render(placed.job, placed.place, say, placed.wait, preview=heard, stranded=placed.stranded)


def _face(job: Job | CardState, place: Place, heard: bool, moment: float) -> Face:
    """What of the card changes; of a job that waits the numbers, since there may be thousands."""
    if _ends_soon(job.reply_until, moment):
        return LATER
    if job.state is JobState.QUEUED and not job.cancel_requested:
        return place.number, minutes_until(place.seconds), place.stranded, job.progress
    return status(job, place.number, texts(job.locale), place.seconds, stranded=place.stranded) + ("♪" if heard else "")


def _face_in_line(card: InLine, moment: float) -> Face:
    """`_face` of a job in line, of which there may be thousands."""
    if _ends_soon(card.reply_until, moment):
        return LATER
    return card.number, minutes_until(card.wait), card.stranded, card.progress


def _ends_soon(reply_until: float | None, moment: float) -> bool:
    return reply_until is not None and moment > reply_until - LAST_WORD
