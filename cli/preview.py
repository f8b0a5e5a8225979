"""The bot in a browser, without a token and without Discord: a simulated server, the real bot and a real worker.

The server, its members and the pages are simcord's, a package of the tests. Nothing leaves this machine.
"""

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.app import DiscoverBot
from bot.settings import BotSettings
from cli.console import DeskError, console
from cli.up import start, stop
from store import Store, StoreSettings, open_store
from store.use_cases import SettingsChange, change_settings
from worker.doorbell import Doorbell
from worker.valkey import EmbeddedValkey

if TYPE_CHECKING:
    import simcord
    from simcord.actors import MemberActor
    from simcord.builders import ChannelHandle, GuildHandle
    from simcord.preview import Preview

MEMBERS = {"en": ("Mina", "Leo", "Hana"), "ko": ("민아", "준호", "하나")}
"""Two members, and a moderator."""
CHANNEL = {"en": "karaoke", "ko": "노래방"}
TICK_SECONDS = 1.0
NO_GUILD = 0
"""Where direct messages are: simcord's members all read English there."""
PREVIEW: dict[str, Any] = {"layout": "channel", "width": 960, "height": 900}


@dataclass(frozen=True)
class SimulatedServer:
    """A server of one language with one channel, two members and a moderator."""

    env: "simcord.Env"
    guild: "GuildHandle"
    channel: "ChannelHandle"
    members: tuple["MemberActor", "MemberActor"]
    moderator: "MemberActor"

    @property
    def viewers(self) -> list["MemberActor"]:
        """Everybody whose view of the channel can be looked at."""
        return [*self.members, self.moderator]


@dataclass(frozen=True)
class House:
    """A data folder with a running queue and a running worker."""

    store: Store
    redis_url: str
    worker: subprocess.Popen[bytes]


@contextmanager
def house(data: Path, settings: dict[str, str]) -> Iterator[House]:
    """Open the folder and start queue and worker on it, which reads `settings` from its environment."""
    store = open_store(StoreSettings(data_dir=data, database_url=""))
    with EmbeddedValkey(data / "valkey") as valkey:
        own = {"REDIS_URL": valkey.url, "DATA_DIR": str(data.resolve()), "DATABASE_URL": ""}
        worker = start("worker", {**os.environ, **own, **settings})
        try:
            yield House(store, valkey.url, worker)
        finally:
            stop(worker)
            store.engine.dispose()


@asynccontextmanager
async def simulated_server(at: House, language: str, began: datetime | None = None) -> AsyncIterator[SimulatedServer]:
    """The real bot in a simulated server whose language is set as moderators set it; its clock begins at `began`.

    Raises DeskError: no simcord.
    """
    bot = DiscoverBot(at.store, Doorbell(at.redis_url), BotSettings(discord_token=None))
    async with _running(bot, began) as env:
        guild = env.create_guild(name="DiscoverVoice")
        change_settings(at.store, guild.id, 0, SettingsChange(locale=language))
        bot.services.languages.update(dict.fromkeys((guild.id, NO_GUILD), language))
        first, second, moderates = MEMBERS[language]
        role = guild.create_role("moderators", permissions=_may("manage_guild"))
        yield SimulatedServer(
            env,
            guild,
            guild.create_text_channel(CHANNEL[language]),
            (guild.add_member(env.create_user(first)), guild.add_member(env.create_user(second))),
            guild.add_member(env.create_user(moderates), roles=[role]),
        )


@asynccontextmanager
async def _running(bot: DiscoverBot, began: datetime | None) -> AsyncIterator["simcord.Env"]:
    """The bot in a simulated Discord."""
    try:
        import simcord
    except ImportError as error:
        raise DeskError("The preview needs the packages of the tests: type `make install-dev`.") from error
    env = simcord.Env(bot, check_errors=False)
    clock = env.backend.clock
    if began is not None:  # before the loops begin, which would live through the time between
        clock.advance((began - clock.now()).total_seconds())
    await env.start()
    with env.time_context():
        try:
            yield env
        finally:
            await env.shutdown()


async def show(data: Path, language: str, port: int | None, *, direct: bool) -> None:
    """Serve the channel, or a member's `direct` messages, until interrupted; print the address. Raises DeskError."""
    with house(data, {}) as at:
        async with simulated_server(at, language, datetime.now(UTC)) as shown, AsyncExitStack() as page:
            preview = await _served(shown, {**PREVIEW, "port": port}, page, direct=direct)
            console.print(f"Open {preview.url}", soft_wrap=True, highlight=False)
            console.print("The worker is getting ready; Ctrl-C ends everything.")
            await keep_time(shown)


async def _served(
    shown: SimulatedServer, options: dict[str, Any], page: AsyncExitStack, *, direct: bool = False
) -> "Preview":
    """Serve the channel until `page` is closed, or the first member's direct messages with the bot.

    Raises DeskError: the port cannot be opened.
    """
    from simcord.backend.errors import SetupError

    alone = shown.members[0].user
    place, viewers = (alone.dm_channel, [alone]) if direct else (shown.channel, shown.viewers)
    try:
        return await page.enter_async_context(shown.env.preview(place, viewers=viewers, **options))
    except SetupError as error:
        raise DeskError(f"The page cannot be served ({error}). Give another port, or none for a free one.") from error


async def keep_time(server: SimulatedServer) -> None:
    """Let the server's clock go with ours until cancelled: the bot's loops sleep by it.

    A second in which somebody clicks is made up for in the next.
    """
    from simcord.backend.errors import SetupError

    passed = time.monotonic()
    while True:
        await asyncio.sleep(TICK_SECONDS)
        now = time.monotonic()
        try:
            await server.env.advance_time(now - passed)
        except SetupError:  # an action is under way
            continue
        passed = now


def _may(*rights: str) -> Any:
    import discord

    return discord.Permissions(**dict.fromkeys(rights, True))
