"""Deletes the messages of members and voices that are gone, however long Discord is out of reach meanwhile."""

import asyncio
import logging

import discord
from discord.ext import commands, tasks

from bot.faults import asked_pause, is_archived, is_reply_over, out_of_reach
from bot.messages.post import is_result_of, own_messages
from bot.messages.private import PrivateCards
from bot.messages.threads import opened_thread
from store import Deletion, Store
from store.shards import ALL, Shards
from store.use_cases import deletion_done, due_deletions, end_pauses, postpone_deletion

log = logging.getLogger(__name__)


class Removal(commands.Cog):
    """The loop over the messages that have to go."""

    def __init__(
        self, bot: commands.AutoShardedBot, store: Store, seconds: float, private: PrivateCards, shards: Shards = ALL
    ) -> None:
        self.bot, self.store, self.private, self.shards = bot, store, private, shards
        self._away = True  # until the first success
        self._loop = tasks.loop(seconds=seconds)(self.remove_due)

    async def cog_load(self) -> None:
        """Start with the bot."""
        self._loop.start()

    async def cog_unload(self) -> None:
        """Stop with the bot."""
        self._loop.cancel()

    async def remove_due(self) -> None:
        """Delete what is due. One that fails does not stop the others."""
        try:
            for one in await asyncio.to_thread(due_deletions, self.store, self.shards):
                await self._remove(one)
        except Exception:
            log.exception("The messages to delete could not be read or noted")

    async def _remove(self, one: Deletion) -> None:
        number = one.id or 0
        try:
            await self._delete(one)
        except Exception as error:
            self._away = self._away or out_of_reach(error)
            log.warning("A message of job %s could not be deleted now: %s", one.job_id, error)
            if not await asyncio.to_thread(postpone_deletion, self.store, number, asked_pause(error)):
                _stays(one)
            return
        await asyncio.to_thread(deletion_done, self.store, number)
        if self._away:
            await asyncio.to_thread(end_pauses, self.store)
            self._away = False

    async def _delete(self, one: Deletion) -> None:
        """Delete the message, or what names its job; nothing is left to do if it is gone or the bot may not."""
        if one.reply_token is not None:
            await self._delete_card(one.reply_token)
            return
        try:
            try:
                await self._delete_shown(one)
            except discord.HTTPException as error:
                if not is_archived(error):
                    raise
                async with opened_thread(self.bot, one.channel_id):
                    await self._delete_shown(one)
        except discord.NotFound:
            return
        except discord.Forbidden:
            _stays(one)

    async def _delete_shown(self, one: Deletion) -> None:
        """Delete an ordinary message, or those in its channel that name the job. Raises as Discord does."""
        if one.message_id is not None:
            channel = self.bot.get_partial_messageable(one.channel_id)
            await channel.get_partial_message(one.message_id).delete()
            return
        async for message in own_messages(self.bot, one.channel_id, one.since):
            if is_result_of(message, one.job_id):
                await message.delete()

    async def _delete_card(self, token: str) -> None:
        """Delete a private card, unless its token has died meanwhile: then only its member sees it, and closes it."""
        try:
            await self.private.delete(token)
        except discord.HTTPException as error:
            if not is_reply_over(error):
                raise


def _stays(one: Deletion) -> None:
    log.warning("Message %s in channel %s stays: delete it by hand", one.message_id, one.channel_id)
