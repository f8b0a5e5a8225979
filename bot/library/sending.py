"""What both commands share: the way of songs that are sent, and lists in pages, with a button an entry."""

import asyncio
from collections.abc import Sequence

import discord

from bot.interactions.attachments import check, download
from bot.interactions.layouts import ROWS, TEXT, AnyView, list_of
from bot.interactions.pages import PageButton, page_line, pages, within
from bot.interactions.services import Interaction, Services
from bot.library.removing import LibraryRemove
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


def listing(
    entries: Sequence[tuple[int, str]], entry: LibraryEntry, turn: type[PageButton], say: Texts, page: int = 1
) -> tuple[str, AnyView | None]:
    """One page of the server's own entries (number, line), each with a button to remove it, and how many there are."""
    if not entries:
        return say(f"library.none.{entry.value}"), None
    title = say(f"library.title.{entry.value}", number=len(entries))
    cut = pages(entries, lambda some: "\n".join(line for _, line in some), ROWS, TEXT)
    page = within(page, len(cut))
    rows = [
        (line, LibraryRemove.labelled(say("library.remove"), entry=entry.value, number=number))
        for number, line in cut[page - 1]
    ]
    return "", list_of(title, rows, page_line(page, len(cut), say), turn.around(page, len(cut), say))
