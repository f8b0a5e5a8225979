"""The message of a clip: what is asked, and the private menu beside the reactions."""

import asyncio
import re

import discord

from bot.interactions.components import PersistentItem, view_of
from bot.interactions.replies import reply
from bot.interactions.services import Interaction, services_of, texts_for
from bot.messages.post import opened
from bot.texts.sentences import Texts
from store.listening import mark
from store.missing import ClipGone
from store.use_cases import ClipToShow, cast_vote
from store.use_cases.listening_clips import ClipFiles
from store.use_cases.voting import VALUES

KEYCAP = "\N{COMBINING ENCLOSING KEYCAP}"
FULL = "\N{VARIATION SELECTOR-16}"
REACTIONS = {value: f"{value}{FULL}{KEYCAP}" for value in VALUES}
VALUE = re.compile("[1-5]")


def value_of(emoji: object) -> int | None:
    """The vote that a reaction is; None for any other."""
    text = str(emoji).replace(FULL, "")
    return next((value for value in VALUES if text == f"{value}{KEYCAP}"), None)


def ballot(one: ClipToShow, say: Texts) -> str:
    """What a clip's message asks. Nothing in it tells whose clip it is, or what made it."""
    question = say(f"mos.question.{one.test.question.value}", clip=one.clip.name)
    how = say("mos.by_reaction") if one.test.reactions else say("mos.by_menu")
    return f"{question}\n{how}\n-# {say('mos.scale')} · {mark(one.clip)}"


def files_of(name: str, files: ClipFiles) -> list[discord.File]:
    """The clip under its neutral name, and the reference beside it. Raises FileGone."""
    suffix = files.sound.suffix
    sent = [opened(files.sound, f"{name}{suffix}")]
    return sent if files.beside is None else [*sent, opened(files.beside, f"reference{suffix}")]


class VoteMenu(PersistentItem[discord.ui.Select[discord.ui.View]], template=r"mos:vote:(?P<clip>[0-9]{1,15})"):
    """The menu of a clip: nobody else sees what is chosen."""

    clip: int

    @classmethod
    def beside(cls, clip_id: int, say: Texts) -> discord.ui.View:
        """The menu in a view."""
        options = [discord.SelectOption(label=say(f"mos.value.{one}"), value=str(one)) for one in reversed(VALUES)]
        custom_id = cls.custom_id_of(clip=clip_id)
        return view_of(cls(discord.ui.Select(custom_id=custom_id, placeholder=say("mos.pick"), options=options)))

    async def pressed(self, interaction: Interaction) -> None:
        """Count the vote in place of an earlier one."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        chosen = "".join(getattr(self.item, "values", ()))
        if VALUE.fullmatch(chosen) is None:
            raise ClipGone
        await asyncio.to_thread(cast_vote, services_of(interaction).store, self.clip, interaction.user.id, int(chosen))
        await reply(interaction, texts_for(interaction)("mos.counted", value=int(chosen)))
