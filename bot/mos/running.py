"""Shows the clips of listening tests, counts the reactions on them, and ends tests, across restarts of the bot."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable

import discord
from discord.ext import commands, tasks

from bot.faults import asked_pause, is_away, out_of_reach
from bot.messages.post import earlier
from bot.mos.ballot import REACTIONS, VoteMenu, ballot, files_of, value_of
from bot.texts.sentences import texts
from files.disk import DiskFull
from store import ListeningClip, ListeningOver, ListeningTest, NotFound, OwnClip, Store, StoreError
from store.listening import mark
from store.shards import ALL, Shards
from store.tables import now
from store.use_cases import (
    ClipToShow,
    begin_clip,
    cast_vote,
    clip_of_message,
    clips_to_show,
    count_lying,
    end_due_tests,
    failure_told,
    failures_to_tell,
    keep_clip,
    reaction_removed,
    shown_clips,
)
from store.use_cases.listening_clips import clip_files, is_test_there

log = logging.getLogger(__name__)

PAUSE_SECONDS = 60.0
UNCOUNTED = (ListeningOver, NotFound, OwnClip)


class ListeningTests(commands.Cog):
    """A loop over the tests that run, and the listener of reactions.

    What members put on clips while the bot was away is counted before anything else, above all before a test ends.
    """

    def __init__(self, bot: commands.AutoShardedBot, store: Store, seconds: float, shards: Shards = ALL) -> None:
        self.bot, self.store, self.shards = bot, store, shards
        self._back_at, self._recount = now(), True
        self._not_before: dict[tuple[str, int], float] = {}
        self._loop = tasks.loop(seconds=seconds)(self.go_on)

    async def cog_load(self) -> None:
        """Start with the bot."""
        self._loop.start()

    async def cog_unload(self) -> None:
        """Stop with the bot."""
        self._loop.cancel()

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Discord has begun a new session: what happened before is not told again."""
        self._back_at, self._recount = now(), True

    async def go_on(self) -> None:
        """Count what lies there, show what is not shown, end what is over. What fails is tried again."""
        try:
            if self._recount:
                self._recount = False
                await self._count_all()
            for test in await asyncio.to_thread(failures_to_tell, self.store, self.shards):
                await self._tell(test)
            for one in await asyncio.to_thread(clips_to_show, self.store, self.shards):
                await self._show(one)
            if not self._recount:
                await asyncio.to_thread(end_due_tests, self.store)
        except Exception as error:
            self._recount = True
            if out_of_reach(error):
                log.warning("The listening tests wait: Discord is out of reach (%s)", error)
            else:
                log.exception("The listening tests could not go on")

    async def _tell(self, test: ListeningTest) -> None:
        """Tell the channel why a test that was announced there does not begin."""
        number, say = test.id or 0, texts(test.locale)
        sentence = say.error(test.error_code or "", test.error_params, test.error_sentence or "")
        channel = self.bot.get_partial_messageable(test.channel_id)
        try:
            await channel.send(say("mos.could_not_begin", number=number, sentence=sentence), nonce=f"mosfail{number}")
        except discord.HTTPException as error:
            if is_away(error):
                raise
            log.warning("The channel of listening test %s cannot be told that it failed: %s", number, error)
        await asyncio.to_thread(failure_told, self.store, number)

    @commands.Cog.listener()
    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        """Somebody has put a reaction: if it is a vote, count it and take it away."""
        value = value_of(payload.emoji)
        ours = self.bot.user is not None and payload.user_id == self.bot.user.id
        if value is None or ours or (payload.member is not None and payload.member.bot):
            return
        try:
            clip = await asyncio.to_thread(clip_of_message, self.store, payload.message_id)
            if clip is None:
                return
            counted = await _counted(cast_vote, self.store, clip.id or 0, payload.user_id, value, by_reaction=True)
            if counted is not False:
                channel = self.bot.get_partial_messageable(payload.channel_id)
                await self._take_away(channel.get_partial_message(payload.message_id), clip, payload.user_id, value)
        except Exception as error:
            self._recount = True  # the reaction lies there
            if out_of_reach(error):
                log.warning("A vote on message %s must wait: %s", payload.message_id, error)
            else:
                log.exception("A vote could not be counted now")

    @commands.Cog.listener()
    async def on_raw_reaction_clear(self, payload: discord.RawReactionClearEvent) -> None:
        """A moderator has cleared a message: if it shows a clip, raters need the bot's reactions."""
        await self._put_back(payload.channel_id, payload.message_id, set(REACTIONS))

    @commands.Cog.listener()
    async def on_raw_reaction_clear_emoji(self, payload: discord.RawReactionClearEmojiEvent) -> None:
        """The same of one reaction."""
        if (value := value_of(payload.emoji)) is not None:
            await self._put_back(payload.channel_id, payload.message_id, {value})

    @commands.Cog.listener()
    async def on_raw_thread_update(self, payload: discord.RawThreadUpdateEvent) -> None:
        """A thread went to sleep: if a test runs there, open it."""
        try:
            asleep = payload.data["thread_metadata"]["archived"]
            if asleep and await asyncio.to_thread(is_test_there, self.store, payload.thread_id):
                await self._wake(payload.thread_id)
        except Exception as error:
            self._recount = True  # that opens it, too
            log.warning("Thread %s of a listening test cannot be opened now: %s", payload.thread_id, error)

    async def _wake(self, channel_id: int) -> None:
        """Open a thread that sleeps, or nobody could vote; not one that is locked."""
        try:
            thread = await self.bot.fetch_channel(channel_id)
            if isinstance(thread, discord.Thread) and thread.archived and not thread.locked:
                await thread.edit(archived=False)
        except (discord.HTTPException, discord.InvalidData) as error:  # `/mos status` says what can be done
            if is_away(error):
                raise
            log.warning("Thread %s of a listening test stays archived: %s", channel_id, error)

    async def _put_back(self, channel_id: int, message_id: int, values: set[int]) -> None:
        try:
            shown = await asyncio.to_thread(shown_clips, self.store, self.shards)
            if any(clip.message_id == message_id for _, clip in shown):
                channel = self.bot.get_partial_messageable(channel_id)
                await self._put(channel.get_partial_message(message_id), values)
        except Exception as error:
            self._recount = True  # that puts them, too
            log.warning("Reactions could not be put back on message %s: %s", message_id, error)

    async def _count_all(self) -> None:
        shown = await asyncio.to_thread(shown_clips, self.store, self.shards)
        for channel_id in {test.channel_id for test, _ in shown}:
            await self._wake(channel_id)
        for test, clip in shown:
            channel = self.bot.get_partial_messageable(test.channel_id)
            try:
                message = await channel.get_partial_message(clip.message_id or 0).fetch()
                await self._count(message, clip)
            except discord.HTTPException as error:
                if is_away(error):
                    raise
                log.warning("The reactions on %s of listening test %s cannot be read: %s", clip.name, test.id, error)

    async def _count(self, message: discord.Message, clip: ListeningClip) -> None:
        """Count what lies on one message, take it away, and put the bot's own reactions where they are missing."""
        lying: dict[int, set[int]] = defaultdict(set)
        own = set()
        for reaction in message.reactions:
            value = value_of(reaction.emoji)
            if value is None:
                continue
            own |= {value} if reaction.me else set()
            async for user in reaction.users():
                if not user.bot:
                    lying[user.id].add(value)
        for user_id, values in lying.items():
            await _counted(count_lying, self.store, clip.id or 0, user_id, values, self._back_at)
            for value in sorted(values):
                await self._take_away(message, clip, user_id, value)
        await self._put(message, set(REACTIONS) - own)

    async def _take_away(
        self, message: discord.Message | discord.PartialMessage, clip: ListeningClip, user_id: int, value: int
    ) -> None:
        """Remove a reaction, so that nobody sees how somebody voted."""
        try:
            await message.remove_reaction(REACTIONS[value], discord.Object(user_id))
        except discord.NotFound:
            pass
        except discord.HTTPException as error:
            log.warning("A reaction on %s of listening test %s stays: %s", clip.name, clip.test_id, error)
            return
        await asyncio.to_thread(reaction_removed, self.store, clip.id or 0, user_id, value)

    async def _put(self, message: discord.Message | discord.PartialMessage, values: set[int]) -> None:
        try:
            for value in sorted(values):
                await message.add_reaction(REACTIONS[value])
        except discord.HTTPException as error:
            if is_away(error):
                raise
            log.warning("Reactions could not be put on message %s: %s", message.id, error)

    async def _show(self, one: ClipToShow) -> None:
        test, clip = ("test", one.test.id or 0), ("clip", one.clip.id or 0)
        if now() < max(self._not_before.get(test, 0.0), self._not_before.get(clip, 0.0)):
            return
        try:
            await self._post(one)
        except (discord.HTTPException, StoreError, DiskFull) as error:
            key = test if isinstance(error, discord.HTTPException) else clip  # the others would be refused, too
            if key not in self._not_before:
                log.warning("%s of listening test %s cannot be shown now: %s", one.clip.name, one.test.id, error)
            self._not_before[key] = now() + max(PAUSE_SECONDS, asked_pause(error))

    async def _post(self, one: ClipToShow) -> None:
        clip, say = one.clip, texts(one.test.locale)
        clip_id, channel = clip.id or 0, self.bot.get_partial_messageable(one.test.channel_id)
        message = await earlier(self.bot, channel.id, clip.tried_at, lambda m: mark(clip) in m.content)
        if message is None:
            sent = await asyncio.to_thread(clip_files, self.store, one)
            if not await asyncio.to_thread(begin_clip, self.store, clip_id):
                return
            view, files = VoteMenu.beside(clip_id, say), files_of(clip.name, sent)
            message = await channel.send(ballot(one, say), files=files, view=view, nonce=f"mos{clip_id}")
        if not await asyncio.to_thread(keep_clip, self.store, clip_id, message.id):
            await message.delete()
        elif one.test.reactions:
            await self._put(message, set(REACTIONS))


async def _counted(count: Callable[..., bool], *args: object, **options: object) -> bool | None:
    """Whether a vote was counted; None if it may not be."""
    try:
        return await asyncio.to_thread(count, *args, **options)
    except UNCOUNTED:
        return None
