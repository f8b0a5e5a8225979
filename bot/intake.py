"""From an attachment to a row: checked, downloaded, hashed, saved. What fails leaves nothing behind."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import discord
from sqlmodel import Session

from bot.errors import AttachmentTooLarge, DownloadFailed, EmptyAttachment, NoAudio, TooManyNotes
from bot.locale import language
from bot.names import file_name
from bot.services import Services
from store import Clip, Job, JobKind, NotFound, Store, clips, jobs, retention

MEGABYTE = 1_000_000
AUDIO = re.compile(r"\.(aac|flac|m4a|mka|mp3|mp4|oga|ogg|opus|wav|weba|webm|wma)$", re.IGNORECASE)
DM_FILE_LIMIT = 10 * 1024 * 1024


@dataclass(frozen=True)
class Asker:
    """Who asked for something, where, and in which language."""

    user_id: int
    guild_id: int | None
    channel_id: int | None
    locale: str
    file_limit: int = DM_FILE_LIMIT


@dataclass(frozen=True)
class Saved:
    """A file that is in the media folder."""

    key: str
    name: str
    bytes: int


def asker_of(interaction: discord.Interaction[Any]) -> Asker:
    """The member behind an interaction."""
    limit = interaction.guild.filesize_limit if interaction.guild else DM_FILE_LIMIT
    return Asker(
        interaction.user.id,
        interaction.guild_id,
        interaction.channel_id,
        language(interaction.locale),
        limit,
    )


def is_audio(attachment: discord.Attachment) -> bool:
    """Whether a message's attachment looks like sound."""
    kind = attachment.content_type or ""
    named = AUDIO.search(attachment.filename) is not None
    return kind.startswith("audio/") or attachment.is_voice_message() or named


def check(attachments: Sequence[discord.Attachment], limit: int, megabytes: float) -> None:
    """Raise NoAudio, TooManyNotes, EmptyFile or TooLarge before anything is downloaded."""
    if not attachments:
        raise NoAudio
    if len(attachments) > limit:
        raise TooManyNotes(limit=limit)
    for attachment in attachments:
        check_size(attachment.filename, attachment.size, megabytes)


def check_size(name: str, size: int, megabytes: float) -> None:
    """Raise EmptyFile or TooLarge."""
    if size == 0:
        raise EmptyAttachment(name=file_name(name))
    if size > megabytes * MEGABYTE:
        raise AttachmentTooLarge(name=file_name(name), megabytes=size / MEGABYTE, limit=megabytes)


@contextlib.asynccontextmanager
async def saved(
    services: Services, attachments: Sequence[discord.Attachment], megabytes: float
) -> AsyncIterator[list[Saved]]:
    """The attachments as files; if the block fails, those that no row names are removed again.

    Raises DownloadFailed, EmptyFile, TooLarge, DiskFull.
    """
    files: list[Saved] = []
    try:
        for attachment in attachments:
            files.append(await save(services, attachment, megabytes))
        yield files
    except BaseException:
        keys = {file.key for file in files}
        await asyncio.to_thread(retention.remove_unreferenced, services.store, keys)
        raise


async def save(services: Services, attachment: discord.Attachment, megabytes: float) -> Saved:
    """Download one attachment and keep it as a file."""
    name = file_name(attachment.filename)
    async with services.downloads:
        try:
            data = await attachment.read()
        except (discord.DiscordException, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise DownloadFailed(name=name) from error
        check_size(name, len(data), megabytes)
        key = await asyncio.to_thread(services.store.media.put_bytes, data, name)
    return Saved(key, name, len(data))


def add_job(
    session: Session, store: Store, kind: JobKind, asker: Asker, params: dict[str, Any], files: Iterable[Saved]
) -> Job:
    """Add the accepted job of files that are there. Raises TooManyJobs, DownloadFailed.

    The write lock is held here, so no clean-up can take a file away before its row is committed.
    """
    for file in files:
        try:
            store.media.path(file.key)
        except NotFound as error:
            raise DownloadFailed(name=file.name) from error
    job = Job(
        kind=kind,
        user_id=asker.user_id,
        guild_id=asker.guild_id,
        channel_id=asker.channel_id,
        locale=asker.locale,
        params=params,
    )
    return jobs.submit(session, job)


def add_clips(session: Session, store: Store, job: Job, files: Iterable[Saved], source: str) -> list[Clip]:
    """Add the job's voice notes; they are kept for the store's `clip_days`."""
    return [clips.add(session, job, f.key, f.name, f.bytes, source, store.clip_days) for f in files]
