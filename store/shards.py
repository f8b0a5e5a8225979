"""Which servers this bot answers for, when several bots share them as Discord does: by the number of a server.

Discord sends a server's events to the shard `(id >> 22) % count`, and direct messages to shard 0
(https://discord.com/developers/docs/events/gateway#sharding). Each bot's loops keep to the same rule, so that no two
work on one card, message or test.
"""

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, true

FORM = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?/(\d{1,5})")
MOST = 16384


@dataclass(frozen=True)
class Shards:
    """Shards `first` to `last` of `count`."""

    first: int = 0
    last: int = 0
    count: int = 1

    @property
    def ids(self) -> list[int]:
        """Their numbers."""
        return list(range(self.first, self.last + 1))

    @property
    def are_all(self) -> bool:
        """Whether there is no other bot."""
        return len(self.ids) == self.count

    def have(self, guild_id: int | None) -> bool:
        """Whether a server is theirs; None: what belongs to no server."""
        return self.first <= ((guild_id or 0) >> 22) % self.count <= self.last

    def condition(self, number: Any) -> ColumnElement[bool]:
        """`have`, of a column."""
        if self.are_all:
            return true()
        return (func.coalesce(number, 0) // (1 << 22) % self.count).between(self.first, self.last)

    def __str__(self) -> str:
        return f"{self.first}-{self.last}/{self.count}"


ALL = Shards()


def shards_of(text: str) -> Shards:
    """Shards as a setting names them, `0-3/8` or `2/8`; empty: one connection for all. Raises ValueError."""
    if not text.strip():
        return ALL
    found = FORM.fullmatch(text.strip())
    if found is None:
        raise ValueError("it is no range of shards such as 0-3/8")
    first, last, count = int(found[1]), int(found[2] or found[1]), int(found[3])
    if not first <= last < count <= MOST:
        raise ValueError(f"{text} is no range of shards: the numbers go from 0 to the last before the /")
    return Shards(first, last, count)
