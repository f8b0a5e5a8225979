"""A member requests that everything of theirs is removed."""

import shutil
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, update
from sqlmodel import SQLModel, col, select

from store import deletions, listening, reports, voices
from store.database import Store
from store.listening_tables import ListeningConsent
from store.retention import media_keys, remove_unreferenced
from store.tables import Audit, BasketNote, Clip, Consent, Job, Outbox, Shown, Song, Voice
from store.taste_tables import SongOpinion

# In the order in which rows name each other.
OWNED: tuple[tuple[type[SQLModel], Any], ...] = (
    (Outbox, Outbox.user_id),
    (Clip, Clip.user_id),
    (BasketNote, BasketNote.user_id),
    (Voice, Voice.owner_id),
    (Consent, Consent.user_id),
    (Job, Job.user_id),
    (ListeningConsent, ListeningConsent.user_id),
    (SongOpinion, SongOpinion.user_id),
)


OWN_ACTS = ("remove note", "delete cover", "delete voice", "report", "forget")
"""What members do, as the audit calls it. What moderators do stays: it is their server's."""


@dataclass(frozen=True)
class Forgotten:
    """How much was removed, and how many messages Discord still shows; the bot deletes them."""

    clips: int
    """Recordings of the member's voice."""
    voices: int
    jobs: int
    files: int
    messages: int


def forget(store: Store, user_id: int) -> Forgotten:
    """Remove every row and file of a member, and order the deletion of the messages in the same transaction.

    One line of audit stays: that they asked. So does what they did as a moderator, and that they are blocked.

    A running job loses its row, so its worker stops; a message that is being sent loses its row, so it is deleted.
    """
    with store.write() as session:
        notes = session.exec(select(Clip).where(Clip.user_id == user_id)).all()
        basket = session.exec(select(BasketNote).where(BasketNote.user_id == user_id)).all()
        owned = voices.of_owner(session, user_id)
        work = session.exec(select(Job).where(Job.user_id == user_id)).all()
        mail = session.exec(select(Outbox).where(Outbox.user_id == user_id)).all()
        recordings = {note.media_key for note in notes} | {note.media_key for note in basket}
        keys = media_keys([], owned, work, mail) | recordings
        messages = sum(deletions.of_result(session, message) for message in mail)
        messages += sum(deletions.of_card(session, job) for job in work)
        messages += deletions.of_ended(session, col(Shown.user_id) == user_id)
        clip_keys, shown = listening.forget(session, user_id)
        keys, messages = keys | clip_keys, messages + shown + reports.forget(session, user_id)
        for table, owner in OWNED:
            session.connection().execute(delete(table).where(col(owner) == user_id))
        added = update(Song).where(col(Song.added_by) == user_id)
        session.connection().execute(added.values(added_by=0))
        own = delete(Audit).where(col(Audit.user_id) == user_id, col(Audit.action).in_(OWN_ACTS))
        session.connection().execute(own)
        unblocked = update(Audit).where(col(Audit.subject) == str(user_id))
        session.connection().execute(unblocked.values(subject=""))
        session.add(Audit(user_id=user_id, action="forget"))
    for job in work:
        shutil.rmtree(store.work_dir / job.id, ignore_errors=True)
    files = remove_unreferenced(store, keys)
    store.forget_the_deleted()
    return Forgotten(len(recordings), len(owned), len(work), files, messages)
