"""Messages of members and voices that are gone are deleted from Discord: which are due, and how each try ended."""

from collections.abc import Sequence

from store import deletions, patience
from store.database import Store
from store.shards import ALL, Shards
from store.tables import Deletion


def due_deletions(store: Store, shards: Shards = ALL) -> Sequence[Deletion]:
    """The messages to delete now."""
    with store.read() as session:
        return deletions.due(session, shards)


def deletion_done(store: Store, deletion_id: int) -> None:
    """The message is gone, or Discord does not let the bot delete it: its row goes."""
    with store.write() as session:
        row = session.get(Deletion, deletion_id)
        if row is not None:
            session.delete(row)


def postpone_deletion(store: Store, deletion_id: int, asked: float = 0.0) -> bool:
    """Discord is out of reach: retry later. After a day the row goes; False then."""
    with store.write() as session:
        row = session.get_one(Deletion, deletion_id)
        if patience.wait(row, asked):
            session.add(row)
            return True
        session.delete(row)
        return False
