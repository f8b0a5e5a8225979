"""What both commands share: the way of songs that are sent, and lists in pages."""

import asyncio
from collections.abc import Sequence

import discord

from bot.interactions.attachments import check, download
from bot.interactions.components import view_of
from bot.interactions.pages import PageButton, numbered, pages, within
from bot.interactions.services import Interaction, Services
from bot.texts.sentences import Texts
from store.params import LibraryEntry, LibraryParams
from store.use_cases import LibraryRequest, check_library, request_library

PAGE = 20


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


def listing(
    lines: Sequence[str], entry: LibraryEntry, turn: type[PageButton], say: Texts, page: int = 1
) -> tuple[str, discord.ui.View | None]:
    """One page of the server's own entries, how many there are, and the buttons that turn it."""
    if not lines:
        return say(f"library.none.{entry.value}"), None
    title = say(f"library.title.{entry.value}", number=len(lines))
    cut = pages(lines, lambda some: "\n".join([title, *some]), PAGE)
    page = within(page, len(cut))
    buttons = turn.around(page, len(cut), say)
    text = numbered("\n".join([title, *cut[page - 1]]), page, len(cut), say)
    return text, view_of(*buttons) if buttons else None
