"""The doorbell: every ring its own, bounded in time, and no pickles."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
from arq.constants import job_key_prefix
from redis import Redis

from worker.doorbell import CALL_SECONDS, QUEUE, Doorbell, from_bytes
from worker.valkey import EmbeddedValkey


async def test_every_ring_is_its_own_and_names_no_job(valkey: str) -> None:
    doorbell = Doorbell(valkey)
    for _ in range(3):
        assert await doorbell.ring()
    await doorbell.close()
    with Redis.from_url(valkey) as redis:
        queued = redis.zrange(QUEUE, 0, -1)
        assert isinstance(queued, list) and len(set(queued)) == 3
        stored = json.loads(redis.get(job_key_prefix.encode() + queued[0]))
    assert (stored["f"], stored["a"], stored["k"]) == ("look", [], {})


def test_a_pickle_is_refused() -> None:
    with pytest.raises(ValueError):
        from_bytes(b"\x80\x04\x95")


async def test_without_redis_the_bell_says_so_and_rings_again_later(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path / "valkey")
    doorbell = Doorbell(server.url)
    assert not await doorbell.ring()
    with server:
        assert await doorbell.ring()
    await doorbell.close()


async def test_a_queue_that_hangs_holds_nobody_for_more_than_two_seconds(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "valkey") as server:
        doorbell = Doorbell(server.url)
        assert await doorbell.ring()
        os.kill(server.pid or 0, signal.SIGSTOP)
        began = time.monotonic()
        assert not await doorbell.ring()
        assert not await doorbell.ring()  # connects anew
        assert time.monotonic() - began < 2 * CALL_SECONDS + 0.5
        os.kill(server.pid or 0, signal.SIGCONT)
        assert await doorbell.ring()
        await doorbell.close()
