"""The bot's machine keeps copies of files that are in a bucket only while rows name them."""

import asyncio
import logging

from discord.ext import commands, tasks

from store import Store, near

log = logging.getLogger(__name__)

SECONDS = 60.0


class Copies(commands.Cog):
    """The loop that removes the others."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._loop = tasks.loop(seconds=SECONDS)(self.tidy)

    async def cog_load(self) -> None:
        """Start with the bot."""
        self._loop.start()

    async def cog_unload(self) -> None:
        """Stop with the bot."""
        self._loop.cancel()

    async def tidy(self) -> None:
        """Remove what no row names any more, and what is beyond the limit."""
        try:
            await asyncio.to_thread(near.sweep, self.store)
        except Exception as error:
            log.warning("Copies of files could not be tidied: %s", error)
