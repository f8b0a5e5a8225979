"""`/help`, and a greeting where the bot has joined: what there is, as commands to click."""

import asyncio
import logging

import discord
from discord import app_commands
from discord.ext import commands

from bot.interactions.components import view_of
from bot.interactions.liking import LikingOpen
from bot.interactions.replies import reply
from bot.interactions.services import Interaction, Services, texts_for
from bot.texts.locale import label, reader
from bot.texts.sentences import Texts
from store.use_cases import keep_days

log = logging.getLogger(__name__)
SHOWN = ("cover", "match", "notes", "train", "voices", "jobs", "my_data", "forget")


def overview(services: Services, days: float, say: Texts) -> str:
    """The first step and every command of a member, as mentions that can be clicked; for how many days files stay."""
    lines = [f"{services.mention(key)} – {say(f'command.{key}.description')}" for key in SHOWN]
    return "\n".join(
        [
            say("help.first", cover=services.mention("cover")),
            *lines,
            f"-# {say('help.label')} {say('help.kept', days=days)}",
        ]
    )


def songs_button(say: Texts) -> discord.ui.View:
    """The way to the songs that a member likes."""
    return view_of(LikingOpen.labelled(say("liking.open")))


class HelpCog(commands.Cog):
    """The command and the greeting."""

    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(name=label("help.name"), description=label("help.description"))
    async def help(self, interaction: Interaction) -> None:
        """Answer whoever asks, and nobody else."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        days = await asyncio.to_thread(keep_days, self.services.store, interaction.guild_id)
        say = texts_for(interaction)
        await reply(interaction, overview(self.services, days, say), songs_button(say))

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Say hello in the first channel where the bot may write; nowhere if there is none."""
        candidates = [guild.system_channel, *guild.text_channels]
        place = next((one for one in candidates if one and one.permissions_for(guild.me).send_messages), None)
        if place is None:
            return
        say = reader(guild.preferred_locale)
        try:
            days = await asyncio.to_thread(keep_days, self.services.store, guild.id)
            text = f"{say('help.hello')}\n{overview(self.services, days, say)}"
            await place.send(text, view=songs_button(say), suppress_embeds=True)
        except discord.HTTPException as error:
            log.warning("The greeting of a server could not be sent: %s", error)
