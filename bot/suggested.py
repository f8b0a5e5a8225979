"""Below a match: each suggested song can be sung at once, and liked or not."""

import asyncio

import discord

from bot.interactions.components import PersistentButton
from bot.interactions.replies import reply
from bot.interactions.services import FILE_LIMIT, Interaction, services_of, texts_for
from bot.texts.names import safe, shorten
from bot.texts.sentences import Texts
from store import Job, JobKind
from store.jobs import WITH_RESULT
from store.results import match_result
from store.use_cases import judge_suggested, sing_suggested

MOST = 3
"""Rows that fit below the other buttons of a result."""
TITLE_LENGTH = 40


def suggested_rows(job: Job, say: Texts) -> list[list[PersistentButton]]:
    """A row for each suggested song of a match that has a result."""
    if job.kind is not JobKind.MATCH or job.state not in WITH_RESULT:
        return []
    songs = match_result(job.result).songs[:MOST]
    return [_row(job.id, place, song.title, say) for place, song in enumerate(songs) if song.song_id is not None]


class SingButton(PersistentButton, template=r"suggested:sing:(?P<place>[0-9]):(?P<job>[0-9a-f]{32})"):
    """Sings a suggested song in its key, in the member's own voice, else in a free one."""

    style = discord.ButtonStyle.success
    place: int
    job: str

    async def pressed(self, interaction: Interaction) -> None:
        """Queue the cover; its card is the answer."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        services = services_of(interaction)
        async with services.admitted(interaction) as requester:
            job = await asyncio.to_thread(
                sing_suggested, services.store, requester, self.job, self.place, max_bytes=FILE_LIMIT
            )
        await services.launch(job)


class OpinionButton(
    PersistentButton, template=r"suggested:(?P<opinion>like|dislike):(?P<place>[0-9]):(?P<job>[0-9a-f]{32})"
):
    """Keeps whether a member likes a suggested song."""

    opinion: str
    place: int
    job: str

    async def pressed(self, interaction: Interaction) -> None:
        """Keep it in place of what they said before."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        store, member, say = services_of(interaction).store, interaction.user.id, texts_for(interaction)
        likes = self.opinion == "like"
        song = await asyncio.to_thread(judge_suggested, store, member, self.job, self.place, likes=likes)
        await reply(interaction, say(f"suggested.{self.opinion}d", title=safe(song.title)))


def _row(job_id: str, place: int, title: str, say: Texts) -> list[PersistentButton]:
    sing = SingButton.labelled(say("suggested.sing", title=shorten(title, TITLE_LENGTH)), place=place, job=job_id)
    opinions = [
        OpinionButton.labelled(say(f"suggested.{opinion}"), opinion=opinion, place=place, job=job_id)
        for opinion in ("like", "dislike")
    ]
    return [sing, *opinions]
