"""In an archived thread nothing can be changed or deleted, so it is opened for a moment."""

import contextlib
from collections.abc import AsyncIterator

import aiohttp
import discord


@contextlib.asynccontextmanager
async def opened_thread(client: discord.Client, channel_id: int) -> AsyncIterator[None]:
    """An archived thread is open inside, and archived again after. Raises as Discord does where the bot may not."""
    thread = await client.fetch_channel(channel_id)
    if not isinstance(thread, discord.Thread):
        yield
        return
    await thread.edit(archived=False)
    try:
        yield
    finally:
        with contextlib.suppress(discord.DiscordException, aiohttp.ClientError):  # it archives itself in time
            await thread.edit(archived=True)
