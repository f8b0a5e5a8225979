"""A member requests that everything of theirs is removed."""

import shutil
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete
from sqlmodel import SQLModel, col, select

from store import voices
from store.database import Store
from store.retention import media_keys, remove_unreferenced
from store.tables import Audit, Clip, Consent, Job, Outbox, Voice

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
    """How much was removed, and the messages (channel, message) that Discord still shows."""

    clips: int
    voices: int
    jobs: int
    files: int
    messages: list[tuple[int, int]]


def forget(store: Store, user_id: int) -> Forgotten:
    """Remove every row and file of a member. A running job loses its row, so its worker stops."""
    with store.write() as session:
        notes = session.exec(select(Clip).where(Clip.user_id == user_id)).all()
        owned = voices.of_owner(session, user_id)
        work = session.exec(select(Job).where(Job.user_id == user_id)).all()
        mail = session.exec(select(Outbox).where(Outbox.user_id == user_id)).all()
        keys = media_keys(notes, owned, work, mail)
        messages = [(m.sent_channel_id, m.message_id) for m in mail if m.sent_channel_id and m.message_id]
        messages += [(j.card_channel_id, j.card_message_id) for j in work if j.card_channel_id and j.card_message_id]
        for table, owner in OWNED:
            session.connection().execute(delete(table).where(col(owner) == user_id))
        session.add(Audit(user_id=user_id, action="forget"))
    for job in work:
        shutil.rmtree(store.work_dir / job.id, ignore_errors=True)
    files = remove_unreferenced(store, keys)
    store.forget_the_deleted()
    return Forgotten(len(notes), len(owned), len(work), files, messages)
