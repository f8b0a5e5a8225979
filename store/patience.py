"""How long Discord is waited for, with growing pauses and for a day, and how long it knows what it was sent."""

from sqlalchemy import update
from sqlmodel import Session, col

from store.tables import Deletion, Outbox, now

FIRST_PAUSE = 2.0
LONGEST_PAUSE = 600.0
PATIENCE = 24 * 3600.0
NONCE_SECONDS = 120.0
"""For so long Discord recognises a message that is sent again; after that it has to be looked for."""
MARGIN = 60.0


def wait(row: Outbox | Deletion, asked: float = 0.0) -> bool:
    """Postpone the row, at least by the seconds that Discord `asked` for; False if it has waited for a day.

    The pause is as long as all before it together, so it doubles, up to ten minutes.
    """
    if row.waited >= PATIENCE:
        return False
    pause = max(asked, min(max(row.waited, FIRST_PAUSE), LONGEST_PAUSE))
    row.waited, row.next_try_at = row.waited + pause, now() + pause
    return True


def since(tried_at: float | None) -> float:
    """The time to look from, when a try begins now: that of the first try after the one that was looked for."""
    looked_for = tried_at is None or now() - tried_at > NONCE_SECONDS + MARGIN
    return now() if looked_for or tried_at is None else tried_at


def hurry(session: Session) -> None:
    """Discord is back: whatever waits is due now, and is not charged for the rest of its pause."""
    time = now()
    for table in (Outbox, Deletion):
        waiting = update(table).where(col(table.waited) > 0, col(table.next_try_at) > time)
        session.execute(waiting.values(waited=table.waited - (table.next_try_at - time), next_try_at=time))
