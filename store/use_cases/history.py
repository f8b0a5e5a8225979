"""A member looks back: their jobs with places, results and where their messages are."""

from dataclasses import dataclass

from sqlmodel import col, select

from store import jobs, line
from store.database import Store
from store.tables import Job, JobState, Outbox, OutboxState


@dataclass(frozen=True)
class ListedJob:
    """A job, its place in line (1 is next, 0 does not wait), the seconds until it begins, and its message if known."""

    job: Job
    place: int = 0
    wait: float = 0.0
    channel_id: int | None = None
    message_id: int | None = None


def job_history(store: Store, user_id: int, limit: int = 50) -> list[ListedJob]:
    """The member's newest jobs."""
    with store.read() as session:
        rows = jobs.recent_of(session, user_id, limit)
        places = line.places(session) if any(job.state is JobState.QUEUED for job in rows) else {}
        sent = select(Outbox).where(col(Outbox.job_id).in_([job.id for job in rows]), Outbox.state == OutboxState.SENT)
        messages = {message.job_id: message for message in session.exec(sent).all()}
    listed = []
    for job in rows:
        place, message = places.get(job.id, line.NOWHERE), messages.get(job.id)
        where = (message.sent_channel_id, message.message_id) if message else (None, None)
        listed.append(ListedJob(job, place.number, place.seconds, *where))
    return listed
