"""From an attachment to a file in the media folder: checked, downloaded, hashed, saved; all or none."""

import asyncio
import re
from collections.abc import Sequence
from math import ceil

import aiohttp
import discord

from bot.errors import AttachmentTooLarge, EmptyAttachment, NoAudio, NotSound, TooManyNotes
from bot.interactions.services import Services
from bot.texts.names import file_name
from store import retention
from store.errors import DownloadFailed
from store.names import is_blank
from store.use_cases import SavedFile

MEGABYTE = 1_000_000
AUDIO = re.compile(
    r"\.(3gp|aac|aif[cf]?|amr|caf|flac|m4a|mka|mkv|mov|mp3|mp4|oga|ogg|opus|w64|wav|weba|webm|wma)$", re.IGNORECASE
)
OTHER = re.compile(
    r"(font|image|model|text)/|application/(gzip|json|msword|pdf|rtf|vnd\.(ms-|oasis|openxml)|x-(7z|rar|tar|zip)|xml|zip)"
)
"""Types of files that hold no sound. What Discord does not know has none of them, and is left to the worker."""


def is_audio(attachment: discord.Attachment) -> bool:
    """Whether a message's attachment looks like sound."""
    kind = attachment.content_type or ""
    named = AUDIO.search(attachment.filename) is not None
    return kind.startswith("audio/") or attachment.is_voice_message() or named


def is_other(attachment: discord.Attachment) -> bool:
    """Whether a file is certainly no sound, by its type and its name."""
    return OTHER.match(attachment.content_type or "") is not None and not is_audio(attachment)


def name_of(attachment: discord.Attachment) -> str:
    """What a member called the file, with its suffix.

    Discord replaces in `filename` what is not ASCII ("_.mp3"), and gives the true name as `title`, without the suffix.
    """
    _, dot, suffix = attachment.filename.rpartition(".")
    title = (attachment.title or "").replace("/", "\u2215").replace("\\", "\u2216")  # a title has no folders
    if is_blank(title):
        return file_name(attachment.filename)
    ends = f"{dot}{suffix}" if dot else ""
    return file_name(title if title.lower().endswith(ends.lower()) else f"{title}{ends}")


def check(attachments: Sequence[discord.Attachment], limit: int, megabytes: float) -> None:
    """Raise NoAudio, TooManyNotes, NotSound, EmptyAttachment or AttachmentTooLarge before anything is downloaded."""
    if not attachments:
        raise NoAudio
    if len(attachments) > limit:
        raise TooManyNotes(limit=limit)
    for attachment in attachments:
        if is_other(attachment):
            raise NotSound(name=name_of(attachment))
        check_size(name_of(attachment), attachment.size, megabytes)


def check_size(name: str, size: int, megabytes: float) -> None:
    """Raise EmptyAttachment or AttachmentTooLarge."""
    if size == 0:
        raise EmptyAttachment(name=file_name(name))
    if size > megabytes * MEGABYTE:
        raise AttachmentTooLarge(name=file_name(name), megabytes=ceil(size / MEGABYTE), limit=megabytes)


async def download(services: Services, attachments: Sequence[discord.Attachment], megabytes: float) -> list[SavedFile]:
    """The attachments as files in the media folder; if one fails, none is kept.

    Whoever requests something with them removes them if the request is refused, as every use case does.
    Raises DownloadFailed, EmptyAttachment, AttachmentTooLarge, DiskFull.
    """
    files: list[SavedFile] = []
    try:
        for attachment in attachments:
            files.append(await _save(services, attachment, megabytes))
    except BaseException:
        keys = {file.key for file in files}
        await asyncio.to_thread(retention.remove_unreferenced, services.store, keys)
        raise
    return files


async def _save(services: Services, attachment: discord.Attachment, megabytes: float) -> SavedFile:
    name = name_of(attachment)
    async with services.downloads:
        try:
            data = await attachment.read()
        except (discord.DiscordException, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise DownloadFailed(name=name) from error
        check_size(name, len(data), megabytes)
        key = await asyncio.to_thread(services.store.media.put_bytes, data, name)
    return SavedFile(key, name, len(data))
