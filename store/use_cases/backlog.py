"""What is not done yet: jobs that wait or work, and messages that are to be delivered."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import col, func, select

from store import jobs
from store.database import Store
from store.tables import OPERATOR, Job, JobKind, JobState, Lane, Outbox, OutboxState, now


@dataclass(frozen=True)
class Backlog:
    """Counts of jobs by kind and state, and ages in seconds of the oldest job in each lane and the oldest message."""

    jobs: Mapping[JobKind, Mapping[JobState, int]]
    oldest_seconds: Mapping[Lane, float]
    messages: int
    oldest_message_seconds: float


def read_backlog(store: Store) -> Backlog:
    """The backlog now, without the jobs of the command line; every live state is counted, if only as 0."""
    counts = {kind: dict.fromkeys(sorted(jobs.ACTIVE), 0) for kind in JobKind}
    members = col(Job.user_id) != OPERATOR
    with store.read() as session:
        live = select(Job.kind, Job.state, func.count()).where(members, col(Job.state).in_(jobs.ACTIVE))
        for kind, state, count in session.exec(live.group_by(col(Job.kind), col(Job.state))).all():
            counts[JobKind(kind)][JobState(state)] = count
        line = select(Job.lane, func.min(Job.queued_at)).where(members, Job.state == JobState.QUEUED)
        oldest = {Lane(lane): since for lane, since in session.exec(line.group_by(col(Job.lane))).all()}
        due = select(func.count(), func.min(Outbox.created_at)).where(Outbox.state == OutboxState.PENDING)
        messages, first = session.exec(due).one()
    ages = {lane: _age(oldest.get(lane)) for lane in Lane}
    return Backlog(counts, ages, messages, _age(first))


def _age(since: float | None) -> float:
    return 0.0 if since is None else max(0.0, now() - since)
