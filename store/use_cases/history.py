"""A member looks back: their jobs with places, results and where their messages are."""

from dataclasses import dataclass, replace

from sqlmodel import col, select

from store import jobs, line, reports
from store.database import Store
from store.tables import Job, JobState, Outbox, OutboxState, Shown

MOST = 500
"""More than a member has results of that are still kept."""


@dataclass(frozen=True)
class ListedJob:
    """A job, its place in line (1 is next, 0 does not wait), the seconds until it begins, and its messages if known.

    `shared_id` is the message that shows its result to others, in `shared_channel_id`.
    """

    job: Job
    place: int = 0
    wait: float = 0.0
    stranded: bool = False
    """Whether it waits though no worker that lives can do it."""
    channel_id: int | None = None
    message_id: int | None = None
    shared_channel_id: int | None = None
    shared_id: int | None = None
    removed: bool = False
    """Whether moderators have removed its result."""


def job_history(store: Store, user_id: int, limit: int = MOST) -> list[ListedJob]:
    """The member's jobs, the newest first."""
    with store.read() as session:
        rows = jobs.recent_of(session, user_id, limit)
        places = line.places(session, (job for job in rows if job.state is JobState.QUEUED))
        ids = [job.id for job in rows]
        sent = select(Outbox).where(col(Outbox.job_id).in_(ids), Outbox.state == OutboxState.SENT)
        messages = {message.job_id: message for message in session.exec(sent).all()}
        shared = {row.job_id: row for row in session.exec(select(Shown).where(col(Shown.job_id).in_(ids))).all()}
        removed = reports.removed_among(session, ids)
    listed = []
    for job in rows:
        place, message = places.get(job.id, line.NOWHERE), messages.get(job.id)
        where = (message.sent_channel_id, message.message_id) if message else (None, None)
        shown = shared.get(job.id)
        public = (shown.channel_id, shown.message_id) if shown else (None, None)
        listed.append(replace(ListedJob(job, *place, *where, *public), removed=job.id in removed))
    return listed
