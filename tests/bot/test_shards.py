"""One of two bots: it shows, delivers and deletes what belongs to its servers, and leaves the rest to the other."""

from collections.abc import Callable

import pytest
import simcord
from simcord.builders import GuildHandle

from bot.app import DiscoverBot
from bot.settings import BotSettings
from store import Deletion, Job, Store
from store.use_cases import cards_to_show, due_deletions, due_messages, signs_of_life
from tests.bot.conftest import CARD
from tests.bot.world import Worker, World
from worker.doorbell import Doorbell


@pytest.fixture
def make_bot(store: Store, redis_url: str) -> Callable[[], DiscoverBot]:
    """The second of two bots."""
    settings = BotSettings(discord_token=None, poll_seconds=1.0, card_seconds=CARD, discord_shards="1/2")
    return lambda: DiscoverBot(store, Doorbell(redis_url), settings)


@pytest.fixture
def guild(env: simcord.Env) -> GuildHandle:
    """A server of its own."""
    return env.create_guild(shard_id=1)


@pytest.fixture
def world(env: simcord.Env, guild: GuildHandle) -> World:
    """The usual scene, in that server."""
    channel = guild.create_text_channel("general")
    alice = guild.add_member(env.create_user("alice"))
    return World(env, guild, channel, alice, guild.add_member(env.create_user("bob")))


def give(store: Store, job: Job, guild_id: int | None) -> None:
    """Make it a job of another server, with news for its card."""
    with store.write() as session:
        row = session.get_one(Job, job.id)
        row.guild_id, row.progress = guild_id, row.progress + 0.1
        session.add(row)


@pytest.mark.usefixtures("quiet")
async def test_a_bot_serves_its_own_servers_alone(world: World, worker: Worker, store: Store) -> None:
    bot = world.bot
    assert bot.shard_count == 2 and bot.shard_ids == [1]
    await world.alice.slash(world.channel, "match", note1=("a.ogg", b"x"))
    own = worker.only()
    for guild_id in (None, 2 << 22):  # direct messages, and a server of shard 0
        give(store, own, guild_id)
        before = world.edits()
        await world.tick(12)
        assert world.edits() == before
        assert cards_to_show(store).ids == [own.id]
    give(store, own, world.guild.id)
    await world.tick(12)
    assert world.edits() > before
    give(store, own, None)
    worker.render(own, {"candidates": []}, {"a.txt": b"file"})
    await world.tick(3)
    assert [message.job.id for message in due_messages(store)] == [own.id], "the other bot's"
    give(store, own, world.guild.id)
    await world.tick(3)
    assert due_messages(store) == [] and await world.cards()[0].attachments[0].read() == b"file"
    await world.tick(20)
    assert [sign.role for sign in signs_of_life(store)] == ["bot (shards 1-1/2)"]


async def test_messages_are_deleted_by_one_of_the_bots(world: World, store: Store) -> None:
    with store.write() as session:
        for shard in (2, 3):
            session.add(Deletion(job_id="j", channel_id=shard << 22, message_id=5))
    await world.tick(3)
    assert [one.channel_id for one in due_deletions(store)] == [2 << 22]
