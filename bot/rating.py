"""*How do you like it?* under a cover: the member's own rating from 1 to 5, kept for `/match`."""

import asyncio

import discord

from bot.errors import UnknownButton
from bot.interactions.components import PersistentItem
from bot.interactions.replies import reply
from bot.interactions.services import Interaction, services_of, texts_for
from bot.texts.sentences import Texts
from store import Job, JobKind
from store.jobs import WITH_RESULT
from store.use_cases import RATINGS, rate_cover

BEST = max(RATINGS)


def rating_menus(job: Job, say: Texts) -> list["RatingMenu"]:
    """The menu, if the job is a cover with a result."""
    rated = job.kind is JobKind.COVER and job.state in WITH_RESULT
    return [RatingMenu.of(job, say)] if rated else []


def stars(rating: int) -> str:
    """`★★★★☆`."""
    return "★" * rating + "☆" * (BEST - rating)


class RatingMenu(PersistentItem[discord.ui.Select[discord.ui.View]], template=r"rate:(?P<job>[0-9a-f]{32})"):
    """Rates one cover, if its owner chooses."""

    job: str

    @classmethod
    def of(cls, job: Job, say: Texts) -> "RatingMenu":
        """The menu below this cover, the best first, with what was chosen before."""
        options = [
            discord.SelectOption(label=stars(rating), value=str(rating), default=rating == job.rating)
            for rating in reversed(RATINGS)
        ]
        identity = cls.custom_id_of(job=job.id)
        return cls(discord.ui.Select(custom_id=identity, placeholder=say("rating.pick"), options=options))

    async def pressed(self, interaction: Interaction) -> None:
        """Keep the choice in place of an earlier one. Raises UnknownButton for what no menu of ours offers."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        chosen = "".join(getattr(self.item, "values", ()))
        if chosen not in {str(rating) for rating in RATINGS}:
            raise UnknownButton
        store, member, say = services_of(interaction).store, interaction.user.id, texts_for(interaction)
        await asyncio.to_thread(rate_cover, store, self.job, member, int(chosen))
        await reply(interaction, say("rating.kept", stars=stars(int(chosen))))
