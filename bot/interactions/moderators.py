"""Who may use the commands of moderators, and what the bot itself may do in a channel.

Discord shows these commands to members with *Manage Server*, and to whom a server's Integrations page names; whoever
sees one is looked at here again.
"""

import asyncio
from collections.abc import Sequence

import discord

from bot.errors import MissingRights, ModeratorsOnly
from bot.interactions.services import Interaction, services_of
from bot.texts.sentences import Texts
from store.tables import GuildSetting
from store.use_cases import guild_setting

MODERATORS = discord.Permissions(manage_guild=True)
"""The default permissions of every command of moderators."""
SPEAKING = ("view_channel", "send_messages")


async def admit_moderator(interaction: Interaction) -> None:
    """Acknowledge privately. Raises ModeratorsOnly."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    await check_moderator(interaction)


async def check_moderator(interaction: Interaction) -> None:
    """Raise ModeratorsOnly unless the member moderates this server."""
    setting = await asyncio.to_thread(guild_setting, services_of(interaction).store, interaction.guild_id or 0)
    if not moderates(interaction, setting):
        raise ModeratorsOnly


def moderates(interaction: Interaction, setting: GuildSetting) -> bool:
    """Whether the member manages the server or has its role of moderators."""
    role_id, member = setting.moderator_role_id, interaction.user
    has_role = role_id is not None and isinstance(member, discord.Member) and member.get_role(role_id) is not None
    return has_role or (interaction.guild_id is not None and interaction.permissions.manage_guild)


def needed_in(place: object, needed: Sequence[str]) -> Sequence[str]:
    """The needed permissions in a channel: to write in a thread has one of its own."""
    in_thread = isinstance(place, discord.Thread)
    return ["send_messages_in_threads" if in_thread and name == "send_messages" else name for name in needed]


def lacking(permissions: discord.Permissions, needed: Sequence[str]) -> list[str]:
    """Those of the needed permissions that are not there."""
    return [name for name in needed if not getattr(permissions, name)]


def named_rights(rights: Sequence[str], say: Texts) -> str:
    """The permissions as Discord calls them."""
    return ", ".join(say(f"right.{name}") for name in rights)


def check_rights(permissions: discord.Permissions, needed: Sequence[str], say: Texts) -> None:
    """Raise MissingRights with the names of what the bot lacks."""
    if missing := lacking(permissions, needed):
        raise MissingRights(rights=named_rights(missing, say))
