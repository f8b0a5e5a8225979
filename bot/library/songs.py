"""`/songs add | list | edit | remove`: the songs of a server, for `/cover` and for what `/match` suggests there."""

import asyncio
from collections.abc import Sequence

import discord
from discord import app_commands
from discord.ext import commands

from bot.interactions.attachments import name_of
from bot.interactions.layouts import AnyView
from bot.interactions.moderators import MODERATORS, admit_moderator, check_moderator
from bot.interactions.pages import PageButton
from bot.interactions.replies import replace, reply
from bot.interactions.services import Interaction, Services, services_of, texts_for
from bot.library.sending import listing, send_songs
from bot.texts.locale import label
from bot.texts.names import choice_names, safe, song_name
from bot.texts.sentences import Texts
from store import Song, Store, library
from store.library import KeyAndTempo
from store.names import fitting
from store.params import LibraryEntry, LibraryParams
from store.use_cases import edit_song, own_songs, remove_song, song_title

CHOICES = 25


def named_after(file: str) -> tuple[str, str]:
    """Title and singer of a file that is called `Singer - Title.mp3`; the whole name as a title otherwise."""
    name = song_name(file)
    singer, dash, title = name.partition(" - ")
    return (title, singer) if dash and title.strip() and singer.strip() else (name, "")


def line(song: Song, say: Texts, name: str = "", music: KeyAndTempo | None = None) -> str:
    """`Singer - Title · key Am · 92 BPM · licence`; or the name by which it is told from another one."""
    more = say("library.key", key=safe(music.key)) if music and music.key else ""
    more += say("library.tempo", tempo=music.tempo) if music and music.tempo is not None else ""
    more += say("library.licence", licence=safe(song.licence)) if song.licence else ""
    return say("library.line", name=safe(name or song_title(song)), more=more)


async def page_of(interaction: Interaction, page: int) -> tuple[str, AnyView | None]:
    """That page of the songs of the server where somebody interacts."""
    store, say = services_of(interaction).store, texts_for(interaction)
    rows, music = await asyncio.to_thread(_heard, store, interaction.guild_id or 0)
    names = choice_names((song_title(song), song.id) for song in rows)
    named = zip(rows, names, strict=True)
    lines = [(song.id or 0, line(song, say, name, music.get(song.id or 0))) for song, name in named]
    return listing(lines, LibraryEntry.SONG, SongsPage, say, page)


def _heard(store: Store, guild_id: int) -> tuple[Sequence[Song], dict[int, KeyAndTempo]]:
    with store.read() as session:
        rows = library.own_songs(session, guild_id)
        return rows, library.music_of(session, rows)


class SongsPage(PageButton, template=r"songs:page:(?P<page>[0-9]{1,4})"):
    """Another page of the list."""

    async def show(self, interaction: Interaction) -> None:
        """Show the page, as the songs are now."""
        await check_moderator(interaction)
        await replace(interaction, *await page_of(interaction, self.page))


class SongsCog(commands.Cog):
    """The commands, and the autocomplete of the server's own songs."""

    songs = app_commands.Group(
        name=label("songs.name"),
        description=label("songs.description"),
        guild_only=True,
        default_permissions=MODERATORS,
    )

    def __init__(self, services: Services) -> None:
        self.services = services

    @songs.command(name=label("songs.add"), description=label("songs.add_about"))
    @app_commands.rename(
        file=label("songs.file"),
        title=label("songs.title"),
        singer=label("songs.singer"),
        licence=label("songs.licence"),
    )
    @app_commands.describe(
        file=label("songs.file_about"),
        title=label("songs.title_about"),
        singer=label("songs.singer_about"),
        licence=label("songs.licence_about"),
    )
    async def add(
        self,
        interaction: Interaction,
        file: discord.Attachment,
        title: app_commands.Range[str, 1, 100] | None = None,
        singer: app_commands.Range[str, 1, 100] | None = None,
        licence: app_commands.Range[str, 1, 100] | None = None,
    ) -> None:
        """Have a song heard; it is in the library then."""
        await admit_moderator(interaction)
        found, by = named_after(name_of(file))
        by = "" if title else by
        entry = LibraryParams(LibraryEntry.SONG, title or found, singer or by, licence or "")
        await send_songs(self.services, interaction, entry, [file])

    @songs.command(name=label("songs.list"), description=label("songs.list_about"))
    async def show(self, interaction: Interaction) -> None:
        """The server's own songs."""
        await admit_moderator(interaction)
        await reply(interaction, *await page_of(interaction, 1))

    @songs.command(name=label("songs.edit"), description=label("songs.edit_about"))
    @app_commands.rename(
        song=label("songs.song"),
        title=label("songs.title"),
        singer=label("songs.singer"),
        licence=label("songs.licence"),
    )
    @app_commands.describe(
        song=label("songs.song_about"),
        title=label("songs.title_about"),
        singer=label("songs.singer_about"),
        licence=label("songs.licence_about"),
    )
    async def edit(
        self,
        interaction: Interaction,
        song: str,
        title: app_commands.Range[str, 1, 100] | None = None,
        singer: app_commands.Range[str, 1, 100] | None = None,
        licence: app_commands.Range[str, 1, 100] | None = None,
    ) -> None:
        """Change what is given."""
        await admit_moderator(interaction)
        change = LibraryParams(LibraryEntry.SONG, title or "", singer or "", licence or "")
        where = self.services.store, interaction.guild_id or 0, interaction.user.id
        row = await asyncio.to_thread(edit_song, *where, song, change)
        say = texts_for(interaction)
        await reply(interaction, f"{say('library.edited')}\n{line(row, say)}")

    @songs.command(name=label("songs.remove"), description=label("songs.remove_about"))
    @app_commands.rename(song=label("songs.song"))
    @app_commands.describe(song=label("songs.song_about"))
    async def remove(self, interaction: Interaction, song: str) -> None:
        """Remove a song with its file."""
        await admit_moderator(interaction)
        where = self.services.store, interaction.guild_id or 0, interaction.user.id
        row = await asyncio.to_thread(remove_song, *where, song)
        await reply(interaction, texts_for(interaction)("library.removed", name=safe(song_title(row))))

    @edit.autocomplete("song")
    @remove.autocomplete("song")
    async def complete(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        """The server's own songs that the text fits."""
        found = fitting(current, await self._own(interaction), lambda song: (song.title, song.singer))
        shown = choice_names((song_title(song), song.id) for song in found[:CHOICES])
        return [
            app_commands.Choice(name=name, value=f"#{song.id}")
            for name, song in zip(shown, found[:CHOICES], strict=True)
        ]

    async def _own(self, interaction: Interaction) -> list[Song]:
        return list(await asyncio.to_thread(own_songs, self.services.store, interaction.guild_id or 0))
