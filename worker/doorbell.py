"""The doorbell: tells a worker to look at the rows. It rings through arq and carries no job.

A lost ring loses nothing: every worker looks once a second anyway. So a queue that is gone, hangs or is emptied delays
a job by a second, and no key of arq's can hold one.
"""

import asyncio
import json
import logging
import re
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

from arq.connections import ArqRedis
from pydantic import field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from redis.asyncio import ConnectionPool
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

TASK = "look"
QUEUE = "discovervoice"
CALL_SECONDS = 2.0
"""The longest that a call may take, connecting included."""
PATIENCE = {"socket_timeout": CALL_SECONDS, "socket_connect_timeout": CALL_SECONDS}
SENTINELS = ("sentinel", "sentinels")
SENTINEL = re.compile(r"([\w.-]+|\[[0-9a-fA-F:.]+\])(?::(\d{1,5}))?")
SENTINEL_PORT = 26379
RING_SECONDS = 24 * 3600
"""How long a ring waits for a worker."""


class QueueSettings(BaseSettings):
    """Read from the environment or `.env`: REDIS_URL."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", allow_inf_nan=False)

    redis_url: str = "redis://127.0.0.1:6379"

    @field_validator("redis_url")
    @classmethod
    def _check_address(cls, url: str) -> str:
        try:
            queue_at(url)
        except ValueError as error:
            raise ValueError("it is no address such as redis://127.0.0.1:6379") from error
        return url


def queue_at(url: str) -> ArqRedis:
    """Arq's queue at an address (redis://, rediss://, unix://, sentinel://, sentinels://); connects when it is used.

    A call that gets no answer for CALL_SECONDS raises a RedisError. Raises ValueError: it is no address.
    """
    pool: Any = _watched(url) if urlsplit(url).scheme in SENTINELS else ConnectionPool.from_url(url, **PATIENCE)
    return ArqRedis(pool, job_serializer=to_bytes, job_deserializer=from_bytes, default_queue_name=QUEUE)


def _watched(url: str) -> Any:
    """Connections to whichever server its sentinels call the master now.

    `sentinel://user:password@one:26379,two:26379/mymaster?sentinel_password=…`; `sentinels://` is by TLS. Raises
    ValueError.
    """
    parts = urlsplit(url)
    account, _, hosts = parts.netloc.rpartition("@")
    user, _, password = account.partition(":")
    places = [SENTINEL.fullmatch(host) for host in hosts.split(",")]
    name = parts.path.removeprefix("/")
    if not all(places) or not name or "/" in name:
        raise ValueError("it names no sentinels and their master")
    own: dict[str, Any] = dict(PATIENCE) | ({"ssl": True} if parts.scheme == "sentinels" else {})
    theirs = own | {"password": parse_qs(parts.query).get("sentinel_password", [None])[0]}
    found = [(place[1].strip("[]"), int(place[2] or SENTINEL_PORT)) for place in places if place]
    sentinel = cast(Any, Sentinel)(found, sentinel_kwargs=theirs)
    login = {"username": unquote(user) or None, "password": unquote(password) or None}
    return cast(Any, SentinelConnectionPool)(name, sentinel, **own, **login)


def to_bytes(job: dict[str, Any]) -> bytes:
    """Write arq's job as JSON: its default is pickle, by which whoever writes to Redis would run code here."""
    return json.dumps(job).encode()


def from_bytes(data: bytes) -> dict[str, Any]:
    """Read what `to_bytes` wrote."""
    job: dict[str, Any] = json.loads(data)
    return job


class Doorbell:
    """Rings for a worker. Connects when it is first used and again after a loss."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._queue: ArqRedis | None = None

    async def ring(self) -> bool:
        """Put a ring of its own on the queue; False if the queue has not answered within CALL_SECONDS."""
        try:
            async with asyncio.timeout(CALL_SECONDS):
                if self._queue is None:
                    self._queue = queue_at(self._url)
                await self._queue.enqueue_job(TASK, _expires=RING_SECONDS)
        except (RedisError, OSError) as error:
            log.warning("The queue is out of reach (%s); workers look by themselves.", str(error) or "no answer")
            await self.close()
            return False
        return True

    async def close(self) -> None:
        """Close the connections; the next ring connects again."""
        if self._queue is not None:
            queue, self._queue = self._queue, None
            await queue.aclose(close_connection_pool=True)
