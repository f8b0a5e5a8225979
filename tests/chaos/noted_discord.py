"""A Discord in a file: what was sent and deleted outlives every process. It knows nonces for a while, as the real one.

It takes the place of the client of discord.py below the real delivery and the real removal.
"""

import asyncio
import json
import random
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import discord

from store.tables import now
from tests.chaos.schedule import What

KNOWS_NONCES = 5.0
"""Seconds; far longer than the bot believes in `hurry`, for the two cores of a test may be busy."""
BOT_ID = 1
ANSWER_SECONDS = 0.2


@dataclass(frozen=True)
class Sent:
    """A message as Discord has it."""

    id: int
    channel_id: int
    content: str
    nonce: str
    at: float
    files: int
    components: tuple[Any, ...] = ()

    @property
    def author(self) -> "Whoever":
        """The bot."""
        return Whoever(BOT_ID)

    @property
    def channel(self) -> "Whoever":
        """Where it was sent."""
        return Whoever(self.channel_id)


@dataclass(frozen=True)
class Whoever:
    """Whatever has an id only."""

    id: int


@dataclass(frozen=True)
class NotedDiscord:
    """The file, and another that says what is wrong with Discord while it is there."""

    file: Path
    trouble: Path

    def sent(self) -> list[Sent]:
        """Every message that was ever sent."""
        return [Sent(**line["sent"]) for line in self.lines() if "sent" in line]

    def shown(self) -> list[Sent]:
        """The messages that were not deleted."""
        gone = {line["deleted"] for line in self.lines() if "deleted" in line}
        return [message for message in self.sent() if message.id not in gone]

    def wrong(self) -> str:
        """What is wrong now, or nothing."""
        try:
            return self.trouble.read_text()
        except FileNotFoundError:
            return ""

    def note(self, **line: Any) -> None:
        """Add a line; it is there whole or not at all."""
        with self.file.open("ab", buffering=0) as file:
            file.write(json.dumps(line).encode() + b"\n")

    def lines(self) -> list[dict[str, Any]]:
        """All that was noted, in its order."""
        return [json.loads(line) for line in self.file.read_bytes().splitlines()] if self.file.exists() else []


@dataclass(frozen=True)
class Answer:
    """Discord's refusal, as its errors want it."""

    status: int
    reason: str


@dataclass
class Client:
    """Those methods of a bot that delivery and removal call."""

    discord: NotedDiscord
    rng: random.Random
    user: Whoever = field(default_factory=lambda: Whoever(BOT_ID))
    application_id: int = BOT_ID
    http: Any = field(default_factory=lambda: SimpleNamespace(_HTTPClient__session=None, proxy=None, proxy_auth=None))

    def get_partial_messageable(self, channel_id: int) -> "Channel":
        """A channel."""
        return Channel(channel_id, self)

    async def create_dm(self, user: Any) -> "Channel":
        """A member's own channel."""
        return Channel(user.id, self, direct=True)

    def answer(self, *, speaking: bool = False) -> None:
        """Raise what is wrong with Discord; a channel that is shut takes no message, and shows and deletes others."""
        match self.discord.wrong():
            case What.AWAY:
                raise aiohttp.ClientConnectionError("away")
            case What.DOWN:
                raise discord.DiscordServerError(Answer(503, "Service Unavailable"), "down")  # type: ignore[arg-type]
            case What.SHUT if speaking:
                raise discord.Forbidden(Answer(403, "Forbidden"), "Missing Permissions")  # type: ignore[arg-type]


@dataclass(frozen=True)
class Channel:
    """A channel, or one message in it."""

    id: int
    client: Client
    message_id: int = 0
    direct: bool = False

    async def send(self, text: str, *, files: Sequence[Any], nonce: str, **_: Any) -> Sent:
        """Send once for a nonce; if Discord goes away meanwhile, its answer or the message is lost."""
        noted = self.client.discord
        lost_on_the_way = self.client.rng.random() < 0.5
        if lost_on_the_way or noted.wrong() == What.SHUT:
            self.client.answer(speaking=not self.direct)
        for earlier in noted.sent():
            if earlier.nonce == nonce and earlier.channel_id == self.id and now() - earlier.at < KNOWS_NONCES:
                return earlier
        sent = Sent(secrets.randbits(48), self.id, text, nonce, now(), len(files))
        noted.note(sent=vars(sent))
        await asyncio.sleep(self.client.rng.uniform(0.0, ANSWER_SECONDS))
        self.client.answer()
        return sent

    async def history(self, *, after: datetime, limit: int) -> AsyncIterator[Sent]:
        """The messages here since a time."""
        self.client.answer()
        here = [one for one in self.client.discord.shown() if one.channel_id == self.id]
        for message in [one for one in here if one.at > after.timestamp()][:limit]:
            yield Found(**vars(message), client=self.client)

    def get_partial_message(self, message_id: int) -> "Channel":
        """One message here."""
        return Channel(self.id, self.client, message_id)

    async def delete(self) -> None:
        """Delete the message."""
        self.client.answer()
        self.client.discord.note(deleted=self.message_id)


@dataclass(frozen=True, kw_only=True)
class Found(Sent):
    """A message of the history, that can be deleted."""

    client: Client

    async def delete(self) -> None:
        """Delete it."""
        await Channel(self.channel_id, self.client, self.id).delete()
