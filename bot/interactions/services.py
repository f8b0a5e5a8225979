"""What every command and button works with, and who is behind an interaction."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from weakref import WeakValueDictionary

import discord

from bot.interactions.opened import Opened
from bot.settings import BotSettings
from bot.texts.locale import language
from bot.texts.sentences import Texts, texts
from store import Job, Store
from store.use_cases import Requester, check_cap
from worker.doorbell import Doorbell

Interaction = discord.Interaction[Any]
FILE_LIMIT = 10 * 1024 * 1024
"""Bytes that Discord takes everywhere, also in a direct message, where a result may have to go."""


@dataclass(frozen=True)
class Services:
    """The store, the doorbell and the settings of one bot.

    `show_card` answers with the card of a job, by its id; `controls` are the buttons of its result.
    """

    store: Store
    doorbell: Doorbell
    settings: BotSettings
    show_card: Callable[[str], Awaitable[None]]
    controls: Callable[[Job, Texts], discord.ui.View | None]
    downloads: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))  # files in memory
    turns: WeakValueDictionary[int, asyncio.Lock] = field(default_factory=WeakValueDictionary)  # by member
    mentions: dict[str, str] = field(default_factory=dict)  # of commands by their names, once Discord has them
    languages: dict[int, str] = field(default_factory=dict)  # of the servers that have chosen one
    opened: Opened = field(default_factory=Opened)  # results that members look at again

    def mention(self, key: str) -> str:
        """A command (`command.<key>` of the texts) as a mention that can be clicked, or its name before that.

        One of a group is the group's key and its own, with a space between.
        """
        group, *rest = key.split()
        parts = ["name", *rest]
        name = " ".join(texts("en")(f"command.{group}.{part}") for part in parts)
        return self.mentions.get(name, f"/{name}")

    @asynccontextmanager
    async def admitted(self, interaction: Interaction) -> AsyncIterator[Requester]:
        """The member's turn to request something: one request of theirs at a time, and only below their cap.

        So nothing is downloaded for a request that would be refused. Raises TooManyJobs.
        """
        requester = requester_of(interaction)
        async with self.turn_of(requester.user_id):
            await asyncio.to_thread(check_cap, self.store, requester)
            yield requester

    def turn_of(self, user_id: int) -> asyncio.Lock:
        """Held while a request of this member is taken in."""
        return self.turns.setdefault(user_id, asyncio.Lock())

    async def launch(self, job: Job) -> None:
        """A job was queued: answer with its card, and ring. If either fails, no job is lost."""
        await self.show_card(job.id)
        await self.doorbell.ring()


def services_of(interaction: Interaction) -> Services:
    """The services of the bot that received this interaction."""
    return cast(Services, interaction.client.services)


def texts_for(interaction: Interaction) -> Texts:
    """The sentences for an interaction: in the language of its server, else in the member's."""
    chosen = services_of(interaction).languages.get(interaction.guild_id or 0)
    return texts(chosen or language(interaction.locale))


def texts_for_server(interaction: Interaction, guild: discord.Guild | None = None) -> Texts:
    """The sentences for what everybody in a server reads (the interaction's): in its language, else in Discord's."""
    chosen = services_of(interaction).languages.get(guild.id if guild else interaction.guild_id or 0)
    there = guild.preferred_locale if guild else interaction.guild_locale
    return texts(chosen or language(there or interaction.locale))


def requester_of(interaction: Interaction) -> Requester:
    """The member behind an interaction, and where the answer goes."""
    place, locale = (interaction.guild_id, interaction.channel_id), texts_for(interaction).language
    return Requester(interaction.user.id, *place, locale, interaction.token)


def file_limit(interaction: Interaction) -> int:
    """The largest file in bytes that an answer to the interaction takes, as Discord says of this place and member."""
    return interaction.filesize_limit
