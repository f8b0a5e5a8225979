"""Clips: the voice notes that a job works on, kept until their retention ends or their member is forgotten."""

import hashlib
from collections.abc import Sequence

from sqlmodel import Session, col, select

from store.tables import Clip, Job, now

DAY = 24 * 3600.0


def add(session: Session, job: Job, key: str, name: str, size: int, source: str, days: float) -> Clip:
    """Add the row of a saved voice note of a job, to be kept for that many days."""
    clip = Clip(
        user_id=job.user_id,
        guild_id=job.guild_id,
        job_id=job.id,
        media_key=key,
        name=name,
        bytes=size,
        source=source,
        expires_at=now() + days * DAY,
    )
    session.add(clip)
    session.flush()
    return clip


def of_job(session: Session, job_id: str) -> Sequence[Clip]:
    """The clips that a job works on, in the order in which they were sent."""
    return session.exec(select(Clip).where(Clip.job_id == job_id).order_by(col(Clip.id))).all()


def fingerprint(clips: Sequence[Clip]) -> str:
    """One sha256 over the clips' contents: what a consent is valid for."""
    return hashlib.sha256("".join(sorted(clip.media_key for clip in clips)).encode()).hexdigest()


def expired(session: Session) -> Sequence[Clip]:
    """Clips that are past their retention."""
    return session.exec(select(Clip).where(col(Clip.expires_at) < now())).all()
