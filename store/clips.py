"""Voice notes and the job inputs that they are; removed when their time is over or their member asks."""

import hashlib
from collections.abc import Sequence

from sqlmodel import Session, col, select

from store.tables import Clip, Job, now

DAY = 24 * 3600.0


def add(session: Session, job: Job, key: str, name: str, size: int, source: str, days: float) -> Clip:
    """Remember a saved voice note of a job for so many days."""
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
    """The clips that a job works on, in the order they were given."""
    return session.exec(select(Clip).where(Clip.job_id == job_id).order_by(col(Clip.id))).all()


def fingerprint(clips: Sequence[Clip]) -> str:
    """One sha256 over the clips' contents: what a consent was given for."""
    return hashlib.sha256("".join(sorted(clip.media_key for clip in clips)).encode()).hexdigest()


def expired(session: Session) -> Sequence[Clip]:
    """Clips that are past their day."""
    return session.exec(select(Clip).where(col(Clip.expires_at) < now())).all()
