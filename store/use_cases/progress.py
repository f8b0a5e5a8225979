"""A member follows their jobs: in a list, and on the card that the bot posts for each."""

from collections.abc import Sequence

from sqlmodel import and_, col, or_, select

from store import jobs
from store.database import Store
from store.tables import Job, JobState, Outbox, OutboxState, now

CARD_STATES = (JobState.QUEUED, JobState.LEASED, JobState.RUNNING)
AFTER_END = 300.0  # seconds after its end in which a job's card is still brought up to date


def recent_jobs(store: Store, user_id: int, limit: int = 10) -> list[tuple[Job, int]]:
    """The member's newest jobs, each with its place in line (0 when it does not wait)."""
    with store.read() as session:
        return [(job, jobs.place_in_line(session, job)) for job in jobs.recent_of(session, user_id, limit)]


def job_in_line(store: Store, job_id: str) -> tuple[Job, int]:
    """One job with its place in line. Raises NotFound."""
    with store.read() as session:
        job = jobs.get(session, job_id)
        return job, jobs.place_in_line(session, job)


def jobs_with_cards(store: Store) -> list[tuple[Job, int]]:
    """The jobs whose cards may have to change, each with its place in line.

    Those that wait or run, and those that ended a moment ago; a job that ended while the bot was away is recognised by
    its message, which is not sent or was sent a moment ago.
    """
    recent = now() - AFTER_END
    sent_recently = or_(col(Outbox.state) == OutboxState.PENDING, col(Outbox.sent_at) > recent)
    ended_recently = or_(col(Job.ended_at) > recent, col(Job.id).in_(select(Outbox.job_id).where(sent_recently)))
    ended = and_(col(Job.card_message_id).is_not(None), ended_recently)
    wanted = select(Job).where(col(Job.channel_id).is_not(None), or_(col(Job.state).in_(CARD_STATES), ended))
    with store.read() as session:
        shown: Sequence[Job] = session.exec(wanted.order_by(col(Job.created_at))).all()
        return [(job, jobs.place_in_line(session, job)) for job in shown]


def card_posted(store: Store, job_id: str, channel_id: int, message_id: int) -> None:
    """Keep where the card of a job is. Raises NotFound if the job was forgotten meanwhile."""
    with store.write() as session:
        job = jobs.get(session, job_id)
        job.card_channel_id, job.card_message_id = channel_id, message_id
        session.add(job)
