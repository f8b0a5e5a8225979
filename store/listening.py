"""Listening tests in the rows: their clips, how votes are counted, and how clips leave."""

from collections.abc import Iterable, Sequence

from sqlalchemy import delete
from sqlmodel import Session, col, select

from store import deletions
from store.listening_tables import ClipRole, ListeningClip, ListeningState, ListeningTest, ListeningVote
from store.tables import now

ACTIVE = (ListeningState.PREPARING, ListeningState.RUNNING)
SOMEBODYS = (ClipRole.COVER, ClipRole.VOICE)


def active(session: Session, guild_id: int) -> ListeningTest | None:
    """The guild's test that is prepared or runs."""
    here = select(ListeningTest).where(ListeningTest.guild_id == guild_id, col(ListeningTest.state).in_(ACTIVE))
    return session.exec(here).first()


def clips_of(session: Session, test_id: int) -> Sequence[ListeningClip]:
    """A test's clips, in their order."""
    wanted = select(ListeningClip).where(ListeningClip.test_id == test_id)
    return session.exec(wanted.order_by(col(ListeningClip.position))).all()


def end(session: Session, test: ListeningTest) -> ListeningTest:
    """The test is over: its votes stay as they are."""
    test.state, test.ended_at = ListeningState.ENDED, now()
    session.add(test)
    return test


def mark(clip: ListeningClip) -> str:
    """The sign by which a clip's message is recognised: test and place, nothing else."""
    return f"mos{clip.test_id}c{clip.position:02d}."


def heard(session: Session, user_id: int, guild_id: int) -> Sequence[ListeningClip]:
    """The clips of a guild's tests in which a member is heard."""
    here = select(ListeningTest.id).where(ListeningTest.guild_id == guild_id)
    wanted = select(ListeningClip).where(
        ListeningClip.owner_id == user_id, col(ListeningClip.role).in_(SOMEBODYS), col(ListeningClip.test_id).in_(here)
    )
    return session.exec(wanted).all()


def of_job(session: Session, job_id: str) -> Sequence[ListeningClip]:
    """The clips that this job has made."""
    return session.exec(select(ListeningClip).where(ListeningClip.job_id == job_id)).all()


def forget(session: Session, user_id: int) -> tuple[set[str], int]:
    """Remove a member's votes and clips; the media keys that they named, and how many messages have to go."""
    session.connection().execute(delete(ListeningVote).where(col(ListeningVote.rater_id) == user_id))
    clips = session.exec(select(ListeningClip).where(ListeningClip.owner_id == user_id)).all()
    for test in session.exec(select(ListeningTest).where(ListeningTest.moderator_id == user_id)).all():
        test.moderator_id = 0
        session.add(test)
    shown = sum(clip.message_id is not None for clip in clips)
    return withdraw(session, clips), shown


def withdraw(session: Session, clips: Iterable[ListeningClip]) -> set[str]:
    """Delete clips with the votes on them, and order that of their messages; return the media keys they named."""
    keys: set[str] = set()
    for clip in list(clips):
        test = session.get_one(ListeningTest, clip.test_id)
        if clip.message_id is not None or clip.tried_at is not None:
            deletions.order(session, mark(clip), test.channel_id, clip.message_id, clip.tried_at)
        keys |= {key for key in (clip.source_key, clip.media_key) if key}
        session.connection().execute(delete(ListeningVote).where(col(ListeningVote.clip_id) == clip.id))
        session.delete(clip)
    session.flush()
    return keys
