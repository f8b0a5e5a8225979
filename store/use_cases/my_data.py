"""Everything that is kept about a member, for themselves: rows as JSON and the files that they name, as ZIP files.

The songs of a server's library are the server's: whoever has added them gets their rows, without the files.
"""

import contextlib
import json
import shutil
import uuid
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Table, or_
from sqlmodel import Session, SQLModel, select

from files.disk import disk_full
from store import basket, voices
from store.database import Store
from store.errors import NotFound
from store.listening_tables import ListeningClip
from store.params import INSTRUMENTAL_KEY, SONG_KEY, subject_of
from store.tables import Clip, Job, Outbox

PEOPLE = frozenset(
    {
        "user_id",
        "owner_id",
        "rater_id",
        "reporter_id",
        "moderator_id",
        "added_by",
        "removed_by",
        "warned_by",
        "blocked_by",
    }
)
"""Columns that name a member: each row that names the one who asks is theirs, and whoever else it names is left out."""
SUBJECT = "subject"
"""Whom an act of a moderator was about, where it is a member: their id in digits."""
KEPT_BACK = frozenset({"lease_owner", "reply_token", "seed"})
"""Columns that name a machine of the operator's, let anybody write as the bot, or tell the order of a test's clips."""
ERROR = ("error_code", "error_params", "error_sentence")
Tell = Callable[[str, Mapping[str, Any], str], str]
"""What a member reads of an error: its code, params and English sentence, which may be for the operator alone."""
ROWS = "rows.json"
MOST_PARTS = 10
ENTRY_BYTES = 256
"""What a ZIP file spends on an entry, besides its name twice."""


@dataclass(frozen=True)
class OwnFile:
    """A file of a member: where it lies, and what it is called among theirs."""

    path: Path
    name: str


@dataclass(frozen=True)
class MyData:
    """The ZIP files, how much is in them, and the names of what no part had room for."""

    parts: Sequence[Path]
    rows: int
    files: int
    left_out: Sequence[str]


@contextlib.contextmanager
def my_data(store: Store, user_id: int, limit: int, tell: Tell) -> Iterator[MyData]:
    """All that is kept about a member in ZIP files of at most `limit` bytes, which are gone at the end of the block.

    What is larger by itself, or comes after MOST_PARTS parts, is left out and named. Errors are as `tell` puts them.
    Raises DiskFull.
    """
    folder = store.work_dir / f"my-data-{uuid.uuid4().hex}"  # what a kill leaves there is tidied within an hour
    try:
        with disk_full():
            folder.mkdir(parents=True, mode=0o700)
            yield _written(store, user_id, folder, limit, tell)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _written(store: Store, user_id: int, folder: Path, limit: int, tell: Tell) -> MyData:
    with store.read() as session:
        rows, named = _rows(session, user_id, tell), list(_named(session, user_id))
    if not any(rows.values()):
        return MyData([], 0, 0, [])
    text = folder / ROWS
    text.write_text(json.dumps(rows, indent=1, ensure_ascii=False), "utf-8")
    parts, left_out = _parted([OwnFile(text, ROWS), *_files(store, named)], limit)
    paths = [folder / f"my-data-{number}.zip" for number, _ in enumerate(parts, start=1)]
    count = sum(map(_zipped, paths, parts)) - (ROWS not in left_out)
    return MyData(paths, sum(map(len, rows.values())), count, left_out)


def _zipped(path: Path, files: Sequence[OwnFile]) -> int:
    """Write the files that are still there; how many that are."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            with contextlib.suppress(FileNotFoundError):  # past its time meanwhile
                archive.write(file.path, file.name)
        return len(archive.namelist())


def _parted(everything: Sequence[OwnFile], limit: int) -> tuple[list[list[OwnFile]], list[str]]:
    """The files, each in the first part with room for it; and the names of the others."""
    parts: list[list[OwnFile]] = []
    room: list[int] = []
    left_out = []
    for file in everything:
        try:
            size = file.path.stat().st_size + ENTRY_BYTES + 2 * len(file.name.encode())
        except FileNotFoundError:  # past its time meanwhile
            continue
        place = next((number for number, free in enumerate(room) if free >= size), len(parts))
        if size > limit - ENTRY_BYTES or place == MOST_PARTS:
            left_out.append(file.name)
            continue
        if place == len(parts):
            parts.append([])
            room.append(limit - ENTRY_BYTES)
        parts[place].append(file)
        room[place] -= size
    return parts, left_out


def _rows(session: Session, user_id: int, tell: Tell) -> dict[str, list[dict[str, Any]]]:
    """The rows of every table that name the member, without the ids of others."""
    found = {table.name: _of(session, table, user_id) for table in SQLModel.metadata.sorted_tables}
    return {name: [_told(row, tell) for row in rows] for name, rows in found.items() if rows}


def _told(row: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """The row with its error as one sentence, and without what it says of the operator's machines."""
    code, params, sentence = (row.get(name) for name in ERROR)
    shown = {name: value for name, value in row.items() if name not in {*KEPT_BACK, *ERROR}}
    return shown | {"error": tell(code, params or {}, sentence or "")} if code else shown


def _of(session: Session, table: Table, user_id: int) -> list[dict[str, Any]]:
    mine = [column == user_id for column in table.columns if column.name in PEOPLE]
    if not mine:
        return []
    mine += [column == str(user_id) for column in table.columns if column.name == SUBJECT]
    rows = session.connection().execute(table.select().where(or_(*mine))).mappings()
    return [{name: None if _is_another(name, value, user_id) else value for name, value in row.items()} for row in rows]


def _is_another(name: str, value: Any, user_id: int) -> bool:
    """Whether a column names a member who is not the one who asks."""
    if name == SUBJECT:
        return str(value).isdecimal() and value != str(user_id)
    return name in PEOPLE and value != user_id


def _files(store: Store, named: Iterable[tuple[str | None, str]]) -> Iterator[OwnFile]:
    """Recordings first, then results, the songs that they sent, and voices; each once, if it is still kept."""
    seen: set[str] = set()
    for key, name in named:
        if key and key not in seen:
            with contextlib.suppress(NotFound):
                path = store.media.path(key)
                seen.add(key)
                yield OwnFile(path, name)


def _named(session: Session, user_id: int) -> Iterator[tuple[str | None, str]]:
    for note in basket.of_member(session, user_id):
        yield note.media_key, f"notes/{note.id}-{_plain(note.name)}"
    for clip in session.exec(select(Clip).where(Clip.user_id == user_id)).all():
        yield clip.media_key, f"notes/sent-{clip.id}-{_plain(clip.name)}"
    for message in session.exec(select(Outbox).where(Outbox.user_id == user_id)).all():
        for file in message.files:
            yield file["key"], f"results/{message.job_id[:12]}/{_plain(file.get('name') or 'result')}"
    for job in session.exec(select(Job).where(Job.user_id == user_id)).all():
        for part in (SONG_KEY, INSTRUMENTAL_KEY):
            key = job.params.get(part)
            suffix = f".{key.partition('.')[2]}" if key and "." in key else ""
            yield key, f"songs/{job.id[:12]}/{part.removesuffix('_key')}-{_plain(subject_of(job))}{suffix}"
    for heard in session.exec(select(ListeningClip).where(ListeningClip.owner_id == user_id)).all():
        for key, part in ((heard.source_key, "whole"), (heard.media_key, "rated")):
            suffix = f".{key.partition('.')[2]}" if key and "." in key else ""
            yield key, f"listening-tests/{heard.test_id}/{heard.name}-{part}{suffix}"
    for voice in voices.of_owner(session, user_id):
        for key, role in ((voice.model_key, "voice"), (voice.index_key, "voice.index")):
            yield key, f"voices/{voice.id}-{_plain(voice.name)}/{role}.safetensors"


def _plain(name: str) -> str:
    """A name without folders."""
    return name.replace("/", "_").replace("\\", "_").strip(". ")[:80] or "file"
