"""*Songs you like…*: a member picks songs of the library, at their first `/match` or from `/help` and the greeting.

Whoever presses answers for themselves alone, so the button below a greeting serves everybody.
"""

import asyncio
import contextlib
from collections.abc import Collection, Sequence

import aiohttp
import discord

from bot.interactions.components import PersistentButton, PersistentItem, rows_of
from bot.interactions.pages import PageButton, numbered, within
from bot.interactions.replies import replace, reply
from bot.interactions.services import Interaction, services_of, texts_for
from bot.texts.names import choice_names
from bot.texts.sentences import Texts
from store import Job, Song
from store.use_cases import has_never_picked, pick_songs, song_title, songs_to_pick

CHOICES = 25
Shown = tuple[str, discord.ui.View | None]


class LikingOpen(PersistentButton, template=r"liking:open"):
    """Asks whoever presses it which songs they like."""

    async def pressed(self, interaction: Interaction) -> None:
        """Show the first page of the library, to them alone."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await reply(interaction, *await _question(interaction, 1, texts_for(interaction)("liking.question")))


class LikingMenu(PersistentItem[discord.ui.Select[discord.ui.View]], template=r"liking:pick:(?P<page>[0-9]{1,4})"):
    """The menu of one page of songs, of which several can be chosen, or none."""

    page: int

    @classmethod
    def of(cls, shown: Sequence[Song], liked: Collection[int], page: int, say: Texts) -> "LikingMenu":
        """The menu of these songs, with those chosen that the member likes."""
        names = choice_names((song_title(song), song.id) for song in shown)
        options = [
            discord.SelectOption(label=name, value=str(song.id), default=song.id in liked)
            for name, song in zip(names, shown, strict=True)
        ]
        menu = discord.ui.Select[discord.ui.View](
            custom_id=cls.custom_id_of(page=page),
            placeholder=say("liking.pick"),
            options=options,
            min_values=0,
            max_values=len(options),
        )
        return cls(menu)

    async def pressed(self, interaction: Interaction) -> None:
        """Keep what is chosen of this page, and show it."""
        await interaction.response.defer()
        store, say = services_of(interaction).store, texts_for(interaction)
        offered = _numbers([option.value for option in getattr(self.item, "options", ())])
        picked = _numbers(getattr(self.item, "values", ()))
        place = interaction.user.id, interaction.guild_id
        number = await asyncio.to_thread(pick_songs, store, *place, offered | picked, picked)
        text = say("liking.kept", number=number) if number else say("liking.none")
        await replace(interaction, *await _question(interaction, self.page, text, answered=True))


class LikingPage(PageButton, template=r"liking:page:(?P<page>[0-9]{1,4})"):
    """More songs."""

    async def show(self, interaction: Interaction) -> None:
        """Show that page of them."""
        await replace(interaction, *await _question(interaction, self.page, texts_for(interaction)("liking.question")))


class LikingSkip(PersistentButton, template=r"liking:skip"):
    """Says nothing about any song."""

    async def pressed(self, interaction: Interaction) -> None:
        """Put the question away."""
        await interaction.response.defer()
        await replace(interaction, texts_for(interaction)("liking.skipped"))


async def ask_at_first(interaction: Interaction, job: Job) -> None:
    """Ask below a member's first match which songs they like, if there are any; the match goes on meanwhile."""
    if await asyncio.to_thread(has_never_picked, services_of(interaction).store, interaction.user.id, job.id):
        text, view = await _question(interaction, 1, texts_for(interaction)("liking.first"))
        if view is not None:
            with contextlib.suppress(discord.DiscordException, aiohttp.ClientError):  # /help asks again
                await reply(interaction, text, view)


async def _question(interaction: Interaction, page: int, text: str, *, answered: bool = False) -> Shown:
    """A text with one page of the songs, as they are now; what was answered cannot be put off any more."""
    say, place = texts_for(interaction), (interaction.user.id, interaction.guild_id)
    songs, liked = await asyncio.to_thread(songs_to_pick, services_of(interaction).store, *place)
    if not songs:
        return say("liking.empty"), None
    pages = [songs[start : start + CHOICES] for start in range(0, len(songs), CHOICES)]
    page = within(page, len(pages))
    turning = LikingPage.around(page, len(pages), say)
    menu = LikingMenu.of(pages[page - 1], liked, page, say)
    skip = LikingSkip.labelled(say("liking.skip"))
    return numbered(text, page, len(pages), say), rows_of([menu], [*turning, *([] if answered else [skip])])


def _numbers(values: Sequence[str]) -> set[int]:
    """The ids among the values of a menu."""
    return {int(value) for value in values if value.isascii() and value.isdecimal() and len(value) < 16}
