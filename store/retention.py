"""What is removed: everything of a member who asks, voice notes past their day, files that no row names."""

import contextlib
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, SQLModel, col, select

from store import clips, jobs, voices
from store.clips import DAY
from store.database import Store
from store.errors import NotFound, NotYours
from store.params import drop_uploaded_song, uploaded_song
from store.tables import Audit, Clip, Consent, Job, Outbox, Singer, Song, Voice, now

# In the order in which rows name each other.
OWNED: tuple[tuple[type[SQLModel], Any], ...] = (
    (Outbox, Outbox.user_id),
    (Clip, Clip.user_id),
    (Voice, Voice.owner_id),
    (Consent, Consent.user_id),
    (Job, Job.user_id),
)


@dataclass(frozen=True)
class Forgotten:
    """What was removed, and the messages (channel, message) that Discord still shows."""

    clips: int
    voices: int
    jobs: int
    files: int
    messages: list[tuple[int, int]]


def forget(store: Store, user_id: int) -> Forgotten:
    """Remove every row and file of a member. Running work loses its row, so its worker stops."""
    with store.write() as session:
        notes = session.exec(select(Clip).where(Clip.user_id == user_id)).all()
        owned = voices.of_owner(session, user_id)
        work = session.exec(select(Job).where(Job.user_id == user_id)).all()
        mail = session.exec(select(Outbox).where(Outbox.user_id == user_id)).all()
        keys = _keys_of(notes, owned, work, mail)
        messages = [(m.sent_channel_id, m.message_id) for m in mail if m.sent_channel_id and m.message_id]
        messages += [(j.card_channel_id, j.card_message_id) for j in work if j.card_channel_id and j.card_message_id]
        for table, owner in OWNED:
            session.connection().execute(delete(table).where(col(owner) == user_id))
        session.add(Audit(user_id=user_id, action="forget"))
    for job in work:
        shutil.rmtree(store.work_dir / job.id, ignore_errors=True)
    files = remove_unreferenced(store, keys)
    return Forgotten(len(notes), len(owned), len(work), files, messages)


def delete_voice(store: Store, voice_id: int, user_id: int) -> str:
    """Remove one voice of its owner, and its sample; return its name. Raises NotFound, NotYours."""
    with store.write() as session:
        voice = session.get(Voice, voice_id)
        if voice is None:
            raise NotFound(what="such voice")
        if voice.owner_id != user_id:
            raise NotYours(what="This voice")
        mail = session.exec(select(Outbox).where(Outbox.job_id == voice.job_id)).all()
        keys = _keys_of([], [voice], [], mail)
        for message in mail:
            message.files = []  # its curve and sample; what was sent stays in the member's own messages
            session.add(message)
        session.delete(voice)
        session.add(Audit(user_id=user_id, action="delete voice"))
    remove_unreferenced(store, keys)
    return voice.name


def discard(store: Store, job_id: str) -> None:
    """Remove what an unfinished job brought and made: notes, song (if nobody else has it), scratch."""
    with store.write() as session:
        notes = clips.of_job(session, job_id)
        job = session.get(Job, job_id)
        keys = _keys_of(notes, [], [job] if job else [], [])
        for note in notes:
            session.delete(note)
        if job is not None:
            drop_uploaded_song(job)
            session.add(job)
        voices.drop_untrained(session, job_id)
    shutil.rmtree(store.work_dir / job_id, ignore_errors=True)
    remove_unreferenced(store, keys)


def expire(store: Store) -> int:
    """Remove voice notes, uploaded songs and results past their day; return how many files went."""
    with store.write() as session:
        old = now() - store.clip_days * DAY
        ended = select(Job).where(col(Job.state).in_(jobs.ENDED), col(Job.ended_at) < old)
        work = session.exec(ended).all()
        done = [job.id for job in work]
        mail = session.exec(select(Outbox).where(col(Outbox.job_id).in_(done))).all()
        active = select(Job.id).where(col(Job.state).in_(jobs.ACTIVE))
        busy = set(session.exec(active).all())
        notes = [clip for clip in clips.expired(session) if clip.job_id not in busy]
        keys = _keys_of(notes, [], work, mail)
        for note in notes:
            session.delete(note)
        for message in mail:
            message.files = []
            session.add(message)
        for job in work:
            drop_uploaded_song(job)
            session.add(job)
    return remove_unreferenced(store, keys)


def clear_scratch(store: Store) -> int:
    """Remove the scratch folders of jobs that are over or gone (their worker was killed); return how many."""
    folders = list(store.work_dir.glob("*"))  # before the rows: a job taken meanwhile is not among them
    with store.read() as session:
        active = set(session.exec(select(Job.id).where(col(Job.state).in_(jobs.ACTIVE))).all())
    stale = [folder for folder in folders if folder.name not in active]
    for folder in stale:
        shutil.rmtree(folder, ignore_errors=True)
    return len(stale)


def remove_orphans(store: Store, age: float = DAY) -> int:
    """Remove files older than `age` seconds that no row names (a crash came between file and row)."""
    return remove_unreferenced(store, store.media.older_than(age))


@contextlib.contextmanager
def files_or_nothing(store: Store, keys: Iterable[str] = ()) -> Iterator[set[str]]:
    """If the block fails, remove these files, and those whose keys it adds to the set, unless a row names them."""
    saved = set(keys)
    try:
        yield saved
    except BaseException:
        remove_unreferenced(store, saved)
        raise


def remove_unreferenced(store: Store, keys: set[str]) -> int:
    """Delete those of the files that no row names any more, and what was computed from them."""
    with store.write() as session:
        named = referenced(session)
        hashes = {key.partition(".")[0] for key in named}
        orphans = keys - named
        for key in orphans:
            store.media.delete(key)
            if key.partition(".")[0] not in hashes:
                shutil.rmtree(store.cache_dir / key.partition(".")[0], ignore_errors=True)
    return len(orphans)


def referenced(session: Session) -> set[str]:
    """Every media key that a row names."""
    everything = _keys_of(
        session.exec(select(Clip)).all(),
        session.exec(select(Voice)).all(),
        session.exec(select(Job)).all(),
        session.exec(select(Outbox)).all(),
    )
    everything |= set(session.exec(select(Song.media_key)).all())
    return everything | set(session.exec(select(Singer.embeddings_key)).all())


def _keys_of(notes: Sequence[Clip], owned: Sequence[Voice], work: Sequence[Job], mail: Sequence[Outbox]) -> set[str]:
    keys: set[str | None] = {clip.media_key for clip in notes}
    for voice in owned:
        keys |= {voice.model_key, voice.index_key}
    keys |= {uploaded_song(job) for job in work}
    for message in mail:
        keys |= {file["key"] for file in message.files}
    return {key for key in keys if key}
