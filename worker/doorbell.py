"""The doorbell: notifies a worker of a queued row. A lost notification loses no job; the sweep rings again."""

import json
import logging
from typing import Any

from arq.connections import ArqRedis, RedisSettings, create_pool
from pydantic import field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

TASK = "run_job"
QUEUE = "discovervoice"
RING_SECONDS = 24 * 3600


class QueueSettings(BaseSettings):
    """Read from the environment or `.env`: REDIS_URL."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    redis_url: str = "redis://127.0.0.1:6379"

    @field_validator("redis_url")
    @classmethod
    def _check_address(cls, url: str) -> str:
        try:
            redis_settings(url)
        except (RuntimeError, ValueError) as error:
            raise ValueError("it is no address such as redis://127.0.0.1:6379") from error
        return url


def redis_settings(url: str) -> RedisSettings:
    """Arq's settings for an address; one short retry, since the sweep rings again anyway."""
    settings = RedisSettings.from_dsn(url)
    settings.conn_timeout, settings.conn_retries, settings.conn_retry_delay = 2, 1, 1
    return settings


def to_bytes(job: dict[str, Any]) -> bytes:
    """Write arq's job as JSON: its default is pickle, by which whoever writes to Redis would run code here."""
    return json.dumps(job).encode()


def from_bytes(data: bytes) -> dict[str, Any]:
    """Read what `to_bytes` wrote."""
    job: dict[str, Any] = json.loads(data)
    return job


class Doorbell:
    """Rings for jobs. Connects when it is first used and again after a loss."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool: ArqRedis | None = None

    async def ring(self, job_id: str, attempt: int) -> bool:
        """Put `<job id>:<attempt>` on the queue (once, however often it is rung).

        False if Redis is out of reach: the row stays queued, and a sweep rings later.
        """
        try:
            if self._pool is None:
                settings = redis_settings(self._url)
                self._pool = await create_pool(
                    settings, default_queue_name=QUEUE, job_serializer=to_bytes, job_deserializer=from_bytes
                )
            await self._pool.enqueue_job(TASK, job_id, attempt, _job_id=f"{job_id}:{attempt}", _expires=RING_SECONDS)
        except (RedisError, OSError) as error:
            log.warning("The queue is out of reach (%s); the sweep will ring again.", error)
            await self.close()
            return False
        return True

    async def close(self) -> None:
        """Close the connections; the next ring connects again."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await pool.aclose()
