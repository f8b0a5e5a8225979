"""What must hold when all is quiet again, whatever happened before; each breach is one sentence."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from files.atomic import DRAFT
from store.jobs import ENDED
from store.media_triggers import COLUMNS, keys_in_sqlite
from store.tables import JobKind, JobState
from tests.chaos.noted_discord import Sent
from tests.chaos.scene import Scene, secret

MARK = 12
"""So many letters of its job's id stand in a message."""
ENDS = frozenset(state.value for state in ENDED - {JobState.UNDELIVERABLE})


def breaches(scene: Scene) -> list[str]:
    """Every breach; the processes have ended and the cleaner has run."""
    with closing(sqlite3.connect(scene.settings.data_dir / "discovervoice.db")) as database:
        database.row_factory = sqlite3.Row
        checks = (_sound_database, _ended_jobs, _messages, _rows, _files, _forgotten, _voices)
        return [breach for check in checks for breach in check(scene, database)]


def jobs_by_state(scene: Scene) -> Counter[str]:
    """How many jobs ended how."""
    with closing(sqlite3.connect(scene.settings.data_dir / "discovervoice.db")) as database:
        return Counter(state for (state,) in database.execute("SELECT state FROM job"))


def _sound_database(_: Scene, database: sqlite3.Connection) -> Iterator[str]:
    for (found,) in database.execute("PRAGMA integrity_check"):
        if found != "ok":
            yield f"the database: {found}"
    for row in database.execute("PRAGMA foreign_key_check"):
        yield f"a row of {row[0]} names a row of {row[2]} that is gone"


def _ended_jobs(scene: Scene, database: sqlite3.Connection) -> Iterator[str]:
    """Each has ended, for good; none that a member was told of is lost."""
    rows = database.execute("SELECT * FROM job").fetchall()
    for row in rows:
        if row["state"] not in ENDS or row["lease_owner"]:
            yield f"job {row['id']} ({row['kind']}) is {row['state']}, its lease is {row['lease_owner']}'s"
    kept, forgotten = {row["id"] for row in rows}, set(scene.told("forgotten"))
    for job, member in zip(scene.told("job"), scene.told("member"), strict=True):
        if job not in kept and member not in forgotten:
            yield f"job {job} is lost"


def _messages(scene: Scene, database: sqlite3.Connection) -> Iterator[str]:
    """One for each job, with the files that it has; none of a deleted voice or member."""
    sent, shown = _by_job(scene.discord.sent()), _by_job(scene.discord.shown())
    for mark, messages in sent.items():
        if len(messages) > 1:
            yield f"{len(messages)} messages were sent for job {mark}"
    outbox = {row["job_id"]: row for row in database.execute("SELECT * FROM outbox")}
    trained = {row["job_id"] for row in database.execute("SELECT job_id FROM voice")}
    expected: dict[str, int] = {}
    for job in database.execute("SELECT * FROM job"):
        withdrawn = job["kind"] == JobKind.TRAIN and job["state"] == JobState.DELIVERED and job["id"] not in trained
        if withdrawn:
            continue
        expected[job["id"][:MARK]] = 1
        row, there = outbox.get(job["id"]), shown.get(job["id"][:MARK], [])
        if row is None or row["state"] != "sent":
            yield f"the message of job {job['id']} is {row['state'] if row else 'lost'}"
        if len(there) != 1:
            yield f"{len(there)} messages are shown for job {job['id']} ({job['kind']}, {job['state']})"
        elif bool(there[0].files) != (job["state"] == JobState.DELIVERED):
            yield f"the message of job {job['id']} ({job['state']}) has {there[0].files} files"
    for mark in shown.keys() - expected.keys():
        yield f"a message is shown for job {mark}, which is gone or whose voice is"


def _by_job(messages: list[Sent]) -> dict[str, list[Sent]]:
    found: dict[str, list[Sent]] = {}
    for message in messages:
        found.setdefault(message.nonce[:MARK], []).append(message)
    return found


def _rows(_: Scene, database: sqlite3.Connection) -> Iterator[str]:
    """None without what it belongs to."""
    unfinished = "SELECT id FROM job WHERE state IN ('failed', 'cancelled', 'expired')"
    naming = "job WHERE json_extract(params, '$.song_key') NOT NULL"
    wanted = {
        "a clip of a job that is gone or has no result": f"clip WHERE job_id IS NULL OR job_id IN ({unfinished})",
        "a voice in training though its job has ended": "voice WHERE state != 'ready'",
        "an order to delete a message": "deletion",
        "a song of an unfinished job": f"{naming} AND id IN ({unfinished})",
    }
    for what, rows in wanted.items():
        if count := database.execute(f"SELECT count(*) FROM {rows}").fetchone()[0]:
            yield f"{what}: {count}"


def _files(scene: Scene, database: sqlite3.Connection) -> Iterator[str]:
    """Of media and caches those that rows name and no others; no draft, no scratch."""
    data = scene.settings.data_dir
    named: set[str] = set()
    for table in COLUMNS:
        rows = database.execute(f"SELECT named.value FROM {table}, {keys_in_sqlite(table, table)} AS named")
        named |= {key for (key,) in rows if key}
    noted = {key for (key,) in database.execute("SELECT media_key FROM media_reference")}
    if noted != named:
        yield f"media_reference has {sorted(noted ^ named)} wrong"
    kept = {path.name for path in (data / "media").glob("??/*")}
    yield from (f"no file {key} any more" for key in sorted(named - kept))
    yield from (f"no row names the file {key}" for key in sorted(kept - named))
    hashes = {key.partition(".")[0] for key in named}
    yield from (f"no row names the cache {one.name}" for one in data.glob("cache/*") if one.name not in hashes)
    yield from (f"scratch is left: {one.name}" for one in data.glob("work/*"))
    yield from (f"a draft is left: {one.name}" for one in data.rglob(f"*{DRAFT}"))


def _forgotten(scene: Scene, database: sqlite3.Connection) -> Iterator[str]:
    """No row and no byte of those who asked."""
    data: Path = scene.settings.data_dir
    written = b"".join(file.read_bytes() for file in data.glob("discovervoice.db*"))
    tables = ("job", "clip", "basket_note", "outbox", "consent")
    owners = dict.fromkeys(tables, "user_id") | {"voice": "owner_id"}
    for member in scene.told("forgotten"):
        for table, owner in owners.items():
            if database.execute(f"SELECT 1 FROM {table} WHERE {owner} = {member}").fetchone():
                yield f"a row of {table} is left of forgotten member {member % 10}"
        if secret(member).encode() in written:
            yield f"a name of forgotten member {member % 10} is in the database's bytes"


def _voices(scene: Scene, database: sqlite3.Connection) -> Iterator[str]:
    """No id was given twice."""
    given = Counter(voice for voice in scene.told("voice") if voice is not None)
    yield from (f"voice id {voice} was given {times} times" for voice, times in given.items() if times > 1)
