"""Every button and menu is pressed twice: the second press is answered by a sentence, and does nothing twice.

Each is pressed on two copies of its message, as a member does who is faster than Discord, or has it open twice.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import discord
import pytest
from simcord import ResponseMessage
from simcord.actors import MemberActor
from sqlmodel import SQLModel, col, select

from bot.app import COMPONENTS
from bot.interactions.components import view_of
from bot.mos.ballot import VoteMenu
from store import (
    BasketNote,
    Job,
    JobKind,
    JobState,
    MemberReport,
    Outbox,
    ReportReason,
    Song,
    Store,
    Voice,
    VoiceState,
    jobs,
    library,
)
from store.tables import GuildSetting, OutboxState, Singer
from tests.bot.test_training import NOTES
from tests.bot.world import Worker, World, text_of

pytestmark = pytest.mark.usefixtures("quiet")
ELSEWHERE = {VoteMenu}
"""Pressed twice in `mos/test_listening.py`, in a listening test that runs."""
SAME = ""
"""The second press is answered like the first."""
ROW, BUTTON, MENU = 1, 2, 3
"""Types of components."""
BROKEN = "Something went wrong"
PARTS = ("vocals_part", "instrumental_part", "voice_message")
TABLE: Sequence[tuple[str, Sequence[str] | None, str, str]] = (
    ("jobs:page:2", None, "alice", SAME),
    ("notes:page:1", None, "alice", SAME),
    ("voices:page:1", None, "alice", SAME),
    ("songs:page:1", None, "moderator", SAME),
    ("singers:page:1", None, "moderator", SAME),
    ("again:page:1:{cover}", None, "alice", SAME),
    ("liking:open", None, "alice", SAME),
    ("liking:page:1", None, "alice", SAME),
    ("liking:pick:1", ["{song}"], "alice", SAME),
    ("liking:skip", None, "alice", SAME),
    ("suggested:like:0:{match}", None, "alice", SAME),
    ("suggested:dislike:0:{match}", None, "alice", SAME),
    ("suggested:sing:0:{match}", None, "alice", "is being sung already"),
    ("cancel:{waits}", None, "alice", "has ended already"),
    ("fetch:{cover}", None, "alice", SAME),
    ("share:{cover}", None, "alice", "It is shared already"),
    ("details:{cover}", None, "alice", SAME),
    ("rate:{cover}", ["5"], "alice", SAME),
    ("again:up:{cover}", None, "alice", "is being sung already"),
    ("again:louder:{cover}", None, "alice", "is being sung already"),
    ("again:voice:{cover}", None, "alice", SAME),
    ("again:pick:{cover}", ["{other}"], "alice", "is being sung already"),
    ("part:vocals:{cover}", None, "alice", SAME),
    ("part:instrumental:{cover}", None, "alice", SAME),
    ("part:voice:{cover}", None, "alice", SAME),
    ("part:vocals:{bare}", None, "alice", SAME),
    ("part:anew:{bare}", None, "alice", "is being sung already"),
    ("consent:yes:{train_yes}", None, "alice", "You have answered this already"),
    ("consent:no:{train_no}", None, "alice", "You have answered this already"),
    ("notes:add", None, "alice", SAME),
    ("notes:pick", ["{note}"], "alice", "There is no such note any more"),
    ("voices:open:{mine}", None, "alice", SAME),
    ("voices:pick", ["{mine}"], "alice", SAME),
    ("voices:rename:{mine}", None, "alice", SAME),
    ("voices:export:{mine}", None, "alice", SAME),
    ("voices:delete:{third}", None, "alice", SAME),
    ("voices:no:{third}", None, "alice", SAME),
    ("voices:yes:{third}", None, "alice", "There is no such voice"),
    ("library:remove:song:{gone}", None, "moderator", SAME),
    ("library:no:song:{gone}", None, "moderator", SAME),
    ("library:yes:song:{gone}", None, "moderator", "There is no such song of this server"),
    ("library:remove:singer:{singer}", None, "moderator", SAME),
    ("library:yes:singer:{singer}", None, "moderator", "There is no such singer of this server"),
    ("mos:agree:yes", None, "alice", SAME),
    ("mos:agree:no", None, "alice", SAME),
    ("report:why:{place}", ["spam"], "bob", "know of this result already"),
    ("report:warn:{report}", None, "moderator", "This was done already"),
    ("report:block:{report}", None, "moderator", "This was done already"),
    ("report:remove:{report}", None, "moderator", "This was done already"),
    ("delete:{cover}", None, "alice", SAME),
    ("delete:no:{cover}", None, "alice", SAME),
    ("delete:yes:{cover}", None, "alice", "There is no such job"),
    ("forget:no", None, "alice", SAME),
    ("forget:yes", None, "alice", "Nothing about you is stored here"),
)


@dataclass
class Scene:
    """What Alice has, and what a moderator sees of it; `numbers` are the ids of rows by their names."""

    world: World
    store: Store
    moderator: MemberActor
    numbers: dict[str, Any]
    shown: int = 0
    """Messages that everybody sees, of what was pressed so far."""

    async def press(self, custom_id: str, values: Sequence[str] | None, who: MemberActor) -> str:
        """Press a copy of the button, or choose in a copy of the menu; all that is seen then."""
        part: dict[str, Any] = {"type": BUTTON, "style": 2, "label": "x", "custom_id": custom_id}
        if values is not None:
            options = [{"label": value, "value": value} for value in values]
            part = {"type": MENU, "custom_id": custom_id, "options": options, "max_values": len(values)}
        env, bot = self.world.env, self.world.bot.user
        assert bot is not None
        row = {"type": ROW, "components": [part]}
        posted = env.backend.create_message(self.world.channel.id, bot.id, "", components=[row], broadcast=False)
        message = ResponseMessage(env, posted)
        before = {one.id for one in self.world.public()}
        press = who.click(message, label="x") if values is None else who.select(message, values)
        result = await press
        self.shown += len({one.id for one in self.world.public()} - before)
        if result.modal is not None:
            return f"form {result.modal}"
        answers = [one for one in (result.response, *result.followups) if one is not None]
        seen = "\n".join(f"{text_of(one)} {[file.filename for file in one.attachments] or ''}" for one in answers)
        return seen.strip()

    def rows(self) -> dict[str, int]:
        """How many rows each table has."""
        with self.store.read() as session:
            names = [table.name for table in SQLModel.metadata.sorted_tables]
            counts = ", ".join(f'(SELECT COUNT(*) FROM "{name}")' for name in names)
            found = session.connection().exec_driver_sql(f"SELECT {counts}").one()
            return dict(zip(names, found, strict=True))


OF_JOBS = [row for row in TABLE if re.search("{(match|cover|bare|waits|train_yes|train_no)}", row[0])]


@pytest.fixture
async def scene(world: World, worker: Worker, store: Store) -> Scene:
    """Voices, notes, jobs of every kind, a report, and a server's own library."""
    guild, alice, staff = world.guild, world.alice.id, world.guild.create_text_channel("staff")
    with store.write() as session:
        session.add(GuildSetting(guild_id=guild.id, staff_channel_id=staff.id, max_active_jobs=20))
    for name in ("yes", "no"):
        await world.train(worker, name, NOTES if name == "yes" else ())
    kept = {part: store.media.put_bytes(part.encode(), f"{part}.ogg") for part in ("cover", *PARTS, "song", "voice")}
    numbers: dict[str, Any] = {}
    with store.write() as session:
        trainings = session.exec(select(Job).order_by(col(Job.created_at))).all()
        numbers |= {f"train_{name}": job.id for name, job in zip(("yes", "no"), trainings, strict=True)}
        numbers["waits"] = jobs.submit(session, Job(kind=JobKind.MATCH, user_id=alice, guild_id=guild.id)).id
        jobs.enqueue(session, numbers["waits"])
        for name in ("mine", "other", "third"):
            voice = Voice(
                owner_id=alice, name=name, state=VoiceState.READY, model_key=kept["voice"], index_key=kept["song"]
            )
            session.add(voice)
            session.flush()
            numbers[name] = voice.id
        for name in ("song", "gone"):
            row = library.add_song(session, Song(title=name, media_key=kept["song"], guild_id=guild.id))
            numbers[name] = row.id
        singer = Singer(name="IU", embedding_model="m", embeddings_key=kept["voice"], clips=3, guild_id=guild.id)
        session.add(singer)
        session.flush()
        numbers["singer"] = singer.id
        suggested = [{"title": "song", "song_id": numbers["song"], "key_shift": 2}]
        sung = {"song": "Palette", "voice": "mine", "key_shift": 0, "instrumental_shift": 0, "seconds": 2.0}
        params = {"song_name": "Palette", "song_key": kept["song"], "voice_id": numbers["mine"], "voice_name": "mine"}
        for name, kind, result in (
            ("match", JobKind.MATCH, {"candidates": [{"name": "IU", "share": 0.4}], "songs": suggested}),
            ("cover", JobKind.COVER, sung),
            ("bare", JobKind.COVER, sung),
            ("deleted", JobKind.COVER, sung),
        ):
            job = Job(
                kind=kind,
                user_id=alice,
                guild_id=guild.id,
                channel_id=world.channel.id,
                state=JobState.DELIVERED,
                result=result,
                params=params if kind is JobKind.COVER else {},
            )
            session.add(job)
            session.flush()
            sent = [{"key": kept["cover"], "name": "cover.mp3"}]
            if name == "cover":
                sent += [{"key": kept[part], "name": f"{part}.ogg", "part": part} for part in PARTS]
            session.add(Outbox(job_id=job.id, user_id=alice, files=sent, state=OutboxState.SENT))
            numbers[name] = job.id
        report = MemberReport(
            guild_id=guild.id,
            job_id=numbers["deleted"],
            user_id=world.bob.id,
            reporter_id=alice,
            reason=ReportReason.SPAM,
            channel_id=world.channel.id,
            message_id=1,
        )
        session.add(report)
        session.flush()
        numbers["report"] = report.id
        numbers["note"] = session.exec(select(BasketNote)).all()[0].id
    shared = await world.post(f"a cover\n-# job {numbers['cover'][:12]}", view_of())
    numbers["place"] = f"{world.channel.id}:{shared.id}:{numbers['cover'][:12]}"
    role = guild.create_role("admins", permissions=discord.Permissions(manage_guild=True))
    return Scene(world, store, guild.add_member(world.env.create_user("moderator"), roles=[role]), numbers)


async def test_a_second_press_of_anything_is_answered_and_does_nothing_twice(scene: Scene) -> None:
    seen, shared = set[type[Any]](ELSEWHERE), 0
    for custom_id, values, who, expected in TABLE:
        given = None if values is None else [value.format(**scene.numbers) for value in values]
        member = scene.moderator if who == "moderator" else getattr(scene.world, who)
        pressed = custom_id.format(**scene.numbers), given, member
        first = await scene.press(*pressed)
        between = scene.rows()
        second = await scene.press(*pressed)
        assert first and BROKEN not in first + second, (custom_id, first, second)
        assert second == first if expected is SAME else expected in second, (custom_id, first, second)
        shared += custom_id.startswith("share:")
        assert scene.shown == shared, custom_id  # all else is for whoever pressed alone
        assert scene.rows() == between or custom_id == "forget:yes", custom_id  # each is one line of audit
        seen |= {kind for kind in COMPONENTS if re.fullmatch(kind.pattern, pressed[0])}
    assert [kind.__name__ for kind in COMPONENTS if kind not in seen] == []


REFUSED = {
    "its message was dismissed": ("PATCH", "/webhooks/*", 404, 10008),
    "its channel was deleted": ("POST", "/webhooks/*", 404, 10003),
    "a file is too large": ("POST", "/webhooks/*", 413, 40005),
    "another bot was faster": ("POST", "/interactions/*", 400, 40060),
}
"""What Discord refuses, and with which status and code."""


@pytest.mark.parametrize("name", REFUSED)
async def test_an_answer_that_discord_refuses_is_no_bug_of_ours(scene: Scene, name: str) -> None:
    method, path, status, code = REFUSED[name]
    for custom_id, values, who, _ in TABLE:
        given = None if values is None else [value.format(**scene.numbers) for value in values]
        member = scene.moderator if who == "moderator" else getattr(scene.world, who)
        scene.world.env.inject_error(method, path, status=status, code=code)
        seen = await scene.press(custom_id.format(**scene.numbers), given, member)
        scene.world.env.backend.faults.clear()
        assert BROKEN not in seen, (custom_id, seen)
        if name == "its message was dismissed":  # the answer comes as another message
            queued = custom_id.startswith(
                ("suggested:sing", "again:up", "again:louder", "again:pick", "part:anew", "consent:yes")
            )
            assert queued or seen, custom_id  # the card of what was queued goes another way


@pytest.mark.parametrize("state", [JobState.FAILED, None], ids=["failed", "forgotten"])
async def test_the_buttons_of_a_job_that_failed_or_is_gone_are_one_sentence(
    world: World, store: Store, state: JobState | None
) -> None:
    scene = Scene(world, store, world.bob, {"other": 1})
    for custom_id, values, *_ in OF_JOBS:
        about = JobKind.MATCH if "match" in custom_id else JobKind.TRAIN if "train" in custom_id else JobKind.COVER
        job = Job(kind=about, user_id=world.alice.id, state=state or JobState.FAILED)
        if state is not None:
            with store.write() as session:
                session.add(job)
                session.flush()
        pressed = re.sub("{[a-z_]+}", job.id, custom_id)
        given = None if values is None else [value.format(**scene.numbers) for value in values]
        before = scene.rows()
        answer = await scene.press(pressed, given, world.alice)
        assert answer.startswith(("There is no such", "This job has ended already", "You have answered")), (
            custom_id,
            answer,
        )
        assert scene.rows() == before, custom_id
