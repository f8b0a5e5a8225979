"""Below a cover: its vocals, its instrumental, and the whole as a voice message, each for its member alone."""

import asyncio
import contextlib

import discord

from bot.errors import NoVoiceMessages
from bot.interactions.components import PersistentButton, view_of
from bot.interactions.encore import encore
from bot.interactions.replies import reply, show_result
from bot.interactions.services import Interaction, services_of, texts_for
from bot.messages.voice_message import REFUSED, VoiceFile, send_voice_message
from bot.texts.names import safe
from bot.texts.sentences import Texts
from store import Job, JobKind
from store.jobs import WITH_RESULT
from store.params import cover_params
from store.results import cover_result
from store.use_cases import PartOfCover, cover_part, keep_days

ROLES = {"vocals": "vocals_part", "instrumental": "instrumental_part", "voice": "voice_message"}
"""The role of the file by the button's name."""


def part_buttons(job: Job, say: Texts) -> list["PartButton"]:
    """The parts of a cover that has a result; where nothing is mixed in, it is its vocals already."""
    if job.kind is not JobKind.COVER or job.state not in WITH_RESULT:
        return []
    mixed = cover_result(job.result).instrumental_shift is not None
    names = [name for name in ROLES if mixed or name == "voice"]
    return [PartButton.labelled(say(f"parts.{name}"), part=name, job=job.id) for name in names]


class PartButton(PersistentButton, template=r"part:(?P<part>vocals|instrumental|voice):(?P<job>[0-9a-f]{32})"):
    """Sends its owner one part of a cover."""

    part: str
    job: str

    async def pressed(self, interaction: Interaction) -> None:
        """Send it, or say in a sentence what to do. Raises NoVoiceMessages."""
        await interaction.response.defer()  # an answer that is awaited could not become a voice message
        store, member, say = services_of(interaction).store, interaction.user.id, texts_for(interaction)
        part = await asyncio.to_thread(cover_part, store, self.job, member, ROLES[self.part])
        file = _opened(part, spoken=self.part == "voice")
        if file is None:
            await _missing(interaction, part, say)
        elif isinstance(file, VoiceFile):
            await _speak(interaction, part.job, file)
        else:
            song = safe(cover_params(part.job).song_name)
            days = await asyncio.to_thread(keep_days, store, part.job.guild_id)
            text = say(f"parts.{self.part}_sent", song=song, days=days)
            await show_result(interaction, self.job, text, files=[file])


class PartsAnewButton(PersistentButton, template=r"part:anew:(?P<job>[0-9a-f]{32})"):
    """Sings a cover again, as it was, so that its parts are there."""

    job: str

    async def pressed(self, interaction: Interaction) -> None:
        """Queue it; its card is the answer."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await encore(interaction, self.job)


def _opened(part: PartOfCover, *, spoken: bool) -> discord.File | None:
    """The file of a part, to be sent; None if it is not there, or was removed since it was looked up."""
    if part.file is None:
        return None
    result = cover_result(part.job.result)
    with contextlib.suppress(FileNotFoundError):
        if spoken:
            return VoiceFile(part.file.path, result.seconds or 0.0, result.waveform)
        return discord.File(part.file.path, filename=part.file.name)
    return None


async def _missing(interaction: Interaction, part: PartOfCover, say: Texts) -> None:
    """A part that is not there yet, or not any more: offer to sing the cover again while its song is at hand."""
    if part.job.being_measured:
        await reply(interaction, say("parts.soon" if part.job.to_add_since is None else "parts.put_off"))
    elif not part.song_kept:
        await reply(interaction, say("parts.gone_with_song"))
    elif not part.voice_kept:
        await reply(interaction, say("parts.gone_with_voice"))
    else:
        await reply(
            interaction, say("parts.gone"), view_of(PartsAnewButton.labelled(say("parts.anew"), job=part.job.id))
        )


async def _speak(interaction: Interaction, job: Job, voice: VoiceFile) -> None:
    """Answer with the voice message. Raises NoVoiceMessages where Discord takes none."""
    try:
        sent = await send_voice_message(interaction.followup, voice)
    except discord.Forbidden as error:
        raise NoVoiceMessages from error
    except discord.HTTPException as error:
        if error.code != REFUSED:
            raise
        raise NoVoiceMessages from error
    services_of(interaction).opened.keep(interaction.user.id, job.id, interaction.followup, sent)
