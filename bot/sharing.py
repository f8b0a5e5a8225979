"""*Share* under a result: shows it to everybody in the channel where it was asked for, once."""

import asyncio
from typing import Any

import discord

from bot.errors import CannotShare, MayNotWrite
from bot.faults import is_closed, is_too_large
from bot.interactions.components import PersistentButton
from bot.interactions.moderators import SPEAKING, lacking, needed_in
from bot.interactions.replies import reply
from bot.interactions.services import Interaction, services_of, texts_for, texts_for_server
from bot.messages.post import files_of
from bot.messages.result import compose
from bot.texts.mentions import clickable
from bot.texts.sentences import Texts
from store import Job, NotFound
from store.tables import Shown
from store.use_cases import (
    Sharing,
    begin_share,
    can_be_shared,
    drop_share,
    keep_share,
    result_message,
    share_gone,
    shared_message,
)


def share_buttons(job: Job, say: Texts) -> list["ShareButton"]:
    """The button, if the result can be shown to others."""
    return [ShareButton.labelled(say("share.button"), job=job.id)] if can_be_shared(job) else []


class ShareButton(PersistentButton, template=r"share:(?P<job>[0-9a-f]{32})"):
    """Shares one result, if its owner presses it."""

    style = discord.ButtonStyle.primary
    job: str

    async def pressed(self, interaction: Interaction) -> None:
        """Send it, or say where it is already."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        services, say = services_of(interaction), texts_for(interaction)
        async with services.turn_of(interaction.user.id):  # a second click waits for the first
            shown = await asyncio.to_thread(shared_message, services.store, self.job, interaction.user.id)
            job = (await asyncio.to_thread(result_message, services.store, self.job, interaction.user.id)).job
            if shown is not None and await _stands(interaction, shown):
                link = _link(job.guild_id, shown.channel_id, shown.message_id)
                await reply(interaction, say("share.already", link=link))
                return
            guild = await _admitted(interaction, job) if can_be_shared(job) else None
            sharing = await asyncio.to_thread(begin_share, services.store, self.job, interaction.user.id)
            if shown is not None:
                await asyncio.to_thread(share_gone, services.store, shown.message_id)
            nonce = f"share{shown.message_id if shown else self.job[:20]}"
            message = await _send(interaction, sharing, nonce, texts_for_server(interaction, guild))
        link = _link(sharing.message.job.guild_id, sharing.channel_id, message.id)
        await reply(interaction, say("share.done", link=link))


async def _stands(interaction: Interaction, shown: Shown) -> bool:
    """Whether nobody has deleted the message meanwhile; where the bot cannot look, it is taken to be there."""
    try:
        await interaction.client.get_partial_messageable(shown.channel_id).fetch_message(shown.message_id)
    except discord.NotFound:
        return False
    except discord.HTTPException:
        return True
    return True


async def _admitted(interaction: Interaction, job: Job) -> discord.Guild | None:
    """The job's server, if the job was asked for in another channel than this.

    Raises MayNotWrite where whoever presses may neither write nor use commands: the bot gives them no more rights;
    CannotShare where the bot is no member or may not write, or the channel is gone.
    """
    if interaction.channel_id == job.channel_id:
        if not _is_heard(interaction.permissions, interaction.channel):
            raise MayNotWrite
        return None
    client, guild_id, channel_id = interaction.client, job.guild_id or 0, job.channel_id or 0
    try:
        known = client.get_guild(guild_id)  # not those of other bots' shards
        guild: discord.Guild = known or await client.fetch_guild(guild_id, with_counts=False)
        channel = guild.get_channel_or_thread(channel_id) or await guild.fetch_channel(channel_id)
        rights = await _rights_in(channel, client.user.id)
    except discord.HTTPException as error:
        if not is_closed(error):
            raise
        raise CannotShare from error
    if lacking(rights, needed_in(channel, SPEAKING)):
        raise CannotShare
    try:
        if _is_heard(await _rights_in(channel, interaction.user.id), channel):
            return guild
    except discord.NotFound:  # they have left it
        pass
    raise MayNotWrite


async def _rights_in(channel: discord.abc.GuildChannel | discord.Thread, user_id: int) -> discord.Permissions:
    """What a member may do there, in a thread as in its channel. Raises discord.NotFound: they have left."""
    if isinstance(channel, discord.Thread):
        channel = channel.parent or await channel.guild.fetch_channel(channel.parent_id)
    return channel.permissions_for(await channel.guild.fetch_member(user_id))


def _is_heard(permissions: discord.Permissions, place: object) -> bool:
    """Whether these are enough to write there, or to have a bot answer a command."""
    commands = permissions.view_channel and permissions.use_application_commands
    return commands or not lacking(permissions, needed_in(place, SPEAKING))


async def _send(interaction: Interaction, sharing: Sharing, nonce: str, say: Texts) -> discord.Message:
    """Send the result to its channel and note it. Raises CannotShare where the bot may not."""
    services, job = services_of(interaction), sharing.message.job
    text = f"{say('share.by', member=f'<@{job.user_id}>')}\n{compose(job, say)}"
    channel = interaction.client.get_partial_messageable(sharing.channel_id)
    options: dict[str, Any] = {"nonce": nonce, "suppress_embeds": True}
    try:
        files = await asyncio.to_thread(files_of, services.store, sharing.message.row)
        message: discord.Message = await channel.send(clickable(text, services.mentions), files=files, **options)
    except (NotFound, discord.HTTPException) as error:
        if isinstance(error, discord.HTTPException) and not (is_closed(error) or is_too_large(error)):
            raise
        await asyncio.to_thread(drop_share, services.store, sharing)
        raise CannotShare from error
    await asyncio.to_thread(keep_share, services.store, sharing, message.id)
    return message


def _link(guild_id: int | None, channel_id: int, message_id: int) -> str:
    return f"https://discord.com/channels/{guild_id or '@me'}/{channel_id}/{message_id}"
