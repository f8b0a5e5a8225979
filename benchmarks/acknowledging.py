"""How soon a member has an answer beside a long line: `python -m benchmarks.acknowledging [JOBS]`.

With an empty PostgreSQL database in DATABASE_URL it measures that one, beside JOBS alone.

The real bot in a simulated Discord, beside 50 and beside JOBS (5 000) waiting jobs that all have a card and have just
moved up, after a history of 20 000 ended ones, while two workers sweep every second. Each command falls into a round of
the cards. Prints milliseconds (median and 99th percentile) from the command to the first answer, to what the member
reads, and from the beginning of a round to its first edit, when every card has been compared.
"""

import asyncio
import math
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import simcord
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.http import FakeWebhookAdapter

from benchmarks.retention import fill
from benchmarks.waiting import FEW, HISTORY, MANY, beside, keep_cards, stand_in_line
from bot.app import DiscoverBot
from bot.settings import BotSettings
from store import Store, StoreSettings, open_store
from store.use_cases import take_next_job
from worker.doorbell import Doorbell
from worker.valkey import EmbeddedValkey

COMMANDS = 60
"""Of each kind, each by another member; with so few the 99th percentile is the longest."""
ROUNDS = 3
"""Rounds of cards in a row, each until its first edit, in which a command falls: the simulated clock ends none."""
PHASE_SECONDS = 0.2
"""A command comes at any time of the first round, where the line is read."""
WORKERS = (1.0, "v"), (1.0, "w")
OURS = "token%20"
"""Begins the tokens of the cards that `stand_in_line` made: Discord takes each of their edits at once."""
Answers = dict[str, list[float]]


@dataclass
class Discord:
    """When the answers of the bot arrive, by the clock: of a member's command, and of a round of cards."""

    acknowledged: float = 0.0
    read: float = 0.0
    edited: float = 0.0
    token: str = ""
    kept: Answers = field(default_factory=dict)

    def forget(self) -> None:
        """A command comes."""
        self.acknowledged = self.read = 0.0
        self.token = ""

    def take(self, method: str, url: str) -> bool:
        """Note an answer; False: of a card that the simulation does not know."""
        moment = time.perf_counter()
        if OURS in url:
            self.edited = self.edited or moment
            return False
        if url.endswith("/callback"):
            self.acknowledged, self.token = moment, url.split("/")[-2]
        elif method != "GET" and self.token and self.token in url:
            self.read = self.read or moment
        return True

    def keep(self, name: str, seconds: float) -> None:
        """Keep what was measured, in milliseconds."""
        self.kept.setdefault(name, []).append(1000 * seconds)


@contextmanager
def arriving(at: Discord) -> Iterator[None]:
    """Let the answers of all bots arrive there."""
    request: Any = FakeWebhookAdapter.request

    async def noted(self: Any, route: Any, session: Any, **more: Any) -> Any:
        return await request(self, route, session, **more) if at.take(route.method, route.url) else None

    with patch.object(FakeWebhookAdapter, "request", noted):
        yield


@dataclass
class Scene:
    """A running bot, and members that use it."""

    bot: DiscoverBot
    store: Store
    channel: ChannelHandle
    members: list[MemberActor]
    discord: Discord

    async def perform(self, name: str, command: Callable[[MemberActor], Awaitable[object]]) -> None:
        """Each member uses a command while the cards are brought up to date."""
        for member in self.members:
            take_next_job(self.store, "w")
            self.discord.forget()
            going = asyncio.create_task(self.refresh())
            await asyncio.sleep(random.uniform(0.0, PHASE_SECONDS))
            asked = time.perf_counter()
            await command(member)
            await going
            self.discord.keep(f"{name}: first answer", self.discord.acknowledged - asked)
            if self.discord.read:
                self.discord.keep(f"{name}: what it says", self.discord.read - asked)

    async def refresh(self) -> None:
        """Bring the cards up to date, a few times."""
        for _ in range(ROUNDS):
            began, self.discord.edited = time.perf_counter(), 0.0
            await self.bot.cards.refresh()
            if self.discord.edited:
                self.discord.keep("a round of cards, until its first edit", self.discord.edited - began)


@asynccontextmanager
async def scene(store: Store, redis_url: str) -> AsyncIterator[Scene]:
    """The bot with a server of so many members as there are commands."""
    discord = Discord()
    bot = DiscoverBot(store, Doorbell(redis_url), BotSettings(discord_token=None, card_seconds=600.0))
    bot.cards.seconds = 0.0
    with arriving(discord):
        async with simcord.run(bot, check_errors=False, settle_timeout=60.0) as env:
            guild = env.create_guild()
            members = [guild.add_member(env.create_user(f"m{number}")) for number in range(COMMANDS)]
            yield Scene(bot, store, guild.create_text_channel("general"), members, discord)


async def measured(store: Store, redis_url: str) -> Answers:
    """What members wait for."""
    async with scene(store, redis_url) as at:
        await at.perform("/match", lambda member: member.slash(at.channel, "match", note1=("a.ogg", b"note")))
        await at.perform("/jobs", lambda member: member.slash(at.channel, "jobs"))
        await at.perform("/cover, a title", lambda member: member.autocomplete(at.channel, "cover", "title", "a"))
        return at.discord.kept


def beside_line(count: int, redis_url: str) -> Answers:
    """The same beside so many waiting jobs."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(StoreSettings(data_dir=Path(folder)))
        fill(store, HISTORY)
        stand_in_line(store, count)
        keep_cards(store)
        with beside(folder, WORKERS):
            kept = asyncio.run(measured(store, redis_url))
        store.engine.dispose()
    return kept


def told(taken: list[float]) -> str:
    """Median and 99th percentile."""
    return f"{statistics.median(taken):>10.0f} {sorted(taken)[math.ceil(0.99 * len(taken)) - 1]:>6.0f}"


def main() -> None:
    """Measure beside few and beside many waiting jobs, and print a table."""
    many = int(sys.argv[1]) if len(sys.argv) > 1 else MANY
    counts = (many,) if StoreSettings().on_server else (FEW, many)
    with tempfile.TemporaryDirectory() as folder, EmbeddedValkey(Path(folder)) as valkey:
        columns = [beside_line(count, valkey.url) for count in counts]
    print(f"{'milliseconds beside':<40}" + "".join(f" {count:>17}" for count in counts))
    for name in sorted(columns[0].keys() & columns[-1].keys()):
        print(f"{name:<40}" + "".join(f" {told(column[name])}" for column in columns))


if __name__ == "__main__":
    main()
