"""What a member thinks of a cover of theirs, and how they have it removed."""

from sqlalchemy import delete
from sqlmodel import col, select

from store import deletions, listening, reports
from store.database import Store
from store.retention import media_keys, remove_unreferenced
from store.tables import Audit, Job, Outbox, Shown
from store.use_cases.own_cover import own_cover

RATINGS = range(1, 6)


def rate_cover(store: Store, job_id: str, user_id: int, rating: int) -> None:
    """Keep the rating (`RATINGS`, 5 is best) in place of an earlier one. Raises NoSuchJob, ResultGone, ValueError."""
    if rating not in RATINGS:
        raise ValueError(f"{rating} is no rating")
    with store.write() as session:
        cover = own_cover(session, job_id, user_id)
        cover.rating = rating
        session.add(cover)


def delete_cover(store: Store, job_id: str, user_id: int) -> None:
    """Remove a cover: its row, its files, what raters hear of it, and its messages, shared copies among them.

    The song goes too unless another row names it. Raises NoSuchJob, ResultGone.
    """
    with store.write() as session:
        cover = own_cover(session, job_id, user_id)
        mail = session.exec(select(Outbox).where(Outbox.job_id == job_id)).all()
        keys = media_keys([], [], [cover], mail) | listening.withdraw(session, listening.of_job(session, job_id))
        for message in mail:
            deletions.of_result(session, message)
            session.delete(message)
        deletions.of_card(session, cover)
        deletions.of_ended(session, col(Shown.job_id) == job_id)
        reports.withdrawn(session, job_id, user_id)
        session.flush()
        session.connection().execute(delete(Job).where(col(Job.id) == job_id))
        session.add(Audit(user_id=user_id, guild_id=cover.guild_id, action="delete cover", subject=job_id))
    remove_unreferenced(store, keys)
