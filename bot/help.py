"""`/help`, and a greeting where the bot has joined: what there is, as commands to click."""

import asyncio
import logging

import discord
from discord import app_commands
from discord.ext import commands

from bot.interactions.components import view_of
from bot.interactions.liking import LikingOpen
from bot.interactions.moderators import moderates
from bot.interactions.replies import reply
from bot.interactions.services import Interaction, Services, texts_for
from bot.texts.locale import label, language
from bot.texts.sentences import Texts, texts
from store.tables import GuildSetting
from store.use_cases import guild_setting, has_free_voice, keep_days

log = logging.getLogger(__name__)
SHOWN = ("cover", "match", "notes", "train", "voices", "jobs", "my_data", "forget")
MENUS = ("match", "notes")
"""Commands that are in the menu of a message as well."""
OF_MODERATORS = ("settings", "songs list", "singers list", "mos start", "blocked")


def overview(services: Services, setting: GuildSetting | None, days: float, say: Texts, *, free: bool = True) -> str:
    """The first step, every command of a member as a mention that can be clicked, and what a message's menu has.

    `free`: there are voices for everybody. It tells for how many days files stay. Listening tests are left out in
    direct messages, and where they are off; reports in direct messages.
    """
    first = "help.first" if free else "help.first_own"
    menus = MENUS if setting is None else (*MENUS, "report")
    keys = [*SHOWN, "listening"] if setting is not None and setting.listening_tests else SHOWN
    return "\n".join(
        [
            say(first, cover=services.mention("cover"), train=services.mention("train")),
            *(f"{services.mention(key)} – {say(f'command.{key}.description')}" for key in keys),
            say("help.menus", names=", ".join(f"*{say(f'command.{key}.menu')}*" for key in menus)),
            f"-# {say('help.label')} {say('help.kept', days=days)}",
        ]
    )


def for_moderators(services: Services, say: Texts) -> str:
    """The commands of moderators, as mentions that can be clicked."""
    return say("help.moderators", commands=" ".join(services.mention(key) for key in OF_MODERATORS))


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
        setting, days, free = await asyncio.to_thread(self._of_guild, interaction.guild_id)
        say = texts_for(interaction)
        text = overview(self.services, setting, days, say, free=free)
        if setting is not None and moderates(interaction, setting):
            text = f"{text}\n{for_moderators(self.services, say)}"
        await reply(interaction, text, songs_button(say))

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Say hello in the first channel where the bot may write; nowhere if there is none."""
        candidates = [guild.system_channel, *guild.text_channels]
        place = next((one for one in candidates if one and one.permissions_for(guild.me).send_messages), None)
        if place is None:
            return
        say = texts(self.services.languages.get(guild.id) or language(guild.preferred_locale))
        try:
            setting, days, free = await asyncio.to_thread(self._of_guild, guild.id)
            text = f"{say('help.hello')}\n{overview(self.services, setting, days, say, free=free)}"
            await place.send(text, view=songs_button(say), suppress_embeds=True)
        except discord.HTTPException as error:
            log.warning("The greeting of a server could not be sent: %s", error)

    def _of_guild(self, guild_id: int | None) -> tuple[GuildSetting | None, float, bool]:
        """What holds in a guild, None in direct messages; for how many days files stay; whether a voice is free."""
        store = self.services.store
        setting = None if guild_id is None else guild_setting(store, guild_id)
        return setting, keep_days(store, guild_id), has_free_voice(store)
