"""What keeps the clips of a running test from being shown or rated, for its moderators."""

import asyncio
from collections.abc import Sequence

import discord

from bot.interactions.moderators import lacking, named_rights, needed_in
from bot.interactions.services import Interaction, services_of
from bot.texts.sentences import Texts
from store import MediaAway
from store.use_cases import ClipToShow, ListeningVotes
from store.use_cases.listening_clips import lost_clips

NEEDED = ("view_channel", "send_messages", "attach_files", "read_message_history")
FOR_REACTIONS = ("add_reactions", "manage_messages")


async def obstacles(interaction: Interaction, votes: ListeningVotes, say: Texts) -> list[str]:
    """A sentence for each: the channel, the bot's permissions in it, messages that are deleted, files that are gone."""
    channel = await _channel(interaction, votes.test.channel_id)
    if channel is None:
        return [say("mos.no_channel")]
    lines = []
    if isinstance(channel, discord.Thread) and (channel.archived or channel.locked):
        lines.append(say("mos.archived", channel=f"<#{channel.id}>"))
    if missing := _missing(interaction, channel, (*NEEDED, *(FOR_REACTIONS if votes.test.reactions else ()))):
        place = f"<#{votes.test.channel_id}>"
        lines.append(say("mos.hindered", channel=place, rights=named_rights(missing, say)))
    else:
        gone = await _deleted(interaction, votes)
        lines += [say("mos.deleted", clips=", ".join(gone))] if gone else []
    lost = await asyncio.to_thread(_lost, interaction, votes)
    return [*lines, *([say("mos.lost", clips=", ".join(lost))] if lost else [])]


async def _channel(interaction: Interaction, channel_id: int) -> discord.abc.GuildChannel | discord.Thread | None:
    """The test's channel, as far as the bot may know of it; None if it is gone, or a thread that it may not see."""
    guild = interaction.guild
    known = guild.get_channel_or_thread(channel_id) if guild else None
    if known is None:
        try:
            known = await interaction.client.fetch_channel(channel_id)
        except (discord.NotFound, discord.Forbidden):
            return None
    return known


def _missing(
    interaction: Interaction, channel: discord.abc.GuildChannel | discord.Thread, needed: Sequence[str]
) -> list[str]:
    return lacking(channel.permissions_for(channel.guild.me), needed_in(channel, needed))


async def _deleted(interaction: Interaction, votes: ListeningVotes) -> list[str]:
    """The names of the clips whose messages somebody has deleted."""
    channel, gone = interaction.client.get_partial_messageable(votes.test.channel_id), []
    for clip in votes.clips:
        if clip.message_id is not None:
            try:
                await channel.get_partial_message(clip.message_id).fetch()
            except discord.NotFound:
                gone.append(clip.name)
            except discord.HTTPException:
                break  # out of reach: the rest of the status does not wait for it
    return gone


def _lost(interaction: Interaction, votes: ListeningVotes) -> list[str]:
    """The names of the clips that wait to be shown although their files are gone."""
    waiting = [clip for clip in votes.clips if clip.message_id is None and clip.media_key is not None]
    shown = [ClipToShow(clip, votes.test) for clip in waiting]
    try:
        return [one.clip.name for one in lost_clips(services_of(interaction).store, shown)]
    except MediaAway:
        return []
