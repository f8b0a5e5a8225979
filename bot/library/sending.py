"""What both commands share: the way of songs that are sent, and lists in pages."""

import asyncio
from collections.abc import Sequence

import discord

from bot.interactions.attachments import check, download
from bot.interactions.services import Interaction, Services
from bot.texts.names import MESSAGE_LENGTH, shorten
from bot.texts.sentences import Texts
from store.params import LibraryEntry, LibraryParams
from store.use_cases import LibraryRequest, check_library, request_library


async def send_songs(
    services: Services, interaction: Interaction, entry: LibraryParams, songs: Sequence[discord.Attachment]
) -> None:
    """Download the songs and queue their hearing, answered by a card. Raises what `request_library` raises."""
    limit = services.settings.song_megabytes
    check(songs, len(songs), limit)
    await asyncio.to_thread(check_library, services.store, interaction.guild_id or 0, entry.entry)
    async with services.admitted(interaction) as requester:
        files = await download(services, songs, limit)
        request = LibraryRequest(entry.entry, entry.name, files, entry.singer, entry.licence)
        job = await asyncio.to_thread(request_library, services.store, requester, request)
    await services.launch(job)


def listing(lines: Sequence[str], entry: LibraryEntry, say: Texts) -> str:
    """The server's own entries, as many as a message holds, and how many there are."""
    if not lines:
        return say(f"library.none.{entry.value}")
    title = say(f"library.title.{entry.value}", number=len(lines))
    return shorten("\n".join([title, *lines]), MESSAGE_LENGTH)
