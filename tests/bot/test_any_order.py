"""Covers in any order: buttons, commands, workers, retention and a restart, one by one as a number draws them.

After each, no row names a file that is not there, no file is without a row, and nothing is logged as a bug.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import discord
import pytest
from simcord.actors import MemberActor
from sqlalchemy import select as plain_select
from sqlmodel import col, select

from bot.app import DiscoverBot
from store import Clip, Deletion, Job, JobKind, JobState, Outbox, Store, Voice, VoiceState, additions, jobs, retention
from store import voices as voices_of_members
from store.references import MEDIA_REFERENCE
from store.results import CoverResult
from store.tables import GuildSetting, now
from store.use_cases import (
    LeaseLost,
    complete_job,
    fail_job,
    finish_job,
    give_back_job,
    sweep_jobs,
    take_next_job,
    take_up_result,
)
from tests.bot.test_second_click import BROKEN, Scene
from tests.bot.world import Worker, World

pytestmark = [pytest.mark.usefixtures("quiet"), pytest.mark.timeout(200)]
STEPS = 80
NAMES = ("mine", "other", "third")
PIECES = ("voice_message", "vocals_part", "instrumental_part", "picture")
BELOW = (
    *("again:up", "again:octave_down", "again:louder", "again:voice", "again:pick"),
    *("part:vocals", "part:instrumental", "part:voice", "part:anew"),
    *("rate", "details", "share", "share", "delete", "delete:yes", "delete:no", "cancel", "fetch"),
)
OFTEN = 6
"""How much oftener members press and workers work than anything else happens."""


@dataclass
class Work:
    """A job that a worker has, and how many pieces it has added to its result."""

    job: Job
    pieces: int = 0


@dataclass
class Walk:
    """What happens next; `said` is all that was answered."""

    scene: Scene
    draw: random.Random
    folder: Path
    make_bot: Callable[[], DiscoverBot]
    covers: list[str] = field(default_factory=list)
    begun: list[Work] = field(default_factory=list)
    added: list[Work] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    async def order(self) -> None:
        """`/cover`, in a voice that may be gone."""
        world, song = self.scene.world, b"song %d" % self.draw.randrange(3)
        voice = self.draw.choice(NAMES)
        await world.alice.slash(world.channel, "cover", voice=voice, song=("s.mp3", song))
        with self.scene.store.read() as session:
            found = session.exec(select(Job.id).where(Job.kind == JobKind.COVER)).all()
        self.covers += [one for one in found if one not in self.covers]

    async def press(self) -> None:
        """Any button below one of the last covers, also one that is gone, once or twice."""
        if not self.covers:
            return
        world, what = self.scene.world, self.draw.choice(BELOW)
        values = {"again:pick": [str(self.draw.randint(1, 4))], "rate": [str(self.draw.randint(1, 5))]}.get(what)
        who: MemberActor = self.draw.choice([world.alice] * 5 + [world.bob, self.scene.moderator])
        identity = f"{what}:{self.draw.choice(self.covers[-6:])}"
        for _ in range(self.draw.choice([1, 1, 2])):
            self.said.append(await self.scene.press(identity, values, who))

    async def take(self) -> None:
        """A worker takes a job, or what was put off."""
        owner = f"worker {len(self.said)}"
        if job := take_next_job(self.scene.store, owner):
            self.begun.append(Work(job))
        elif job := take_up_result(self.scene.store, owner):
            self.added.append(Work(job))

    async def go_on(self) -> None:
        """A worker has a result, or a further piece of it."""
        if self.begun:
            work = self.begun.pop(0)
            files = {"cover": self.file("cover.mp3")}
            try:
                finish_job(self.scene.store, work.job, self.result(), files, measuring=True)
                self.added.append(work)
            except LeaseLost:
                return
        elif self.added:
            work = self.draw.choice(self.added)
            files = {PIECES[work.pieces]: self.file(f"{PIECES[work.pieces]}.ogg")}
            work.pieces += 1
            more = work.pieces < len(PIECES)
            try:
                complete_job(self.scene.store, work.job, self.result(), files, measuring=more)
            except LeaseLost:
                more = False
            self.added = [one for one in self.added if more or one is not work]

    async def stop(self) -> None:
        """A worker fails at its job, gives it back, or is silent until its lease is over."""
        store, end = self.scene.store, self.draw.choice(["fails", "gives back", "is silent"])
        if end == "is silent":
            with store.write() as session:
                for row in session.exec(select(Job).where(col(Job.lease_until).is_not(None))).all():
                    row.lease_until = 1.0
                    session.add(row)
            sweep_jobs(store)
        for work in [*self.begun, *self.added][:1]:
            if end == "fails":
                fail_job(store, work.job, "silent", {"name": "a"}, "a is silent.")
            else:
                give_back_job(store, work.job, lost=self.draw.random() < 0.5)
            self.begun = [one for one in self.begun if one is not work]
            self.added = [one for one in self.added if one is not work]

    async def change_voices(self) -> None:
        """A voice is deleted or trained anew, or those that are missing come back."""
        store, alice = self.scene.store, self.scene.world.alice
        with store.read() as session:
            owned = voices_of_members.of_owner(session, alice.id)
        if owned and self.draw.random() < 0.4:
            self.said.append(await self.scene.press(f"voices:yes:{owned[0].id}", None, alice))
        elif owned and self.draw.random() < 0.6:
            keys = [store.media.put_file(self.file(name)) for name in ("model.safetensors", "index.safetensors")]
            with store.write() as session:
                done = Job(kind=JobKind.TRAIN, user_id=alice.id, state=JobState.DELIVERED, ended_at=now())
                session.add(done)
                session.flush()
                voice = session.get_one(Voice, owned[0].id)
                before, voice.job_id = {voice.model_key or "", voice.index_key or ""}, done.id
                voices_of_members.finish(session, voice, keys[0], keys[1], {})
                additions.leave_those_of(session, voice.id or 0)
            retention.remove_unreferenced(store, before)
        else:
            self.add_voices()

    async def pass_time(self) -> None:
        """A clean-up a month or a year later, or the cards' tokens have died."""
        if self.draw.random() < 0.5:
            Worker(self.scene.store).end_replies()
            return
        seconds = self.draw.choice([31, 400]) * 24 * 3600.0
        with self.scene.store.write() as session:
            for job in session.exec(select(Job).where(col(Job.ended_at).is_not(None))).all():
                job.ended_at, job.created_at = (job.ended_at or 0.0) - seconds, job.created_at - seconds
                session.add(job)
        retention.tidy(self.scene.store)

    async def look(self) -> None:
        """Lists, and all that is kept."""
        for command in ("jobs", "mydata"):
            await self.scene.world.alice.slash(self.scene.world.channel, command)

    async def tick(self) -> None:
        """The bot's loops run."""
        await self.scene.world.tick()

    async def restart(self) -> None:
        """The bot is another one."""
        await self.scene.world.env.restart_bot(self.make_bot())

    async def forget(self) -> None:
        """The member has everything removed."""
        self.said.append(await self.scene.press("forget:yes", None, self.scene.world.alice))

    def add_voices(self) -> None:
        """The member has every voice."""
        store, owner = self.scene.store, self.scene.world.alice.id
        with store.write() as session:
            for name in NAMES:
                if voices_of_members.by_name(session, owner, name) is None:
                    keys = [store.media.put_file(self.file(f"{part}.safetensors")) for part in ("model", "index")]
                    ready = Voice(owner_id=owner, name=name, state=VoiceState.READY)
                    ready.model_key, ready.index_key = keys
                    session.add(ready)

    def file(self, name: str) -> Path:
        """Another file of this name."""
        number = sum(1 for _ in self.folder.iterdir())
        path = self.folder / str(number) / name
        path.parent.mkdir()
        path.write_text(f"{name} {number}")
        return path

    def result(self) -> CoverResult:
        """What a worker says of a cover."""
        return CoverResult(song="s", voice="v", key_shift=0, instrumental_shift=0, seconds=2.0, waveform="AAAA")

    def check(self) -> None:
        """Rows and files agree."""
        store = self.scene.store
        files = set(store.media.keys())
        with store.read() as session:
            assert set(session.scalars(plain_select(MEDIA_REFERENCE.c.media_key))) == files
            known = {job.id: job for job in session.exec(select(Job)).all()}
            mail = session.exec(select(Outbox)).all()
            assert {row.job_id for row in mail} <= known.keys()
            assert {clip.job_id for clip in session.exec(select(Clip)).all()} <= {*known, None}
            covers = [job for job in known.values() if job.kind is JobKind.COVER and job.state in jobs.ENDED]
            assert {job.id for job in covers} <= {row.job_id for row in mail}
            for row in mail:
                names = [file["name"] for file in row.files]
                assert len(names) == len(set(names))
            for job in known.values():
                assert not (job.lease_owner and (job.to_add_since or job.state in jobs.UNFINISHED))


@pytest.mark.parametrize("seed", range(2))
async def test_whatever_happens_to_covers_rows_files_and_answers_agree(
    seed: int, world: World, store: Store, make_bot: Callable[[], DiscoverBot], tmp_path_factory: pytest.TempPathFactory
) -> None:
    role = world.guild.create_role("admins", permissions=discord.Permissions(manage_guild=True))
    with store.write() as session:
        session.add(GuildSetting(guild_id=world.guild.id, max_active_jobs=5))
    scene = Scene(world, store, world.guild.add_member(world.env.create_user("moderator"), roles=[role]), {})
    walk = Walk(scene, random.Random(seed), tmp_path_factory.mktemp("made"), make_bot)
    walk.add_voices()
    often = [walk.press, walk.take, walk.go_on, walk.go_on, walk.tick, walk.order]
    seldom = [walk.stop, walk.change_voices, walk.pass_time, walk.look, walk.restart, walk.forget]
    for step in [walk.order, walk.take, *walk.draw.choices([*often * OFTEN, *seldom], k=STEPS)]:
        await step()
        walk.check()
    assert not [said for said in walk.said if BROKEN in said]
    for work in [*walk.begun, *walk.added]:
        give_back_job(store, work.job)
    await walk.forget()
    await world.tick(8)
    walk.check()
    with store.read() as session:
        assert session.exec(select(Deletion)).all() == [] == session.exec(select(Job)).all()
    assert list(store.work_dir.glob("*")) == [] == list(store.media.keys())
