"""What must hold when all is quiet again, whatever happened before; each breach is one sentence."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy import Connection, RowMapping, select
from sqlmodel import SQLModel, col

from files.atomic import DRAFT
from store.integrity import integrity
from store.jobs import ENDED, UNFINISHED
from store.media_triggers import COLUMNS
from store.references import MEDIA_REFERENCE, with_keys
from store.tables import (
    Clip,
    Consent,
    Deletion,
    Job,
    JobKind,
    JobState,
    Outbox,
    Voice,
    VoiceState,
)
from tests.chaos.noted_cards import NotedCard, cards
from tests.chaos.noted_discord import Sent
from tests.chaos.scene import Scene, secret

MARK = 12
"""So many letters of its job's id stand in a message."""
ENDS = frozenset(state.value for state in ENDED - {JobState.UNDELIVERABLE})


def breaches(scene: Scene) -> list[str]:
    """Every breach; the processes have ended and the cleaner has run."""
    with scene.rows() as database:
        checks = (_sound_database, _ended_jobs, _messages, _cards, _rows, _files, _forgotten, _voices, _consents)
        return [breach for check in checks for breach in check(scene, database)]


def jobs_by_state(scene: Scene) -> Counter[str]:
    """How many jobs ended how."""
    with scene.rows() as database:
        return Counter(database.execute(select(col(Job.state))).scalars())


def _sound_database(scene: Scene, _: Connection) -> Iterator[str]:
    """A server keeps its own in order."""
    if not scene.settings.on_server:
        found = integrity(scene.settings.database)
        yield from (f"the database: {line}" for line in (*found.damage, *found.indices))
        yield from (f"a row names a row that is gone: {line}" for line in found.dangling)


def _ended_jobs(scene: Scene, database: Connection) -> Iterator[str]:
    """Each has ended, for good; none that a member was told of is lost."""
    rows = _all(database, Job)
    for row in rows:
        if row["state"] not in ENDS or row["lease_owner"]:
            yield f"job {row['id']} ({row['kind']}) is {row['state']}, its lease is {row['lease_owner']}'s"
    kept, forgotten = {row["id"] for row in rows}, set(scene.told("forgotten"))
    for job, member in zip(scene.told("job"), scene.told("member"), strict=True):
        if job not in kept and member not in forgotten:
            yield f"job {job} is lost"


def _messages(scene: Scene, database: Connection) -> Iterator[str]:
    """One for each job, or its card, with the files that it has; none of a deleted voice or member."""
    sent, shown = _by_job(scene.discord.sent()), _by_job(scene.discord.shown())
    for mark, messages in sent.items():
        if len(messages) > 1:
            yield f"{len(messages)} messages were sent for job {mark}"
    outbox = {row["job_id"]: row for row in _all(database, Outbox)}
    expected = set[str]()
    for job in _told_jobs(database):
        row, there = outbox.get(job["id"]), shown.get(job["id"][:MARK], [])
        if row is None or row["state"] != "sent":
            yield f"the message of job {job['id']} is {row['state'] if row else 'lost'}"
            continue
        if row["message_id"] is None:
            continue  # it is its card
        expected.add(job["id"][:MARK])
        if len(there) != 1:
            yield f"{len(there)} messages are shown for job {job['id']} ({job['kind']}, {job['state']})"
        elif bool(there[0].files) != _has_files(job):
            yield f"the message of job {job['id']} ({job['state']}) has {there[0].files} files"
    for mark in shown.keys() - expected:
        yield f"a message is shown for job {mark}, which is gone, whose voice is, or which is shown on its card"


def _told_jobs(database: Connection) -> Iterator[RowMapping]:
    """Those whose end is shown somewhere: all but trainings whose voice was deleted."""
    trained = {row["job_id"] for row in _all(database, Voice)}
    for job in _all(database, Job):
        withdrawn = job["kind"] == JobKind.TRAIN and job["state"] == JobState.DELIVERED and job["id"] not in trained
        if not withdrawn:
            yield job


def _cards(scene: Scene, database: Connection) -> Iterator[str]:
    """Each of one job; with its result if that was sent there, and else not while it can be edited; none is too old."""
    told = {job["id"]: job for job in _told_jobs(database)}
    outbox = {row["job_id"]: row for row in _all(database, Outbox)}
    by_job: dict[str, NotedCard] = {}
    for card in cards(scene.discord).values():
        if len(card.jobs) > 1:
            yield f"a card shows {len(card.jobs)} jobs"
        if "result state" in " ".join(card.edits):
            yield f"a card of job {card.jobs} shows an older state above its result"
        by_job |= dict.fromkeys(card.jobs, card)
    for job_id, card in by_job.items():
        job, row = told.get(job_id), outbox.get(job_id)
        if job is None or row is None:
            if card.in_reach:
                yield f"a card is shown of job {job_id}, which is gone or whose voice is"
        elif row["message_id"] is None:
            if not card.shows_result or bool(card.files) != _has_files(job):
                yield f"the card of job {job_id} ({job['state']}): {card.edits}, {card.files} files"
        elif card.shows_result and card.in_reach:
            yield f"job {job_id} is shown by its card and by a message"
    for job_id in told.keys() - by_job.keys():
        row = outbox.get(job_id)
        if row is not None and row["state"] == "sent" and row["message_id"] is None:
            yield f"job {job_id} is shown nowhere"


def _has_files(job: RowMapping) -> bool:
    """Whether the result of a job comes with files: a voice at once has none."""
    return bool(job["state"] == JobState.DELIVERED and not job["params"].get("instant"))


def _by_job(messages: list[Sent]) -> dict[str, list[Sent]]:
    found: dict[str, list[Sent]] = {}
    for message in messages:
        found.setdefault(message.nonce[:MARK], []).append(message)
    return found


def _rows(_: Scene, database: Connection) -> Iterator[str]:
    """None without what it belongs to."""
    unfinished = {job["id"] for job in _all(database, Job) if job["state"] in UNFINISHED}
    wrong = {
        "a clip of a job that is gone or has no result": [
            clip for clip in _all(database, Clip) if clip["job_id"] is None or clip["job_id"] in unfinished
        ],
        "a voice in training though its job has ended": [
            voice for voice in _all(database, Voice) if voice["state"] != VoiceState.READY
        ],
        "an order to delete a message": _all(database, Deletion),
        "a song of an unfinished job": [
            job for job in _all(database, Job) if job["id"] in unfinished and job["params"].get("song_key")
        ],
    }
    yield from (f"{what}: {len(rows)}" for what, rows in wrong.items() if rows)


def _all(database: Connection, table: type[SQLModel]) -> Sequence[RowMapping]:
    """Every row of a table, by the names of its columns."""
    return database.execute(SQLModel.metadata.tables[str(table.__tablename__)].select()).mappings().all()


def _files(scene: Scene, database: Connection) -> Iterator[str]:
    """Of media and caches those that rows name and no others; no draft, no scratch."""
    data = scene.settings.data_dir
    named: set[str] = set()
    for table in COLUMNS:
        rows = database.exec_driver_sql(f"SELECT named.value FROM {with_keys(database, table)} AS named")
        named |= {key for (key,) in rows if key}
    noted = set(database.execute(select(MEDIA_REFERENCE.c.media_key)).scalars())
    if noted != named:
        yield f"media_reference has {sorted(noted ^ named)} wrong"
    kept = {path.name for path in (data / "media").glob("??/*")}
    yield from (f"no file {key} any more" for key in sorted(named - kept))
    yield from (f"no row names the file {key}" for key in sorted(kept - named))
    hashes = {key.partition(".")[0] for key in named}
    yield from (f"no row names the cache {one.name}" for one in data.glob("cache/*") if one.name not in hashes)
    yield from (f"scratch is left: {one.name}" for one in data.glob("work/*"))
    yield from (f"a draft is left: {one.name}" for one in data.rglob(f"*{DRAFT}"))


def _forgotten(scene: Scene, database: Connection) -> Iterator[str]:
    """No row and no byte of those who asked."""
    data: Path = scene.settings.data_dir
    written = b"".join(file.read_bytes() for file in data.glob("discovervoice.db*"))
    tables = ("job", "clip", "basket_note", "outbox", "consent")
    owners = dict.fromkeys(tables, "user_id") | {"voice": "owner_id"}
    for member in scene.told("forgotten"):
        for table, owner in owners.items():
            if database.exec_driver_sql(f"SELECT 1 FROM {table} WHERE {owner} = {member}").first():
                yield f"a row of {table} is left of forgotten member {member % 10}"
        if secret(member).encode() in written:
            yield f"a name of forgotten member {member % 10} is in the database's bytes"


def _voices(scene: Scene, database: Connection) -> Iterator[str]:
    """No id was given twice."""
    given = Counter(voice for voice in scene.told("voice") if voice is not None)
    yield from (f"voice id {voice} was given {times} times" for voice, times in given.items() if times > 1)


def _consents(_: Scene, database: Connection) -> Iterator[str]:
    """Each trained voice was agreed to; where a sentence was asked for, by reading it aloud."""
    granted = {row["id"]: row for row in _all(database, Consent) if row["revoked_at"] is None}
    spoken = {(row["user_id"], row["clip_hash"], row["phrase"]) for row in granted.values()}
    trained = {job["id"]: job for job in _all(database, Job) if job["kind"] == JobKind.TRAIN}
    for voice in _all(database, Voice):
        job, consent = trained.get(voice["job_id"]), granted.get(voice["consent_id"])
        if voice["state"] != VoiceState.READY or job is None:
            continue
        sentence = job["params"].get("sentence")
        if consent is None:
            yield f"nobody agreed to voice {voice['id']}"
        elif sentence and (voice["owner_id"], consent["clip_hash"], sentence) not in spoken:
            yield f"the sentence of voice {voice['id']} was not read"
