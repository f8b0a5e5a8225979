"""The port that is looked at: `/metrics` in Prometheus' text format, `/healthz` with 200 or 503 and a reason.

It is served by the process's own event loop: a loop that is blocked does not answer, and that is the truth.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

Trouble = Callable[[], Awaitable[str]]
"""What is wrong with the process, in one sentence; "" if it is well."""


class CannotListen(Exception):
    """The port cannot be opened."""


class MetricsSettings(BaseSettings):
    """Read from the environment or `.env`: METRICS_HOST, BOT_METRICS_PORT, WORKER_METRICS_PORT; port 0 is off."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", allow_inf_nan=False)

    metrics_host: str = "127.0.0.1"
    bot_metrics_port: int = Field(default=0, ge=0, le=65535)
    worker_metrics_port: int = Field(default=0, ge=0, le=65535)


@asynccontextmanager
async def endpoint(host: str, port: int, registry: CollectorRegistry, trouble: Trouble) -> AsyncIterator[None]:
    """Serve the registry's figures and the process's health while the block runs; port 0 serves nothing.

    Raises CannotListen.
    """
    if not port:
        yield
        return

    async def metrics(_: web.Request) -> web.Response:
        text = await asyncio.to_thread(generate_latest, registry)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def healthz(_: web.Request) -> web.Response:
        wrong = await trouble()
        return web.Response(text=f"{wrong or 'well'}\n", status=503 if wrong else 200)

    site = web.Application()
    site.add_routes([web.get("/metrics", metrics), web.get("/healthz", healthz)])
    runner = web.AppRunner(site, access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else error
            raise CannotListen(
                f"The metrics cannot be served at {host}:{port} ({reason}). Set another port or METRICS_HOST."
            ) from error
        yield
    finally:
        await runner.cleanup()
