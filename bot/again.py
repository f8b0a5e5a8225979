"""Below a cover: the same song in another key, voice or balance, as a new job with a card of its own."""

import asyncio
from collections.abc import Sequence

import discord

from bot.interactions.components import PersistentButton, PersistentItem, view_of
from bot.interactions.encore import encore
from bot.interactions.pages import PageButton, within
from bot.interactions.replies import replace, reply
from bot.interactions.services import Interaction, services_of, texts_for
from bot.messages.voices import marked
from bot.texts.names import choice_names, safe
from bot.texts.sentences import Texts
from store import Job, JobKind, Store, Voice
from store.jobs import WITH_RESULT
from store.params import cover_params
from store.results import cover_result
from store.use_cases import own_result, ready_voices

CHOICES = 25
STEPS = {"down": -1, "up": 1, "octave_down": -12, "octave_up": 12}
"""Semitones by the button's name."""
LEVELS = {"softer": -3, "louder": 3}
"""DB of the vocals, likewise."""


def again_buttons(job: Job, say: Texts) -> list[PersistentButton]:
    """The keys around a cover that has a result, and the way to another voice."""
    if job.kind is not JobKind.COVER or job.state not in WITH_RESULT:
        return []
    keys = [AgainButton.labelled(say(f"again.{step}"), job=job.id, step=step) for step in STEPS]
    return [*keys, VoiceAgainButton.labelled(say("again.voice"), job=job.id)]


def level_buttons(job: Job, say: Texts) -> list[PersistentButton]:
    """The way to softer and louder vocals, of a cover that has a result with an instrumental in it."""
    if job.kind is not JobKind.COVER or job.state not in WITH_RESULT:
        return []
    mixed = cover_result(job.result).instrumental_shift is not None
    return [AgainButton.labelled(say(f"again.{step}"), job=job.id, step=step) for step in LEVELS if mixed]


class AgainButton(
    PersistentButton, template=r"again:(?P<step>down|up|octave_down|octave_up|softer|louder):(?P<job>[0-9a-f]{32})"
):
    """Sings the cover again, in another key, or with its vocals softer or louder."""

    step: str
    job: str

    async def pressed(self, interaction: Interaction) -> None:
        """Queue it; its card is the answer."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await encore(interaction, self.job, shift=STEPS.get(self.step, 0), louder=LEVELS.get(self.step, 0))


class VoiceAgainButton(PersistentButton, template=r"again:voice:(?P<job>[0-9a-f]{32})"):
    """Asks which voice is to sing the song again."""

    job: str

    async def pressed(self, interaction: Interaction) -> None:
        """Show the voices as they are now."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await reply(interaction, *await _question(interaction, self.job, 1))


class VoiceAgainPage(PageButton, template=r"again:page:(?P<page>[0-9]{1,4}):(?P<job>[0-9a-f]{32})"):
    """More voices."""

    job: str

    async def show(self, interaction: Interaction) -> None:
        """Show that page of them."""
        await replace(interaction, *await _question(interaction, self.job, self.page))


class VoiceAgainMenu(PersistentItem[discord.ui.Select[discord.ui.View]], template=r"again:pick:(?P<job>[0-9a-f]{32})"):
    """The menu of voices to sing a song again."""

    job: str

    @classmethod
    def of(cls, shown: Sequence[Voice], job_id: str, say: Texts) -> "VoiceAgainMenu":
        """The menu of these voices."""
        names = choice_names((marked(voice, say), voice.id) for voice in shown)
        options = [discord.SelectOption(label=name, value=str(one.id)) for name, one in zip(names, shown, strict=True)]
        identity = cls.custom_id_of(job=job_id)
        return cls(discord.ui.Select(custom_id=identity, placeholder=say("again.pick"), options=options))

    async def pressed(self, interaction: Interaction) -> None:
        """Queue it; its card takes the place of the question."""
        await interaction.response.defer()
        chosen = "".join(getattr(self.item, "values", ()))
        number = int(chosen) if chosen.isdecimal() and len(chosen) < 16 else 0
        await encore(interaction, self.job, voice_id=number)


async def _question(interaction: Interaction, job_id: str, page: int) -> tuple[str, discord.ui.View | None]:
    """The question which voice sings, with one page of them. Raises NoSuchJob, ResultGone."""
    store, member, say = services_of(interaction).store, interaction.user.id, texts_for(interaction)
    cover = cover_params(await asyncio.to_thread(own_result, store, job_id, member))
    others = await asyncio.to_thread(_other_voices, store, member, cover.voice_id)
    if not others:
        return say("again.alone"), None
    pages = [others[start : start + CHOICES] for start in range(0, len(others), CHOICES)]
    page = within(page, len(pages))
    menu = VoiceAgainMenu.of(pages[page - 1], job_id, say)
    turning = VoiceAgainPage.around(page, len(pages), say, job=job_id)
    return say("again.question", song=safe(cover.song_name)), view_of(menu, *turning)


def _other_voices(store: Store, user_id: int, voice_id: int) -> list[Voice]:
    """The ready voices that the member may use, but this one."""
    with store.read() as session:
        return [voice for voice in ready_voices(session, user_id, "") if voice.id != voice_id]
