"""A member asks that everything of theirs is removed."""

from store import retention
from store.database import Store
from store.retention import Forgotten


def forget(store: Store, user_id: int) -> Forgotten:
    """Remove every row and file of a member. Running work loses its row, so its worker stops."""
    return retention.forget(store, user_id)
