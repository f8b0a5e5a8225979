"""*Share* under a result: shows it to everybody in the channel where it was asked for, once."""

import asyncio
from typing import Any

import discord

from bot.errors import CannotShare, MayNotWrite, is_closed, is_too_large
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
            if can_be_shared(job) and not await _may_write(interaction, job):
                raise MayNotWrite
            sharing = await asyncio.to_thread(begin_share, services.store, self.job, interaction.user.id)
            if shown is not None:
                await asyncio.to_thread(share_gone, services.store, shown.message_id)
            message = await _send(interaction, sharing, f"share{shown.message_id if shown else self.job[:20]}")
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


async def _may_write(interaction: Interaction, job: Job) -> bool:
    """Whether whoever presses may write or use commands in the job's channel: the bot gives them no more rights.

    Raises CannotShare where the bot is no member or may not write, or the channel is gone.
    """
    if interaction.channel_id == job.channel_id:
        return _is_heard(interaction.permissions, interaction.channel)
    guild = interaction.client.get_guild(job.guild_id or 0)
    if guild is None:
        raise CannotShare
    try:
        channel_id = job.channel_id or 0
        channel = guild.get_channel_or_thread(channel_id) or await guild.fetch_channel(channel_id)
    except discord.HTTPException as error:
        if not is_closed(error):
            raise
        raise CannotShare from error
    if lacking(channel.permissions_for(guild.me), needed_in(channel, SPEAKING)):
        raise CannotShare
    try:
        member = await guild.fetch_member(interaction.user.id)
    except discord.NotFound:  # they have left it
        return False
    return _is_heard(channel.permissions_for(member), channel)


def _is_heard(permissions: discord.Permissions, place: object) -> bool:
    """Whether these are enough to write there, or to have a bot answer a command."""
    commands = permissions.view_channel and permissions.use_application_commands
    return commands or not lacking(permissions, needed_in(place, SPEAKING))


async def _send(interaction: Interaction, sharing: Sharing, nonce: str) -> discord.Message:
    """Send the result to its channel and note it. Raises CannotShare where the bot may not."""
    services, job = services_of(interaction), sharing.message.job
    say = texts_for_server(interaction, job.guild_id)
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
