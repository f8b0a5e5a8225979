"""The scene of the bot's tests: a guild with two members, and a worker played by the store's own steps."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import discord
import simcord
from simcord import InteractionResult, ResponseMessage
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle, GuildHandle
from simcord.components import walk_components
from sqlmodel import select

from bot.app import DiscoverBot
from store import Job, Outbox, Store, Voice, VoiceState, additions, jobs
from store.use_cases import keep_heard, keep_reading, next_unheard

POLL = 2.0
BUTTON, MENU, TEXT = 2, 3, 10
"""Types of components."""


def response_of(result: InteractionResult) -> ResponseMessage:
    """What an interaction was answered with."""
    assert result.response is not None
    return result.response


def parts_of(message: ResponseMessage, kind: int) -> list[dict[str, Any]]:
    """Every component of this type in an answer, also inside of others."""
    return [part for part in walk_components(message.components) if part["type"] == kind]


def text_of(message: ResponseMessage) -> str:
    """All that an answer says: its content, and the texts of a list."""
    return "\n".join([message.content, *(part["content"] for part in parts_of(message, TEXT))]).strip()


@dataclass
class World:
    """A guild with one channel, and two members."""

    env: simcord.Env
    guild: GuildHandle
    channel: ChannelHandle
    alice: MemberActor
    bob: MemberActor

    @property
    def bot(self) -> DiscoverBot:
        """The running bot."""
        assert isinstance(self.env.bot, DiscoverBot)
        return self.env.bot

    async def train(
        self, worker: "Worker", name: str, notes: Sequence[tuple[str, bytes]], **more: Any
    ) -> InteractionResult:
        """A member uses /train, and a worker hears 40 s of voice in each note."""
        options = {f"note{number}": note for number, note in enumerate(notes, start=1)}
        asked = await self.alice.slash(self.channel, "train", name=name, **options, **more)
        worker.hear()
        await self.tick()
        return asked

    async def tick(self, seconds: float = POLL) -> None:
        """Let the loops run."""
        await self.env.advance_time(seconds)

    def allow(self, command: str, *members: MemberActor) -> None:
        """A server's Integrations page shows them a command that Discord hides from them by default."""
        mention = next(text for name, text in self.bot.services.mentions.items() if name.split()[0] == command)
        number = int(mention.rpartition(":")[2].rstrip(">"))
        self.guild.set_command_permissions(number, dict.fromkeys(members, True))

    def public(self, channel: ChannelHandle | None = None) -> list[discord.Message]:
        """The bot's ordinary messages in the channel, oldest first."""
        assert self.bot.user is not None
        posted = (channel or self.channel).history()
        return [m for m in posted if m.author.id == self.bot.user.id and not m.flags.ephemeral]

    def cards(self, channel: ChannelHandle | None = None) -> list[discord.Message]:
        """The bot's private answers in the channel, oldest first: what only the one who asked sees."""
        seen = [m for member in (self.alice, self.bob) for m in (channel or self.channel).history(viewer=member)]
        return sorted((message for message in seen if message.flags.ephemeral), key=lambda message: message.id)

    async def post(self, text: str, view: discord.ui.View) -> discord.Message:
        """The bot writes in the channel."""
        message = await self.bot.get_partial_messageable(self.channel.id).send(text, view=view)
        await self.env.settle()
        return message

    def dms(self, member: MemberActor) -> list[discord.Message]:
        """What the bot wrote to a member."""
        return self.public(member.user.dm_channel)

    def edits(self) -> int:
        """How often the bot has edited a private answer, the first answer included."""
        return sum(1 for r in self.env.http_requests if r.method == "PATCH" and r.path.startswith("/webhooks/"))


@dataclass
class Worker:
    """Plays a worker by the store's own steps."""

    store: Store

    def hear(self, seconds: float = 40.0, strangers: Collection[str] = ()) -> None:
        """Hear every note that waits, with so many seconds of voice.

        Who reads a sentence aloud does not speak in the notes of these names.
        """
        while (waiting := next_unheard(self.store)) is not None:
            if waiting.sentence:
                alike = {note.id or 0: 0.9 for note in waiting.others if note.name not in strangers}
                keep_reading(self.store, waiting.note.id or 0, seconds, [1.0], "m", alike)
            else:
                keep_heard(self.store, waiting.note.id or 0, seconds, [1.0], "m")

    def only(self) -> Job:
        """The one job there is."""
        with self.store.read() as session:
            return session.exec(select(Job)).one()

    def job(self, job_id: str) -> Job:
        """A job's row."""
        with self.store.read() as session:
            return jobs.get(session, job_id)

    def add_voice(self, owner: int, name: str) -> int:
        """A ready voice of a member's; its id."""
        with self.store.write() as session:
            voice = Voice(owner_id=owner, name=name, state=VoiceState.READY, model_key="m", index_key="i")
            session.add(voice)
            session.flush()
            return voice.id or 0

    def outbox(self) -> list[Outbox]:
        """Every message row."""
        with self.store.read() as session:
            return list(session.exec(select(Outbox)).all())

    def end_replies(self) -> None:
        """Let the tokens of private answers be dead, as after 15 minutes."""
        with self.store.write() as session:
            for row in session.exec(select(Job)).all():
                row.reply_until = 0.0 if row.reply_token else None
                session.add(row)

    def due_now(self) -> None:
        """Let postponed messages be due, and those that a bot was sending when it died."""
        with self.store.write() as session:
            for row in session.exec(select(Outbox)).all():
                row.next_try_at, row.lease_until = 0.0, None
                session.add(row)

    def begin(self, job: Job) -> None:
        """Lease and start."""
        with self.store.write() as session:
            assert jobs.lease(session, job.id, job.attempt, "w")
            assert jobs.start(session, job.id, job.attempt, "w")

    def report(self, job: Job, stage: str, progress: float, left: float | None = None) -> None:
        """Say how far it is."""
        with self.store.write() as session:
            assert jobs.report(session, job.id, job.attempt, "w", stage, progress, left)

    def render(
        self, job: Job, result: dict[str, Any], files: dict[str, bytes] | None = None, *, measuring: bool = False
    ) -> None:
        """Begin if needed and finish with a result."""
        if self.job(job.id).state == "queued":
            self.begin(job)
        rows = self._kept(files or {})
        with self.store.write() as session:
            assert jobs.render(session, job.id, job.attempt, "w", result, rows, measuring=measuring)

    def complete(self, job: Job, result: dict[str, Any], files: dict[str, bytes]) -> None:
        """Add what was measured."""
        rows = self._kept(files)
        with self.store.write() as session:
            assert additions.complete(session, job.id, job.attempt, "w", result, rows)

    def leave(self, job: Job) -> None:
        """Stop measuring."""
        with self.store.write() as session:
            assert additions.leave(session, job.id, job.attempt, "w")

    def _kept(self, files: dict[str, bytes]) -> list[dict[str, str]]:
        return [{"key": self.store.media.put_bytes(data, name), "name": name} for name, data in files.items()]

    def fail(self, job: Job, code: str, params: dict[str, Any], sentence: str) -> None:
        """Begin if needed and fail."""
        if self.job(job.id).state == "queued":
            self.begin(job)
        with self.store.write() as session:
            assert jobs.fail(session, job.id, job.attempt, "w", code, params, sentence)

    def stop(self, job: Job) -> None:
        """Confirm a cancel."""
        with self.store.write() as session:
            assert jobs.confirm_cancel(session, job.id, job.attempt, "w")
