"""Ordinary messages: to the channel, or by direct message where the bot may not speak."""

from collections.abc import Awaitable, Callable

import discord

from bot.texts.names import file_name
from store import Outbox, Store
from store.use_cases import message_files

Place = discord.PartialMessageable | discord.DMChannel


async def post(
    client: discord.Client,
    channel_id: int | None,
    user_id: int,
    send: Callable[[Place], Awaitable[discord.Message]],
) -> discord.Message | None:
    """Send to the channel, else to the member; None if neither takes it.

    Errors that may pass (5xx, a lost connection) are raised.
    """
    if channel_id is not None:
        try:
            return await send(client.get_partial_messageable(channel_id))
        except (discord.Forbidden, discord.NotFound):
            pass
    try:
        return await send(await client.create_dm(discord.Object(user_id)))
    except (discord.Forbidden, discord.NotFound):
        return None


def files_of(store: Store, row: Outbox) -> list[discord.File]:
    """Fresh file objects of a message. Raises NotFound if a file is no longer kept."""
    return [discord.File(file.path, filename=file_name(file.name)) for file in message_files(store, row)]
