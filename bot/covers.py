"""`/cover`: sing a song in one of the member's voices."""

import asyncio
import dataclasses

import discord
from discord import app_commands
from discord.ext import commands

from bot.interactions.attachments import check, download
from bot.interactions.services import FILE_LIMIT, Interaction, Services, texts_for
from bot.messages.voices import marked, marks
from bot.texts.locale import label
from bot.texts.names import choice_names, song_name
from bot.texts.sentences import Texts
from store import Store, names
from store.use_cases import CoverRequest, check_cover, ready_voices, request_cover, search_songs, song_title

CHOICES = 25
NOTHING = "#0"


def voice_choices(store: Store, user_id: int, text: str, say: Texts) -> list[tuple[str, str]]:
    """Name and value of the ready voices whose name or mark (free, untrained) fits the text."""
    with store.read() as session:
        ready = ready_voices(session, user_id, "")
        fitting = names.fitting(text, ready, lambda one: (one.name, *marks(one, say)))[:CHOICES]
        shown = choice_names((marked(one, say), one.id) for one in fitting)
        return [(name, f"#{one.id}") for name, one in zip(shown, fitting, strict=True)]


def song_choices(store: Store, text: str, guild_id: int | None = None) -> list[tuple[str, str]]:
    """Name and value of the songs of a server's library whose title or singer holds the text."""
    with store.read() as session:
        songs = search_songs(session, text, guild_id)[:CHOICES]
        shown = choice_names((song_title(song), song.id) for song in songs)
        return [(name, f"#{song.id}") for name, song in zip(shown, songs, strict=True)]


class CoverCog(commands.Cog):
    """The command and its two autocompletes."""

    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(name=label("cover.name"), description=label("cover.description"))
    @app_commands.rename(
        voice=label("cover.voice"),
        song=label("cover.song"),
        title=label("cover.title"),
        key_shift=label("cover.key_shift"),
        vocal_level=label("cover.vocal_level"),
        vocals_only=label("cover.vocals_only"),
        instrumental=label("cover.instrumental"),
    )
    @app_commands.describe(
        voice=label("cover.voice_about"),
        song=label("cover.song_about"),
        title=label("cover.title_about"),
        key_shift=label("cover.key_shift_about"),
        vocal_level=label("cover.vocal_level_about"),
        vocals_only=label("cover.vocals_only_about"),
        instrumental=label("cover.instrumental_about"),
    )
    async def cover(
        self,
        interaction: Interaction,
        voice: str,
        song: discord.Attachment | None = None,
        title: str | None = None,
        key_shift: app_commands.Range[int, -12, 12] | None = None,
        vocals_only: bool = False,
        instrumental: discord.Attachment | None = None,
        vocal_level: app_commands.Range[int, -12, 12] = 0,
    ) -> None:
        """Queue a cover."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        request = CoverRequest(
            voice,
            title=title,
            key_shift=key_shift,
            vocal_level=vocal_level,
            max_bytes=FILE_LIMIT,
            vocals_only=vocals_only,
        )
        store = self.services.store
        async with self.services.admitted(interaction) as requester:
            await asyncio.to_thread(check_cover, store, requester.user_id, voice, song, title, requester.guild_id)
            request = await self._with_files(request, song, instrumental)
            job = await asyncio.to_thread(request_cover, store, requester, request)
        await self.services.launch(job)

    @cover.autocomplete("voice")
    async def complete_voice(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        """The member's own ready voices, and the free ones."""
        say = texts_for(interaction)
        choices = await asyncio.to_thread(voice_choices, self.services.store, interaction.user.id, current, say)
        return _offered(choices, say("command.cover.no_voice"))

    @cover.autocomplete("title")
    async def complete_title(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        """Songs of the library."""
        choices = await asyncio.to_thread(song_choices, self.services.store, current, interaction.guild_id)
        return _offered(choices, texts_for(interaction)("command.cover.no_song"))

    async def _with_files(
        self, request: CoverRequest, song: discord.Attachment | None, instrumental: discord.Attachment | None
    ) -> CoverRequest:
        """The request with the files that were attached, all or none of them downloaded."""
        attached = [file for file in (song, instrumental) if file is not None]
        if not attached:
            return request
        limit = self.services.settings.song_megabytes
        check(attached, len(attached), limit)
        files = await download(self.services, attached, limit)
        if instrumental is not None:
            request = dataclasses.replace(request, instrumental=files[-1])
        if song is not None:
            request = dataclasses.replace(request, song=files[0], song_name=song_name(files[0].name))
        return request


def _offered(choices: list[tuple[str, str]], nothing: str) -> list[app_commands.Choice[str]]:
    """The choices as Discord takes them; where there are none, one that says what to do (and names no row)."""
    return [app_commands.Choice(name=name, value=value) for name, value in choices or [(nothing, NOTHING)]]
