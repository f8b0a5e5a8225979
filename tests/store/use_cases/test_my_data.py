"""What is kept about a member, as they get it: all of theirs, nothing of anybody else's."""

import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import BigInteger
from sqlmodel import SQLModel

from files.disk import DiskFull
from store import Job, JobKind, Outbox, Voice
from store.media_triggers import COLUMNS
from store.report_tables import MemberBlock, MemberReport, ReportReason
from store.tables import Audit
from store.use_cases import add_to_basket, my_data
from store.use_cases.my_data import ERROR, KEPT_BACK, PEOPLE
from tests.store.use_cases.filled import fill, people
from tests.store.use_cases.scene import MEMBER, OTHER, Scene, as_kept

ME, THEM = 7_777_777_777, 8_888_888_888
LIMIT = 1_000_000
module: Any = sys.modules[my_data.__module__]
PLACES = {
    "guild_id",
    "channel_id",
    "message_id",
    "staff_channel_id",
    "staff_message_id",
    "sent_channel_id",
    "moderator_role_id",
}


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
        "block": 2,
        "job": 1,
        "member_report": 2,
        "outbox": 1,
        "voice": 1,
    }
    assert data.rows == 8 and data.files == len(entries) == 5 and list(data.left_out) == []
    assert sorted(content.split()[0] for content in entries.values()) == [b"mine"] * 5
    everything = json.dumps(rows).encode() + b"".join(entries.values()) + " ".join(entries).encode()
    assert str(THEM).encode() not in everything and b"theirs" not in everything
    assert str(ME).encode() in everything and not any(".." in name for name in entries)


def test_every_id_of_discords_is_known_to_be_a_members_or_a_places() -> None:
    columns = [column for table in SQLModel.metadata.sorted_tables for column in table.columns]
    large = {column.name for column in columns if isinstance(column.type, BigInteger)}
    assert large == {*PEOPLE, *PLACES, "seed"}


def test_every_row_and_file_of_every_table_that_names_a_member_is_there_and_nothing_of_others(scene: Scene) -> None:
    mine, _ = fill(scene.store, ME, "mine"), fill(scene.store, THEM, "other's")
    with my_data(scene.store, ME, LIMIT, as_kept) as data:
        entries = read(list(data.parts))
    text = entries.pop("rows.json").decode()
    rows = json.loads(text)
    assert rows.keys() == {table.name for table in SQLModel.metadata.sorted_tables if people(table)}
    assert {name for name in rows if len(rows[name]) != 1} == set()
    for name, row in mine.items():
        kept_back = {*KEPT_BACK, *ERROR}
        missing = [key for key, value in row.items() if name in rows and key not in kept_back | rows[name][0].keys()]
        assert missing == [], name
    everything = text.encode() + b"".join(entries.values()) + " ".join(entries).encode()
    assert str(THEM).encode() not in everything and b"other's" not in everything
    assert {content.decode().split()[1].partition(".")[0] for content in entries.values()} == {
        *COLUMNS.keys() - {"song", "singer"}  # a server's, and nobody's
    }
    assert not any(secret in text for secret in ("reply_token", "lease_owner", '"seed"'))


def test_whom_a_moderator_unblocked_is_left_out_of_theirs_and_is_told_it_among_their_own(scene: Scene) -> None:
    with scene.store.write() as session:
        session.add(Audit(user_id=ME, guild_id=1, action="unblock", subject=str(THEM)))
    for member, told in ((ME, (ME, None)), (THEM, (None, str(THEM)))):
        with my_data(scene.store, member, LIMIT, as_kept) as data:
            (row,) = json.loads(read(list(data.parts))["rows.json"])["audit"]
        assert (row["user_id"], row["subject"]) == told


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


@pytest.mark.parametrize("step", ["_parted", "_zipped"])
def test_a_file_that_vanishes_meanwhile_is_not_counted(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    add(scene, ME, b"mine", THEM)
    work = getattr(module, step)

    def slow(*given: Any) -> Any:
        for path in scene.store.media.root.glob("??/*.ogg"):
            path.unlink()
        return work(*given)

    monkeypatch.setattr(module, step, slow)
    with my_data(scene.store, ME, LIMIT, as_kept) as data:
        entries = read(list(data.parts))
        assert data.files == len(entries) - 1 == 4 and data.left_out == []


@pytest.mark.parametrize("part", ["rows.json", "my-data-1.zip"])
def test_a_full_disk_is_said_and_leaves_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    add(scene, ME, b"mine", THEM)
    opened = io.open

    def full(path: Any, mode: str = "r", *more: Any, **options: Any) -> Any:
        file = opened(path, mode, *more, **options)
        if str(path).endswith(part) and mode != "r":
            file.close()
            return opened("/dev/full", mode.replace("x", "w"), *more, **options)
        return file

    monkeypatch.setattr(io, "open", full)
    monkeypatch.setattr("builtins.open", full)
    with pytest.raises(DiskFull), my_data(scene.store, ME, LIMIT, as_kept):
        raise AssertionError
    assert list(scene.store.work_dir.glob("*")) == []


def test_nothing_is_left_when_it_is_broken_off(scene: Scene) -> None:
    scene.add_voice("mine", owner=ME)
    with pytest.raises(RuntimeError), my_data(scene.store, ME, LIMIT, as_kept):
        raise RuntimeError
    assert list(scene.store.work_dir.glob("*")) == [] and len(scene.rows(Voice)) == 1
