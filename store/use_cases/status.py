"""How the service is, from its rows and folders alone; nothing is changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import SQLModel, col, func, select

from store import cache
from store.database import Store
from store.tables import (
    OPERATOR,
    Deletion,
    Job,
    JobKind,
    JobState,
    Outbox,
    OutboxState,
    SignOfLife,
    Singer,
    Song,
    Voice,
    now,
)
from store.use_cases.backlog import Backlog, read_backlog
from store.use_cases.presence import signs_of_life

LATELY = 24 * 3600.0


@dataclass(frozen=True)
class Status:
    """What an operator asks first."""

    backlog: Backlog
    ended: Mapping[JobKind, Mapping[JobState, int]]
    """Members' jobs that ended in the last 24 hours."""
    lives: Sequence[SignOfLife]
    """The processes of the service, the one seen latest first."""
    given_up: int
    """Messages that nobody could be given."""
    deletions: int
    """Messages that are to go from Discord."""
    voices: int
    songs: int
    singers: int
    cache_bytes: int
    media_bytes: int


def read_status(store: Store) -> Status:
    """The status now."""
    with store.read() as session:
        ended: dict[JobKind, dict[JobState, int]] = {kind: {} for kind in JobKind}
        lately = select(Job.kind, Job.state, func.count()).where(
            col(Job.user_id) != OPERATOR, col(Job.ended_at) > now() - LATELY
        )
        for kind, state, count in session.exec(lately.group_by(col(Job.kind), col(Job.state))).all():
            ended[JobKind(kind)][JobState(state)] = count
        given_up = session.exec(select(func.count()).where(Outbox.state == OutboxState.FAILED)).one()
        singers = session.exec(select(func.count(func.distinct(Singer.name)))).one()

        def count_of(table: type[SQLModel]) -> int:
            return session.exec(select(func.count()).select_from(table)).one()

        counts = {table: count_of(table) for table in (Deletion, Voice, Song)}
    return Status(
        backlog=read_backlog(store),
        ended=ended,
        lives=signs_of_life(store),
        given_up=given_up,
        deletions=counts[Deletion],
        voices=counts[Voice],
        songs=counts[Song],
        singers=singers,
        cache_bytes=cache.size(store),
        media_bytes=store.media.size(),
    )
