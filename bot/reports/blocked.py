"""`/blocked`: whom the moderators of a server have blocked, and the way back."""

import asyncio

import discord
from discord import app_commands
from discord.ext import commands

from bot.interactions.moderators import MODERATORS, admit_moderator
from bot.interactions.replies import reply
from bot.interactions.services import Interaction, Services, texts_for
from bot.texts.locale import label
from bot.texts.names import MESSAGE_LENGTH, shorten
from store.use_cases import blocked_members, unblock


class BlockedCog(commands.Cog):
    """The command."""

    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(name=label("blocked.name"), description=label("blocked.description"))
    @app_commands.guild_only()
    @app_commands.default_permissions(MODERATORS)
    @app_commands.rename(unblock=label("blocked.unblock"))
    @app_commands.describe(unblock=label("blocked.unblock_about"))
    async def blocked(self, interaction: Interaction, unblock: discord.User | None = None) -> None:
        """Unblock whoever is given; else list who is blocked."""
        await admit_moderator(interaction)
        if unblock is None:
            await reply(interaction, await self._listing(interaction))
        else:
            await self._unblock(interaction, unblock.id)

    async def _unblock(self, interaction: Interaction, user_id: int) -> None:
        place, moderator = interaction.guild_id or 0, interaction.user.id
        await asyncio.to_thread(unblock, self.services.store, place, user_id, moderator)
        await reply(interaction, texts_for(interaction)("blocked.unblocked", member=f"<@{user_id}>"))

    async def _listing(self, interaction: Interaction) -> str:
        rows = await asyncio.to_thread(blocked_members, self.services.store, interaction.guild_id or 0)
        say = texts_for(interaction)
        if not rows:
            return say("blocked.none")
        lines = [
            say(
                "blocked.line",
                member=f"<@{row.user_id}>",
                reason=say(f"report.reason.{row.reason.value}"),
                moderator=f"<@{row.moderator_id}>",
                when=f"<t:{int(row.at)}:R>",
            )
            for row in rows
        ]
        return shorten("\n".join([say("blocked.title"), *lines]), MESSAGE_LENGTH)
