"""`/singers add | list | remove`: the singers of a server, with whom `/match` compares there."""

import asyncio

import discord
from discord import app_commands
from discord.ext import commands

from bot.interactions.layouts import AnyView
from bot.interactions.moderators import MODERATORS, admit_moderator, check_moderator
from bot.interactions.pages import PageButton
from bot.interactions.replies import replace, reply
from bot.interactions.services import Interaction, Services, services_of, texts_for
from bot.library.sending import listing, send_songs
from bot.texts.locale import label
from bot.texts.names import choice_name, safe
from store import Singer
from store.names import fitting
from store.params import LibraryEntry, LibraryParams
from store.use_cases import own_singers, remove_singer

CHOICES = 25
SONGS = ("song1", "song2", "song3", "song4", "song5")
FILES = {name: label("singers.song", number=number) for number, name in enumerate(SONGS, 1)}


async def page_of(interaction: Interaction, page: int) -> tuple[str, AnyView | None]:
    """That page of the singers of the server where somebody interacts."""
    store, say = services_of(interaction).store, texts_for(interaction)
    rows = await asyncio.to_thread(own_singers, store, interaction.guild_id or 0)
    songs = [say("library.songs", number=row.clips) for row in rows]
    lines = [say("library.line", name=safe(row.name), more=more) for row, more in zip(rows, songs, strict=True)]
    return listing(
        [(row.id or 0, line) for row, line in zip(rows, lines, strict=True)],
        LibraryEntry.SINGER,
        SingersPage,
        say,
        page,
    )


class SingersPage(PageButton, template=r"singers:page:(?P<page>[0-9]{1,4})"):
    """Another page of the list."""

    async def show(self, interaction: Interaction) -> None:
        """Show the page, as the singers are now."""
        await check_moderator(interaction)
        await replace(interaction, *await page_of(interaction, self.page))


class SingersCog(commands.Cog):
    """The commands, and the autocomplete of the server's own singers."""

    singers = app_commands.Group(
        name=label("singers.name"),
        description=label("singers.description"),
        guild_only=True,
        default_permissions=MODERATORS,
    )

    def __init__(self, services: Services) -> None:
        self.services = services

    @singers.command(name=label("singers.add"), description=label("singers.add_about"))
    @app_commands.rename(name=label("singers.singer"), licence=label("songs.licence"), **FILES)
    @app_commands.describe(
        name=label("singers.singer_about"),
        licence=label("songs.licence_about"),
        **dict.fromkeys(SONGS, label("singers.song_about")),
    )
    async def add(
        self,
        interaction: Interaction,
        name: app_commands.Range[str, 1, 100],
        song1: discord.Attachment,
        song2: discord.Attachment,
        song3: discord.Attachment,
        song4: discord.Attachment | None = None,
        song5: discord.Attachment | None = None,
        licence: app_commands.Range[str, 1, 100] | None = None,
    ) -> None:
        """Have three songs or more of a singer heard; then members are compared with them."""
        await admit_moderator(interaction)
        songs = [song for song in (song1, song2, song3, song4, song5) if song is not None]
        entry = LibraryParams(LibraryEntry.SINGER, name, licence=licence or "")
        await send_songs(self.services, interaction, entry, songs)

    @singers.command(name=label("singers.list"), description=label("singers.list_about"))
    async def show(self, interaction: Interaction) -> None:
        """The server's own singers."""
        await admit_moderator(interaction)
        await reply(interaction, *await page_of(interaction, 1))

    @singers.command(name=label("singers.remove"), description=label("singers.remove_about"))
    @app_commands.rename(name=label("singers.singer"))
    @app_commands.describe(name=label("singers.singer_about"))
    async def remove(self, interaction: Interaction, name: str) -> None:
        """Remove a singer with their embeddings."""
        await admit_moderator(interaction)
        where = self.services.store, interaction.guild_id or 0, interaction.user.id
        removed = await asyncio.to_thread(remove_singer, *where, name)
        await reply(interaction, texts_for(interaction)("library.removed", name=safe(removed)))

    @remove.autocomplete("name")
    async def complete(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        """The server's own singers that the text fits."""
        found = fitting(current, await self._own(interaction), lambda row: (row.name,))
        return [app_commands.Choice(name=choice_name(row.name, row.id), value=f"#{row.id}") for row in found[:CHOICES]]

    async def _own(self, interaction: Interaction) -> list[Singer]:
        return list(await asyncio.to_thread(own_singers, self.services.store, interaction.guild_id or 0))
