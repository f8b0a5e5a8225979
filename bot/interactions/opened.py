"""Answers in which members look at results again, so that what is deleted leaves none of them open.

An answer that only its member sees can be deleted by its interaction's token, and that for 15 minutes; after that
nobody but its member can close it. They are known to this process alone: a restart forgets them.
"""

import time
from dataclasses import dataclass, field

import aiohttp
import discord

TOKEN_SECONDS = 14 * 60.0
"""How long an answer is remembered: less than Discord takes its token."""


@dataclass(frozen=True)
class Answer:
    """One of them: whose, of which job, since when (seconds of the monotonic clock), and how it is deleted."""

    user_id: int
    job_id: str
    since: float
    way: discord.Webhook
    message_id: int


@dataclass
class Opened:
    """The answers that can still be deleted."""

    answers: list[Answer] = field(default_factory=list)

    def keep(self, user_id: int, job_id: str, way: discord.Webhook, message_id: int) -> None:
        """An answer was sent as this followup."""
        self.answers = [*self._alive(), Answer(user_id, job_id, time.monotonic(), way, message_id)]

    async def close(self, user_id: int, job_id: str | None = None) -> None:
        """Delete a member's answers, those of one job or all; one that is gone or out of reach stops nothing."""
        closing = [one for one in self._alive() if one.user_id == user_id and job_id in (None, one.job_id)]
        self.answers = [one for one in self._alive() if one not in closing]
        for one in closing:
            try:
                await one.way.delete_message(one.message_id)
            except (discord.DiscordException, aiohttp.ClientError, OSError):
                continue

    def _alive(self) -> list[Answer]:
        return [one for one in self.answers if time.monotonic() - one.since < TOKEN_SECONDS]
