"""The bot as a whole: light, without privileged intents, clear about a bad token."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import aiohttp
import discord
import pytest
from discord.http import HTTPClient
from pydantic import SecretStr

from bot.app import DiscoverBot, run
from bot.errors import BotError, NoToken, Unreachable, WrongToken
from bot.help import HelpCog
from bot.settings import BotSettings
from store import Store
from worker.doorbell import Doorbell

PROBE = """
import sys
from pathlib import Path
from bot.app import DiscoverBot
from bot.help import HelpCog
from bot.settings import BotSettings
from store import StoreSettings, open_store
from worker.doorbell import Doorbell
store = open_store(StoreSettings(data_dir=sys.argv[1], database_url=""))
DiscoverBot(store, Doorbell("redis://127.0.0.1:1"), BotSettings(discord_token=None))
status = Path("/proc/self/status").read_text()  # ru_maxrss would count the memory of the parent at the fork
print(int(status.split("VmHWM:")[1].split()[0]) / 1024)
print(" ".join(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_the_bot_is_light(tmp_path: Path) -> None:
    probe = [sys.executable, "-c", PROBE, str(tmp_path)]
    out = subprocess.run(probe, capture_output=True, text=True, check=True).stdout.splitlines()
    megabytes, modules = float(out[0]), set(out[1].split())
    heavy = {"torch", "numpy", "av", "scipy", "librosa", "models", "pipeline", "cli", "transformers", "onnxruntime"}
    assert not modules & heavy
    assert megabytes < 150


def test_the_bot_asks_for_no_privileged_intent(make_bot: Callable[[], DiscoverBot]) -> None:
    bot = make_bot()
    intents = bot.intents
    assert not (intents.members or intents.presences or intents.message_content)
    assert bot.allowed_mentions is not None
    payload: object = bot.allowed_mentions.to_dict()
    assert payload == {"parse": []}


@pytest.mark.parametrize("token", [None, "", "  "])
def test_a_missing_token_is_one_sentence(store: Store, token: str | None) -> None:
    with pytest.raises(NoToken, match="DISCORD_TOKEN is not set"):
        run(
            store,
            Doorbell("redis://127.0.0.1:1"),
            BotSettings(discord_token=None if token is None else SecretStr(token)),
        )


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (discord.LoginFailure("Improper token"), WrongToken),
        (aiohttp.ClientConnectionError(), Unreachable),
        (TimeoutError(), Unreachable),
    ],
)
def test_a_log_in_that_fails_is_one_sentence(
    store: Store, monkeypatch: pytest.MonkeyPatch, trouble: Exception, error: type[BotError]
) -> None:
    async def refuse(self: HTTPClient, token: str) -> None:
        raise trouble

    monkeypatch.setattr(HTTPClient, "static_login", refuse)
    with pytest.raises(error) as caught:
        run(store, Doorbell("redis://127.0.0.1:1"), BotSettings(discord_token=SecretStr("not-a-token")))
    assert isinstance(caught.value, BotError) and "\n" not in str(caught.value)
    assert "not-a-token" not in str(caught.value)


@pytest.mark.parametrize("token", ["two\nlines", "토큰", "a b"])
def test_what_cannot_be_a_token_is_not_sent(store: Store, token: str | None) -> None:
    with pytest.raises(WrongToken):
        run(
            store,
            Doorbell("redis://127.0.0.1:1"),
            BotSettings(discord_token=None if token is None else SecretStr(token)),
        )


def test_sigterm_ends_the_bot_quietly(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(self: HTTPClient, token: str) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(30)

    monkeypatch.setattr(HTTPClient, "static_login", hang)
    run(store, Doorbell("redis://127.0.0.1:1"), BotSettings(discord_token=SecretStr("not-a-token")))


async def test_closing_lets_go_of_the_queue(
    make_bot: Callable[[], DiscoverBot], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = []

    async def close(self: Doorbell) -> None:
        closed.append(self)

    monkeypatch.setattr(Doorbell, "close", close)
    bot = make_bot()
    async with bot:
        pass
    assert closed == [bot.services.doorbell]


def test_no_file_is_long() -> None:
    from pathlib import Path

    import bot

    for path in Path(bot.__file__).parent.rglob("*.py"):
        assert len(path.read_text().splitlines()) < 300, path


async def test_once_connected_one_line_says_as_whom_where_and_with_what(
    make_bot: Callable[[], DiscoverBot], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bot = make_bot()
    await bot.add_cog(HelpCog(bot.services))
    await bot.on_ready()
    said = [record.getMessage() for record in caplog.records if record.name == "bot.app"]
    assert said == [f"Connected as {bot.user} in {len(bot.guilds)} servers with /help."]
    assert not [record for record in caplog.records if "voice will NOT" in record.getMessage()]
