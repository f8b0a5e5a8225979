"""A member's private card: the answer to their interaction. Its token edits it for 15 minutes."""

from sqlalchemy import ColumnElement, and_, update
from sqlmodel import Session, col, select

from store.tables import Job, now

REPLY_SECONDS = 15 * 60.0
"""How long Discord takes an interaction's token."""
MARGIN = 20.0
"""Seconds before its end in which a token is not used any more."""

KEPT_SECONDS = 2 * 3600.0
"""How long a token stays after its end, so that its card can be deleted though the clock was set forward."""


def keep(job: Job, token: str | None) -> None:
    """The job's card is the answer to the interaction of this token, which began just now."""
    job.reply_token, job.reply_until = token, None if token is None else now() + REPLY_SECONDS


def token_of(job: Job) -> str | None:
    """The token that still edits the job's card; None if the card is out of reach."""
    alive = job.reply_until is not None and now() < job.reply_until - MARGIN
    return job.reply_token if alive else None


def lasts(reply_until: float | None) -> bool:
    """Whether a token that ends then has not ended yet."""
    return reply_until is not None and now() < reply_until


def lasting() -> ColumnElement[bool]:
    """The jobs that have such a token."""
    return and_(col(Job.reply_token).is_not(None), col(Job.reply_until) > now())


def release(session: Session, job_id: str) -> None:
    """The job's card is out of reach: forget its token."""
    session.execute(update(Job).where(col(Job.id) == job_id).values(reply_token=None, reply_until=None))


def release_dead(session: Session) -> None:
    """Forget the tokens that Discord takes no more, whatever the clock says."""
    session.execute(update(Job).where(_dead()).values(reply_token=None, reply_until=None))


def any_dead(session: Session) -> bool:
    """Whether `release_dead` would forget any; this needs no write lock."""
    return session.exec(select(Job.id).where(_dead()).limit(1)).first() is not None


def _dead() -> ColumnElement[bool]:
    return col(Job.reply_until) < now() - KEPT_SECONDS
