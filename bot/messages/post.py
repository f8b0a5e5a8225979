"""Ordinary messages: by direct message or to a channel, and how they are found again."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import discord

from bot.faults import is_closed
from bot.texts.names import file_name
from store import Outbox, Store
from store.missing import FileGone
from store.patience import NONCE_SECONDS
from store.tables import now
from store.use_cases import message_files

Place = discord.PartialMessageable | discord.DMChannel
Send = Callable[[Place], Awaitable[discord.Message]]
CLOCKS_APART = 60.0  # ours and Discord's, at most
SEARCHED = 200


async def to_member(client: discord.Client, user_id: int, send: Send) -> discord.Message | None:
    """Send by direct message; None if they take none. What may pass (5xx, a lost connection) is raised."""
    try:
        return await send(await client.create_dm(discord.Object(user_id)))
    except discord.HTTPException as error:
        if not is_closed(error):
            raise
        return None


async def to_channel(client: discord.Client, channel_id: int | None, send: Send) -> discord.Message | None:
    """Send to a channel; None if the bot may not. What may pass is raised."""
    if channel_id is None:
        return None
    try:
        return await send(client.get_partial_messageable(channel_id))
    except discord.HTTPException as error:
        if not is_closed(error):
            raise
        return None


async def earlier(
    client: discord.Client, channel_id: int | None, tried_at: float | None, belongs: Callable[[discord.Message], bool]
) -> discord.Message | None:
    """What an earlier try has sent although nobody noted it; None while Discord still knows the nonce itself."""
    if channel_id is None or tried_at is None or now() - tried_at < NONCE_SECONDS:
        return None
    async for message in own_messages(client, channel_id, tried_at):
        if belongs(message):
            return message
    return None


async def own_messages(client: discord.Client, channel_id: int, since: float) -> AsyncIterator[discord.Message]:
    """The bot's messages among the first in a channel since a time; none where it may not read."""
    after = datetime.fromtimestamp(since - CLOCKS_APART, UTC)
    try:
        async for message in client.get_partial_messageable(channel_id).history(after=after, limit=SEARCHED):
            if client.user is not None and message.author.id == client.user.id:
                yield message
    except discord.HTTPException as error:
        if not is_closed(error):
            raise


def is_result_of(message: discord.Message, job_id: str) -> bool:
    """Whether a message ends this job."""
    return mark(job_id) in message.content


def mark(job_id: str) -> str:
    """The sign by which a delivered message is recognised, and by which members can name a job."""
    return job_id[:12]


def files_of(store: Store, row: Outbox) -> list[discord.File]:
    """Fresh file objects of a message. Raises NotFound if a file is no longer kept."""
    return [opened(file.path, file_name(file.name)) for file in message_files(store, row)]


def opened(path: Path, name: str) -> discord.File:
    """The file, to be sent under that name. Raises FileGone: it was removed since it was looked up."""
    try:
        return discord.File(path, filename=name)
    except FileNotFoundError as error:
        raise FileGone from error
