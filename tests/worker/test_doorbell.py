"""The doorbell: rings once, survives a lost Redis, and carries no pickles."""

import json

import pytest
from arq.constants import job_key_prefix
from redis import Redis

from worker.doorbell import QUEUE, Doorbell, from_bytes
from worker.errors import ValkeyFailed
from worker.valkey import embedded_valkey, free_port


async def test_a_job_is_on_the_queue_once_however_often_it_is_rung(valkey: str) -> None:
    doorbell = Doorbell(valkey)
    for _ in range(3):
        assert await doorbell.ring("job", 1)
    assert await doorbell.ring("job", 2)
    await doorbell.close()
    with Redis.from_url(valkey) as redis:
        queued = redis.zrange(QUEUE, 0, -1)
    assert isinstance(queued, list) and sorted(queued) == [b"job:1", b"job:2"]


async def test_what_lies_in_redis_is_json_and_a_pickle_is_refused(valkey: str) -> None:
    doorbell = Doorbell(valkey)
    await doorbell.ring("job", 1)
    await doorbell.close()
    stored = Redis.from_url(valkey).get(job_key_prefix + "job:1")
    assert json.loads(stored)["f"] == "run_job"  # type: ignore[arg-type]
    with pytest.raises(ValueError):
        from_bytes(b"\x80\x04\x95")


async def test_without_redis_the_bell_says_so_and_rings_again_later(tmp_path) -> None:  # type: ignore[no-untyped-def]
    port = free_port()
    doorbell = Doorbell(f"redis://127.0.0.1:{port}")
    assert not await doorbell.ring("job", 1)
    with embedded_valkey(tmp_path, port):
        assert await doorbell.ring("job", 1)
    await doorbell.close()


def test_a_queue_survives_a_restart_of_the_embedded_valkey(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with embedded_valkey(tmp_path) as url:
        Redis.from_url(url).set("kept", "yes")
    with embedded_valkey(tmp_path) as url:
        assert Redis.from_url(url).get("kept") == b"yes"


def test_a_taken_port_is_one_sentence(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with embedded_valkey(tmp_path / "one") as url:
        port = int(url.rsplit(":", 1)[1])
        with pytest.raises(ValkeyFailed, match=f"port {port}"), embedded_valkey(tmp_path / "two", port):
            pass
