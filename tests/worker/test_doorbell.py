"""The doorbell: every ring its own, bounded in time, and no pickles."""

import asyncio
import contextlib
import json
import os
import signal
import time
from pathlib import Path

import pytest
from arq.constants import job_key_prefix
from redis import Redis

from tests.worker.conftest import until_it_rings
from worker import service
from worker.doorbell import CALL_SECONDS, QUEUE, Doorbell, from_bytes
from worker.valkey import EmbeddedValkey


@pytest.mark.usefixtures("patient")
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


@pytest.mark.usefixtures("patient")
async def test_without_redis_the_bell_says_so_and_rings_again_later(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path / "valkey")
    doorbell = Doorbell(server.url)
    assert not await doorbell.ring()
    with server:
        assert await doorbell.ring()
    await doorbell.close()


async def test_a_queue_that_hangs_holds_nobody_for_more_than_two_seconds(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with EmbeddedValkey(tmp_path / "valkey") as server:
        doorbell = Doorbell(server.url)
        await until_it_rings(doorbell)
        os.kill(server.pid or 0, signal.SIGSTOP)
        began = time.monotonic()
        assert not await doorbell.ring()
        assert not await doorbell.ring()  # connects anew
        assert time.monotonic() - began < 2 * CALL_SECONDS + 10.0
        assert "out of reach ()" not in caplog.text  # what timed out has no words of its own
        os.kill(server.pid or 0, signal.SIGCONT)
        await until_it_rings(doorbell)
        await doorbell.close()


async def test_a_worker_that_stops_while_it_closes_its_listener_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the queue gone it closes one every two seconds; a stop in that moment was lost once."""
    closing = asyncio.Event()

    class Listener:
        async def async_run(self) -> None:
            raise ConnectionError("gone")

        async def close(self) -> None:
            closing.set()
            await asyncio.sleep(1.0)

    monkeypatch.setattr(service, "make_listener", lambda *_: Listener())
    listening = asyncio.create_task(service._listen("redis://127.0.0.1:1", asyncio.Event()))
    await closing.wait()
    listening.cancel()
    ended, _ = await asyncio.wait({listening}, timeout=0.5)
    assert ended and listening.cancelled()


async def test_a_listener_that_ends_its_own_tasks_does_not_end_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []

    class Listener:
        async def async_run(self) -> None:
            begun.append(1)
            raise ConnectionError("gone")

        async def close(self) -> None:
            raise asyncio.CancelledError

    monkeypatch.setattr(service, "make_listener", lambda *_: Listener())
    monkeypatch.setattr(service, "RETRY_SECONDS", 0.01)
    listening = asyncio.create_task(service._listen("redis://127.0.0.1:1", asyncio.Event()))
    await asyncio.wait({listening}, timeout=0.3)
    assert len(begun) > 1
    listening.cancel()
    await asyncio.wait({listening})


async def test_a_listener_that_loses_the_first_cancellation_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """As redis-py does when it comes while a time-out ends: one worker in fifty did not stop at SIGTERM."""
    listens = asyncio.Event()

    class Listener:
        async def async_run(self) -> None:
            with contextlib.suppress(asyncio.CancelledError):
                listens.set()
                await asyncio.sleep(60)
            await asyncio.sleep(60)

        async def close(self) -> None: ...

    monkeypatch.setattr(service, "make_listener", lambda *_: Listener())
    listening = asyncio.create_task(service._listen("redis://127.0.0.1:1", asyncio.Event()))
    await listens.wait()
    listening.cancel()
    ended, _ = await asyncio.wait({listening}, timeout=5.0)
    assert ended and listening.cancelled()


async def test_a_stop_that_the_closing_listener_takes_for_a_time_out_is_not_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closing = asyncio.Event()

    class Listener:
        async def async_run(self) -> None:
            raise ConnectionError("gone")

        async def close(self) -> None:
            closing.set()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError as error:
                raise TimeoutError from error

    monkeypatch.setattr(service, "make_listener", lambda *_: Listener())
    listening = asyncio.create_task(service._listen("redis://127.0.0.1:1", asyncio.Event()))
    await closing.wait()
    listening.cancel()
    ended, _ = await asyncio.wait({listening}, timeout=1.0)
    assert ended and listening.cancelled()
