"""`/voices`: a member's voices with state and quality; rename, export, or delete one after a second look."""

import asyncio
import re
from collections.abc import Collection, Sequence
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.interactions.attachments import MEGABYTE
from bot.interactions.components import AnswerButton, PersistentButton, PersistentItem, view_of
from bot.interactions.layouts import ROWS, TEXT, AnyView, list_of
from bot.interactions.pages import PageButton, page_line, pages, within
from bot.interactions.replies import refuse, replace, reply
from bot.interactions.services import Interaction, Services, file_limit, services_of, texts_for
from bot.messages.figures import made_from, models_line, voice_figures
from bot.texts.locale import label
from bot.texts.names import VOICE_NAME_LENGTH, file_name, safe, voice_name
from bot.texts.sentences import Texts
from store import JobState, Voice, VoiceState
from store.missing import FileGone, NoSuchVoice
from store.results import quality_of
from store.use_cases import (
    delete_voice,
    has_free_voice,
    own_voice,
    rename_voice,
    unanswered_voices,
    voice_files,
    voices_of,
)

NUMBER = re.compile("[0-9]{1,15}")
NAME_FORM = re.compile("voices:name:([0-9]{1,15})")
ACTS = ("rename", "export", "details", "delete")


def listing(
    owned: Sequence[Voice],
    say: Texts,
    page: int = 1,
    unanswered: Collection[int | None] = (),
    *,
    free: bool = True,
) -> tuple[str, AnyView | None]:
    """One page of the voices, each with a button to do something with it; some wait for a yes to be trained.

    `free`: there are voices for everybody.
    """

    def named(voice: Voice) -> str:
        return line(voice, say, unanswered=voice.id in unanswered)

    if not owned:
        return say("voices.none" if free else "voices.none_own"), None
    cut = pages(owned, lambda some: "\n".join(map(named, some)), ROWS, TEXT)
    page = within(page, len(cut))
    shown = cut[page - 1]
    opening = [VoiceOpen.labelled(say("voices.open"), voice=voice.id or 0) for voice in shown]
    rows = list(zip(map(named, shown), opening, strict=True))
    turning = VoicesPage.around(page, len(cut), say)
    return "", list_of(say("voices.title"), rows, page_line(page, len(cut), say), turning)


def line(voice: Voice, say: Texts, *, unanswered: bool = False) -> str:
    """`**mine**: ready · trained on 9.5 min of voice`."""
    return " · ".join([_named(voice, say, unanswered), *made_from(quality_of(voice), say)])


def card(voice: Voice, say: Texts, *, unanswered: bool = False) -> str:
    """One voice, and how it is trained anew."""
    return say("voices.card", line=line(voice, say, unanswered=unanswered))


def figures(voice: Voice, say: Texts) -> str:
    """Every figure of a voice, and the models that measured it."""
    quality = quality_of(voice)
    lines = [
        say("voices.figures", voice=safe(voice.name)),
        *voice_figures(quality, say),
        models_line(quality.models, say),
    ]
    return "\n".join(text for text in lines if text)


def _named(voice: Voice, say: Texts, unanswered: bool) -> str:
    state = JobState.ACCEPTED.value if unanswered else voice.state.value
    return say("voices.line", voice=safe(voice.name), state=say.known(f"state.{state}", state))


async def page_of(interaction: Interaction, page: int) -> tuple[str, AnyView | None]:
    """That page of the voices of whoever interacts."""
    store, member = services_of(interaction).store, interaction.user.id
    owned = await asyncio.to_thread(voices_of, store, member)
    unanswered = await asyncio.to_thread(unanswered_voices, store, member)
    free = await asyncio.to_thread(has_free_voice, store)
    return listing(owned, texts_for(interaction), page, unanswered, free=free)


def voice_number(value: str) -> int:
    """The voice's id in the value of a choice. Raises NotFound for what no menu of ours ever had."""
    if NUMBER.fullmatch(value) is None:
        raise NoSuchVoice
    return int(value)


def written(components: Sequence[Any]) -> str:
    """What was written into the one field of a form."""
    [row] = components
    field = row["component"] if "component" in row else row["components"][0]
    return str(field["value"])


class VoiceOpen(PersistentButton, template=r"voices:open:(?P<voice>[0-9]{1,15})"):
    """Beside a voice in the list: shows what can be done with it."""

    voice: int

    async def pressed(self, interaction: Interaction) -> None:
        """Show the voice in the place of the list."""
        await interaction.response.defer()
        await _open(interaction, self.voice)


class VoicePick(PersistentItem[discord.ui.Select[discord.ui.View]], template=r"voices:pick"):
    """The menu of voices in lists that were shown before each voice had a button."""

    async def pressed(self, interaction: Interaction) -> None:
        """Show the voice in the place of the list."""
        await interaction.response.defer()
        await _open(interaction, voice_number("".join(getattr(self.item, "values", ()))))


async def _open(interaction: Interaction, number: int) -> None:
    """Show a voice of whoever interacts, and what can be done with it. Raises NoSuchVoice."""
    say, store, member = texts_for(interaction), services_of(interaction).store, interaction.user.id
    voice = await asyncio.to_thread(own_voice, store, number, member)
    unanswered = voice.id in await asyncio.to_thread(unanswered_voices, store, member)
    acts = ACTS if voice.state is VoiceState.READY else ACTS[-1:]
    buttons = [VoiceAct.labelled(say(f"voices.{act}"), act=act, voice=number) for act in acts]
    back = VoicesPage.labelled(say("voices.all"), page=1)
    await replace(interaction, card(voice, say, unanswered=unanswered), view_of(*buttons, back))


class VoiceAct(PersistentButton, template=r"voices:(?P<act>rename|export|details|delete):(?P<voice>[0-9]{1,15})"):
    """Rename, export or delete a voice of whoever presses it, or show its figures."""

    act: str
    voice: int

    async def pressed(self, interaction: Interaction) -> None:
        """Do it, or ask first."""
        voice = await asyncio.to_thread(own_voice, services_of(interaction).store, self.voice, interaction.user.id)
        match self.act:
            case "rename":
                await interaction.response.send_modal(name_form(voice, texts_for(interaction)))
            case "export":
                await self._export(interaction)
            case "details":
                await reply(interaction, figures(voice, texts_for(interaction)))
            case _:
                await interaction.response.defer()
                say = texts_for(interaction)
                view = VoiceDelete.both(say("voices.yes"), say("voices.no"), voice=self.voice)
                await replace(interaction, say("voices.sure", voice=safe(voice.name)), view)

    async def _export(self, interaction: Interaction) -> None:
        """Send the voice's two files to its owner."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        store, say = services_of(interaction).store, texts_for(interaction)
        voice, *files = await asyncio.to_thread(voice_files, store, self.voice, interaction.user.id)
        stem = file_name(voice.name)
        named = zip(files, (f"{stem}.safetensors", f"{stem}.index.safetensors"), strict=True)
        try:
            largest = max(path.stat().st_size for path in files)
            sent = [discord.File(path, filename=name) for path, name in named if largest <= file_limit(interaction)]
        except FileNotFoundError as error:  # deleted since it was looked up
            raise FileGone from error
        if not sent:
            told = {"voice": safe(voice.name), "megabytes": largest / MEGABYTE, "number": self.voice}
            await reply(interaction, say("voices.too_large", **told))
            return
        await interaction.followup.send(say("voices.exported", voice=safe(voice.name)), files=sent, ephemeral=True)


def name_form(voice: Voice, say: Texts) -> discord.ui.Modal:
    """The form that asks for a new name; `VoicesCog` takes its answer, also after a restart."""
    form = discord.ui.Modal(title=say("voices.rename"), custom_id=f"voices:name:{voice.id}")
    field = discord.ui.TextInput[discord.ui.Modal](
        custom_id="name", default=voice.name[:VOICE_NAME_LENGTH], max_length=VOICE_NAME_LENGTH
    )
    form.add_item(discord.ui.Label(text=say("voices.new_name"), component=field))
    return form


class VoiceDelete(AnswerButton, template=r"voices:(?P<answer>yes|no):(?P<voice>[0-9]{1,15})"):
    """Delete it, or keep it."""

    voice: int

    async def accepted(self, interaction: Interaction) -> None:
        """Delete the voice, and what its member has opened of its training."""
        services, member, say = services_of(interaction), interaction.user.id, texts_for(interaction)
        voice = await asyncio.to_thread(own_voice, services.store, self.voice, member)
        name = await asyncio.to_thread(delete_voice, services.store, self.voice, member)
        if voice.job_id is not None:
            await services.opened.close(member, voice.job_id)
        await replace(interaction, say("voices.deleted", voice=safe(name)))

    async def declined(self, interaction: Interaction) -> None:
        """Keep it."""
        await replace(interaction, texts_for(interaction)("voices.kept"))


class VoicesPage(PageButton, template=r"voices:page:(?P<page>[0-9]{1,4})"):
    """Another page of the list."""

    async def show(self, interaction: Interaction) -> None:
        """Show the page, as the voices are now."""
        await replace(interaction, *await page_of(interaction, self.page))


class VoicesCog(commands.Cog):
    """The command."""

    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(name=label("voices.name"), description=label("voices.description"))
    async def voices(self, interaction: Interaction) -> None:
        """List the member's voices."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await reply(interaction, *await page_of(interaction, 1))

    @commands.Cog.listener()
    async def on_interaction(self, interaction: Interaction) -> None:
        """A form with a voice's new name was sent."""
        if interaction.type is not discord.InteractionType.modal_submit:
            return
        data: Any = interaction.data
        if (sent := NAME_FORM.fullmatch(data["custom_id"])) is None:
            return
        try:
            await self._rename(interaction, int(sent[1]), written(data["components"]))
        except Exception as error:
            await refuse(interaction, error)

    async def _rename(self, interaction: Interaction, number: int, text: str) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        name, say = voice_name(text), texts_for(interaction)
        before = await asyncio.to_thread(rename_voice, self.services.store, number, interaction.user.id, name)
        await reply(interaction, say("voices.renamed", before=safe(before), voice=safe(name)))
