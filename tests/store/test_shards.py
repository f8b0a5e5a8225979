"""Servers are shared among bots as Discord does it, in Python and in the rows alike."""

import pytest
from sqlmodel import col, select

from store import Job, JobKind, Store
from store.shards import ALL, Shards, shards_of


def test_a_range_of_shards_is_read_and_what_is_none_is_refused() -> None:
    assert shards_of("") == shards_of(" ") == ALL == Shards(0, 0, 1)
    assert shards_of("0-3/8") == Shards(0, 3, 8) and shards_of("2/8").ids == [2]
    assert shards_of("0-7/8").are_all and not shards_of("0-3/8").are_all
    for wrong in ("8", "3-1/8", "0-8/8", "8/8", "a/b", "0-3", "-1/2", "0/0", "0-0/99999", "0-3/8 9"):
        with pytest.raises(ValueError, match="range of shards"):
            shards_of(wrong)


def test_each_server_belongs_to_one_bot_in_the_rows_as_in_python(store: Store) -> None:
    guilds = [None, 0, *((number << 22) + 7 for number in range(6)), 2**62]
    with store.write() as session:
        session.add_all([Job(kind=JobKind.MATCH, user_id=1, guild_id=guild) for guild in guilds])
    split = [shards_of("0-1/4"), shards_of("2/4"), shards_of("3/4")]
    with store.read() as session:
        found = [session.exec(select(Job.guild_id).where(one.condition(col(Job.guild_id)))).all() for one in split]
    key = [sorted(map(str, guild_ids)) for guild_ids in found]
    assert key == [sorted(str(guild) for guild in guilds if one.have(guild)) for one in split]
    assert sum(map(len, found)) == len(guilds) and all(found)
