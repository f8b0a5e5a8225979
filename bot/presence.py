"""The bot gives a sign of life while Discord has it online."""

import asyncio
import contextlib
import logging
import os
import secrets
import socket

from discord.ext import commands, tasks

from store import Store
from store.shards import ALL, Shards
from store.use_cases import end_life, show_life

log = logging.getLogger(__name__)

SECONDS = 15.0


class Presence(commands.Cog):
    """The loop that writes it; a bot that ends as planned takes it back."""

    def __init__(self, bot: commands.AutoShardedBot, store: Store, shards: Shards = ALL) -> None:
        self.bot, self.store = bot, store
        self.role = "bot" if shards.are_all else f"bot (shards {shards})"
        self.process = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._loop = tasks.loop(seconds=SECONDS)(self.show)

    async def cog_load(self) -> None:
        """Start with the bot."""
        self._loop.start()

    async def cog_unload(self) -> None:
        """Stop with the bot."""
        self._loop.cancel()
        with contextlib.suppress(Exception):  # then it is seen to be silent
            await asyncio.to_thread(end_life, self.store, self.process)

    async def show(self) -> None:
        """Write the sign, if Discord is there."""
        if not self.bot.is_ready():
            return
        try:
            await asyncio.to_thread(show_life, self.store, self.process, self.role)
        except Exception as error:
            log.warning("The bot's sign of life could not be written: %s", error)
