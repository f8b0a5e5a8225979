"""What every command and button works with."""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import discord

from bot.settings import BotSettings
from store import Job, Store
from worker.doorbell import Doorbell

if TYPE_CHECKING:
    from bot.live_cards import LiveCards


@dataclass(frozen=True)
class Services:
    """The store, the doorbell, the settings and the live cards of one bot."""

    store: Store
    doorbell: Doorbell
    settings: BotSettings
    cards: "LiveCards"
    downloads: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))  # files in memory

    async def launch(self, job: Job) -> None:
        """A job was queued: show its card and ring for a worker. If either fails, the job is not lost."""
        await asyncio.gather(self.cards.show(job.id), self.doorbell.ring(job.id, job.attempt))


def services_of(interaction: discord.Interaction[Any]) -> Services:
    """The services of the bot that got this interaction."""
    return cast(Services, interaction.client.services)
