"""`/cover`: sing a song in one of the member's voices."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import discord
from discord import app_commands
from discord.ext import commands
from sqlmodel import Session

from bot.errors import SongOrTitle
from bot.intake import Asker, Saved, add_job, asker_of, check, saved
from bot.locale import label, reader
from bot.names import shorten, song_name
from bot.replies import Interaction, reply
from bot.services import Services
from store import Job, JobKind, NotFound, Song, Store, Voice, VoiceState, jobs, library, voices

CHOICES = 25
CHOICE_LENGTH = 100


@dataclass(frozen=True)
class Wish:
    """What the member typed or picked; without a key shift the worker takes the octave that suits the voice."""

    voice: str
    title: str | None
    key_shift: int | None


def ask(store: Store, asker: Asker, wish: Wish, song: Saved | None) -> Job:
    """Write the queued job in one transaction.

    Raises NotFound, NotYours, VoiceNotReady, TooManyJobs, DownloadFailed.
    """
    with store.write() as session:
        voice = find_voice(session, wish.voice, asker.user_id)
        if song is not None:
            source: dict[str, object] = {"song_key": song.key, "song_name": song_name(song.name)}
        else:
            found = find_song(session, wish.title or "")
            source = {"song_id": found.id, "song_name": song_title(found)}
        params = {
            **source,
            "voice_id": voice.id,
            "voice_name": voice.name,
            "key_shift": wish.key_shift,
            "max_bytes": asker.file_limit,
        }
        job = add_job(session, store, JobKind.COVER, asker, params, [song] if song else [])
        return jobs.enqueue(session, job.id)


def find_voice(session: Session, text: str, user_id: int) -> Voice:
    """The member's ready voice, by the id that was picked or by its name.

    Raises NotFound, NotYours, VoiceNotReady.
    """
    named = voices.by_name(session, user_id, text.strip())
    number = picked(text)
    if named is not None and (number is None or not text.startswith("#")):
        number = named.id
    if number is None:
        raise NotFound(what="such voice")
    return voices.usable(session, number, user_id)


def find_song(session: Session, text: str) -> Song:
    """The song of the library, by the id that was picked or by its title. Raises NotFound."""
    number = picked(text)
    if number is not None and text.startswith("#"):
        return library.song(session, number)
    needle = text.strip().casefold()
    found = search(session, text) if needle else []
    same = [song for song in found if needle in (song.title.casefold(), song_title(song).casefold())]
    if same or len(found) == 1:
        return (same or list(found))[0]
    if number is not None:
        return library.song(session, number)
    raise NotFound(what="such song")


def search(session: Session, text: str) -> Sequence[Song]:
    """Songs whose title, singer or `Singer - Title` holds the text."""
    found = library.find_songs(session, text, CHOICES)
    _, dash, title = text.partition(" - ")
    if found or not dash:
        return found
    needle = text.strip().casefold()
    return [song for song in library.find_songs(session, title, CHOICES) if needle in song_title(song).casefold()]


def picked(text: str) -> int | None:
    """The id in a choice's value (`#12`), or typed by hand."""
    digits = text.strip().removeprefix("#")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 15 else None


def song_title(song: Song) -> str:
    """`Singer - Title`, or the title."""
    return f"{song.singer} - {song.title}" if song.singer else song.title


def voice_choices(store: Store, user_id: int, text: str) -> list[tuple[str, str]]:
    """Name and value of the member's own ready voices whose name holds the text."""
    with store.read() as session:
        owned: Sequence[Voice] = voices.of_owner(session, user_id)
    needle = text.strip().casefold()
    ready = [v for v in owned if v.state == VoiceState.READY and needle in v.name.casefold()]
    return [(voice.name, f"#{voice.id}") for voice in ready[:CHOICES]]


def song_choices(store: Store, text: str) -> list[tuple[str, str]]:
    """Name and value of the library's songs whose title or singer holds the text."""
    with store.read() as session:
        found = search(session, text)
    return [(shorten(song_title(song), CHOICE_LENGTH), f"#{song.id}") for song in found]


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
    )
    @app_commands.describe(
        voice=label("cover.voice_about"),
        song=label("cover.song_about"),
        title=label("cover.title_about"),
        key_shift=label("cover.key_shift_about"),
    )
    async def cover(
        self,
        interaction: Interaction,
        voice: str,
        song: discord.Attachment | None = None,
        title: str | None = None,
        key_shift: app_commands.Range[int, -12, 12] | None = None,
    ) -> None:
        """Queue a cover."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        store, limit = self.services.store, self.services.settings.song_megabytes
        if (song is None) == (title is None):
            raise SongOrTitle
        wish = Wish(voice, title, key_shift)
        files: list[Saved] = []
        async with AsyncExitStack() as stack:
            if song is not None:
                check([song], 1, limit)
                files = await stack.enter_async_context(saved(self.services, [song], limit))
            job = await asyncio.to_thread(ask, store, asker_of(interaction), wish, files[0] if files else None)
        await self.services.launch(job)
        await reply(interaction, reader(interaction.locale)("job.queued"))

    @cover.autocomplete("voice")
    async def complete_voice(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        """The member's own ready voices."""
        user_id = interaction.user.id
        found = await asyncio.to_thread(voice_choices, self.services.store, user_id, current)
        return [app_commands.Choice(name=name, value=value) for name, value in found]

    @cover.autocomplete("title")
    async def complete_title(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        """Songs of the library."""
        found = await asyncio.to_thread(song_choices, self.services.store, current)
        return [app_commands.Choice(name=name, value=value) for name, value in found]
