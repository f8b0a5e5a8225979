"""The private cards of a Discord in a file: answers to interactions, edited through their tokens, closed by members."""

import asyncio
import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import discord

from store import Job
from tests.chaos.noted_discord import ANSWER_SECONDS, Answer, Client, NotedDiscord

CLOSED = 0.15
"""How many members close a card, and so soon that it is edited this often at most."""
MOST_EDITS = 4


@dataclass
class NotedCard:
    """A card as its member saw it: of which jobs, each state by who wrote it (`state`, `result`), and its files now."""

    until: float
    edits: list[str] = field(default_factory=list)
    jobs: set[str] = field(default_factory=set)
    files: int = 0
    removed: bool = False
    closed_after: int | None = None

    @property
    def in_reach(self) -> bool:
        """Whether Discord still takes its token."""
        closed = self.closed_after is not None and len(self.edits) >= self.closed_after
        return not (self.removed or closed) and time.monotonic() < self.until

    @property
    def shows_result(self) -> bool:
        """Whether what stands there is the job's end."""
        return bool(self.edits) and self.edits[-1] == "result"


def answer(noted: NotedDiscord, rng: random.Random, seconds: float) -> str:
    """A member's interaction is answered: the token that edits the answer for so long."""
    token = f"{rng.getrandbits(64):x}"
    closed = rng.randint(1, MOST_EDITS) if rng.random() < CLOSED else None
    noted.note(card=token, token=token, until=time.monotonic() + seconds, closed_after=closed)
    return token


def answer_again(noted: NotedDiscord, rng: random.Random, card: str, seconds: float) -> str:
    """A button of that card is pressed: another token for it."""
    token = f"{rng.getrandbits(64):x}"
    noted.note(card=card, token=token, until=time.monotonic() + seconds)
    return token


def cards(noted: NotedDiscord) -> dict[str, NotedCard]:
    """Every card by every token that edits it."""
    found: dict[str, NotedCard] = {}
    for line in noted.lines():
        match line:
            case {"card": card, "token": token, "until": until}:
                found[token] = found.get(card) or NotedCard(until, closed_after=line.get("closed_after"))
                found[token].until = until
            case {"edited": token, "by": by, "job": job, "files": files}:
                card = found[token]
                card.edits.append(by)
                card.jobs |= {job} if job else set()
                card.files = card.files if files is None else files
            case {"removed": token}:
                found[token].removed = True
    return found


def state_controls(job_id: str, _: Any) -> discord.ui.View:
    """In place of a card's buttons: who wrote it."""
    return _marked(f"state {job_id}")


def result_controls(job: Job, _: Any) -> discord.ui.View:
    """In place of a result's buttons: who wrote it."""
    return _marked(f"result {job.id}")


def _marked(mark: str) -> discord.ui.View:
    view = discord.ui.View()
    view.add_item(discord.ui.Button(label="-", custom_id=mark))
    return view


@dataclass(frozen=True)
class NotedAnswers:
    """Those calls for interactions' answers that the bot makes below discord.py's objects."""

    client: Client

    async def edit_original_interaction_response(
        self, application_id: int, token: str, *, payload: Any, multipart: Any, files: Any, **_: Any
    ) -> None:
        """Edit the card; if Discord goes away meanwhile, its answer or the edit is lost."""
        shown = payload or json.loads(multipart[0]["value"])
        await self._take(token, lambda: self._edited(token, shown, files))

    async def delete_original_interaction_response(self, application_id: int, token: str, **_: Any) -> None:
        """Delete the card."""
        await self._take(token, lambda: {"removed": token})

    async def _take(self, token: str, line: Any) -> None:
        if self.client.rng.random() < 0.5:
            self.client.answer()
        if not cards(self.client.discord)[token].in_reach:
            raise discord.NotFound(Answer(404, "Not Found"), "Unknown Webhook")  # type: ignore[arg-type]
        self.client.discord.note(**line())
        await asyncio.sleep(self.client.rng.uniform(0.0, ANSWER_SECONDS))
        self.client.answer()

    @staticmethod
    def _edited(token: str, shown: Mapping[str, Any], files: Sequence[Any] | None) -> dict[str, Any]:
        rows = shown.get("components") or [{"components": [{"custom_id": "state "}]}]
        by, job = rows[0]["components"][0]["custom_id"].split(" ")
        keeps = "attachments" not in shown
        return {"edited": token, "by": by, "job": job, "files": None if keeps else len(files or ())}
