"""Processes of the service give a sign of life, so that an operator sees which run."""

from collections.abc import Sequence

from sqlalchemy import delete
from sqlmodel import col, select

from store.abilities import Abilities
from store.database import Store
from store.tables import SignOfLife, now

KEPT_SECONDS = 7 * 86400.0
"""For so long it is known when one that was killed was seen last."""


def show_life(store: Store, process: str, role: str, able: Abilities | None = None) -> None:
    """A process lives; `role`: "bot", or "worker" with its lanes; a worker says what it can."""
    sign = SignOfLife(process=process, role=role, seen_at=now())
    if able is not None:
        sign.lanes, sign.models = sorted(able.lanes), sorted(able.models)
        sign.device, sign.memory_gb = able.device, able.memory_gb
    with store.write() as session:
        session.merge(sign)
        session.connection().execute(delete(SignOfLife).where(col(SignOfLife.seen_at) < now() - KEPT_SECONDS))


def end_life(store: Store, process: str) -> None:
    """A process ends as planned: nobody waits for its next sign."""
    with store.write() as session:
        session.connection().execute(delete(SignOfLife).where(col(SignOfLife.process) == process))


def signs_of_life(store: Store) -> Sequence[SignOfLife]:
    """Of every process, the latest first."""
    with store.read() as session:
        return session.exec(select(SignOfLife).order_by(col(SignOfLife.seen_at).desc())).all()
