"""The doorbell: tells a worker to look at the rows. It rings through arq and carries no job.

A lost ring loses nothing: every worker looks once a second anyway. So a queue that is gone, hangs or is emptied delays
a job by a second, and no key of arq's can hold one.
"""

import asyncio
import json
import logging
from typing import Any

from arq.connections import ArqRedis
from pydantic import field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

TASK = "look"
QUEUE = "discovervoice"
CALL_SECONDS = 2.0
"""The longest that a call may take, connecting included."""
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
    """Arq's queue at an address (redis://, rediss:// or unix://); connects when it is used.

    A call that gets no answer for CALL_SECONDS raises a RedisError. Raises ValueError: it is no address.
    """
    patience = {"socket_timeout": CALL_SECONDS, "socket_connect_timeout": CALL_SECONDS}
    pool: Any = ConnectionPool.from_url(url, **patience)
    return ArqRedis(pool, job_serializer=to_bytes, job_deserializer=from_bytes, default_queue_name=QUEUE)


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
            log.warning("The queue is out of reach (%s); workers look by themselves.", error or "no answer")
            await self.close()
            return False
        return True

    async def close(self) -> None:
        """Close the connections; the next ring connects again."""
        if self._queue is not None:
            queue, self._queue = self._queue, None
            await queue.aclose(close_connection_pool=True)
