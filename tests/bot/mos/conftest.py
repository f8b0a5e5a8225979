"""A server with a moderator and three raters; a worker played by the store's steps."""

from collections.abc import Callable
from dataclasses import dataclass

import discord
import pytest
from simcord.actors import MemberActor
from sqlmodel import select

from bot.mos.ballot import REACTIONS
from store import Job, JobKind, ListeningClip, ListeningTest, ListeningVote, Outbox, Store
from store.tables import OutboxState
from store.use_cases import agree_to_tests, keep_prepared, listening_votes, next_unprepared
from tests.bot.world import World, response_of

FILE = ("a.mp3", b"one")


@dataclass
class Hall:
    """Where tests are held: alice and bob of the world have covers, carol has none."""

    world: World
    store: Store
    moderator: MemberActor
    carol: MemberActor

    async def say(self, command: str, who: MemberActor | None = None, **options: object) -> str:
        """The answer to `/mos <command>`."""
        answer = await (who or self.moderator).slash(self.world.channel, f"mos {command}", **options)
        assert response_of(answer).ephemeral
        return response_of(answer).content

    async def begin(self, **options: object) -> list[discord.Message]:
        """Start a test of the two covers and what is given; the messages of its clips, in their order."""
        await self.say("start", None, **{"covers": 5, **options})
        self.prepare()
        await self.world.tick()
        return self.shown()

    def prepare(self) -> None:
        """What a worker does."""
        waiting = next_unprepared(self.store)
        assert waiting is not None
        test, clips = waiting
        paths = {clip.id or 0: self.store.data_dir / f"{clip.id}.mp3" for clip in clips}
        for path in paths.values():
            path.write_text(f"sound {path.name}")
        keep_prepared(self.store, test.id or 0, paths)

    def shown(self) -> list[discord.Message]:
        """The messages with clips."""
        return [message for message in self.world.public() if message.attachments]

    def clips(self) -> list[ListeningClip]:
        return list(listening_votes(self.store, self.world.guild.id).clips)

    def of(self, owner: MemberActor) -> discord.Message:
        """The message with a member's clip."""
        number = next(clip.message_id for clip in self.clips() if clip.owner_id == owner.id)
        return next(message for message in self.shown() if message.id == number)

    def votes(self) -> dict[tuple[int | None, int], int]:
        """Message, rater and value of every vote."""
        messages = {clip.id: clip.message_id for clip in self.clips()}
        with self.store.read() as session:
            found = session.exec(select(ListeningVote)).all()
            return {(messages[vote.clip_id], vote.rater_id): vote.value for vote in found}

    def lying(self, message: discord.Message) -> dict[int, int]:
        """How many reactions of each value lie on a message."""
        now = next(one for one in self.world.public() if one.id == message.id)
        counts = {str(reaction.emoji): reaction.count for reaction in now.reactions}
        return {value: counts.get(emoji, 0) for value, emoji in REACTIONS.items()}

    def change(self, change: Callable[[ListeningTest], None]) -> None:
        """Change the newest test's row."""
        with self.store.write() as session:
            test = session.exec(select(ListeningTest).order_by(ListeningTest.id.desc())).first()  # type: ignore[union-attr]
            assert test is not None
            change(test)
            session.add(test)


@pytest.fixture
def hall(world: World, store: Store) -> Hall:
    guild, env = world.guild, world.env
    moderators = guild.create_role("moderators", permissions=discord.Permissions(manage_guild=True))
    for member in (world.alice, world.bob):
        with store.write() as session:
            job = Job(kind=JobKind.COVER, user_id=member.id, guild_id=guild.id, result={"models": {"voice": "h24"}})
            session.add(job)
            session.flush()
            keys = [store.media.put_bytes(f"{member.name} {n}".encode(), "x.mp3") for n in (1, 2)]
            files = [{"key": key, "name": "x.mp3"} for key in keys]
            session.add(Outbox(job_id=job.id, user_id=member.id, files=files, state=OutboxState.SENT))
        agree_to_tests(store, member.id, guild.id, True)
    moderator = guild.add_member(env.create_user("moderator"), roles=[moderators])
    return Hall(world, store, moderator, guild.add_member(env.create_user("carol")))
