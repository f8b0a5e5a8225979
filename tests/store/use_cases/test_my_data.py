"""What is kept about a member, as they get it: all of theirs, nothing of anybody else's."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import SQLModel

from store import Job, JobKind, Outbox, Store, Voice
from store.report_tables import MemberBlock, MemberReport, ReportReason
from store.use_cases import add_to_basket, my_data
from store.use_cases.my_data import OWNERS
from tests.store.use_cases.scene import MEMBER, OTHER, Scene, as_kept

ME, THEM = 7_777_777_777, 8_888_888_888
LIMIT = 1_000_000


def add(scene: Scene, user: int, sound: bytes, other: int) -> None:
    """A member with a note, a cover and its song, a voice, a report of theirs and one against them."""
    who = type(MEMBER)(user)
    add_to_basket(scene.store, who, [scene.save(sound + b" note", "../n.ogg")], "command")
    song, cover = scene.store.media.put_bytes(sound + b" song", "x.mp3"), scene.store.media.put_bytes(sound + b" cover")
    scene.add_voice(f"{sound.decode()} voice", owner=user)
    with scene.store.write() as session:
        job = Job(kind=JobKind.COVER, user_id=user, params={"song_key": song, "song_name": f"{sound.decode()} title"})
        session.add(job)
        session.flush()
        session.add(Outbox(job_id=job.id, user_id=user, files=[{"key": cover, "name": "cover.mp3"}]))
        where: dict[str, Any] = {"guild_id": 1, "job_id": "j", "channel_id": 2, "message_id": 3}
        session.add(MemberReport(user_id=user, reporter_id=other, reason=ReportReason.SPAM, blocked_by=other, **where))
        session.add(MemberBlock(guild_id=1, user_id=user, moderator_id=other, reason=ReportReason.SPAM))


def read(parts: list[Path]) -> dict[str, bytes]:
    """Every entry of all parts."""
    found: dict[str, bytes] = {}
    for part in parts:
        with zipfile.ZipFile(part) as archive:
            assert archive.testzip() is None
            found |= {name: archive.read(name) for name in archive.namelist()}
    return found


def test_all_of_a_members_rows_and_files_are_there_and_nothing_of_others(scene: Scene) -> None:
    add(scene, ME, b"mine", THEM)
    add(scene, THEM, b"theirs", ME)
    with my_data(scene.store, ME, LIMIT, as_kept) as data:
        entries, scratch = read(list(data.parts)), data.parts[0].parent
    assert not scratch.exists()
    rows = json.loads(entries.pop("rows.json"))
    assert {table: len(found) for table, found in rows.items()} == {
        "basket_note": 1,
        "block": 1,
        "job": 1,
        "member_report": 2,
        "outbox": 1,
        "voice": 1,
    }
    assert data.rows == 7 and data.files == len(entries) == 5 and list(data.left_out) == []
    assert sorted(content.split()[0] for content in entries.values()) == [b"mine"] * 5
    everything = json.dumps(rows).encode() + b"".join(entries.values()) + " ".join(entries).encode()
    assert str(THEM).encode() not in everything and b"theirs" not in everything
    assert str(ME).encode() in everything and not any(".." in name for name in entries)


def test_every_table_that_names_a_member_is_known(store: Store) -> None:
    named = {c.name for table in SQLModel.metadata.sorted_tables for c in table.columns if c.name.endswith("r_id")}
    assert named <= {*OWNERS, "moderator_id"}


def test_what_is_too_much_for_one_file_is_split_and_what_is_too_large_is_named(scene: Scene) -> None:
    sounds = [bytes([number]) * 4000 for number in range(4)] + [b"x" * 20_000]
    add_to_basket(scene.store, MEMBER, [scene.save(sound, f"{sound[0]}.ogg") for sound in sounds], "command")
    with my_data(scene.store, MEMBER.user_id, 10_000, as_kept) as data:
        assert len(data.parts) > 1 and all(part.stat().st_size <= 10_000 for part in data.parts)
        entries = read(list(data.parts))
    assert [name.split("-")[1] for name in data.left_out] == ["120.ogg"]
    assert sum(name.startswith("notes/") for name in entries) == 4 and "rows.json" in entries


def test_a_file_that_is_gone_and_a_member_without_anything(scene: Scene) -> None:
    with my_data(scene.store, OTHER.user_id, LIMIT, as_kept) as data:
        assert (data.rows, list(data.parts)) == (0, [])
    add(scene, ME, b"mine", THEM)
    for path in scene.store.media.root.glob("??/*.ogg"):
        path.unlink()
    with my_data(scene.store, ME, LIMIT, as_kept) as data:
        assert data.files == 4


def test_nothing_is_left_when_it_is_broken_off(scene: Scene) -> None:
    scene.add_voice("mine", owner=ME)
    with pytest.raises(RuntimeError), my_data(scene.store, ME, LIMIT, as_kept):
        raise RuntimeError
    assert list(scene.store.work_dir.glob("*")) == [] and len(scene.rows(Voice)) == 1
