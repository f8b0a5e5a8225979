"""Figures of the bot: its connection to Discord, and how Discord answers its requests."""

from collections.abc import Callable
from types import SimpleNamespace

import aiohttp
from prometheus_client import CollectorRegistry, Counter, Gauge


class GatewayMetrics:
    """The figures of one bot in a registry."""

    def __init__(self, registry: CollectorRegistry, latency: Callable[[], float]) -> None:
        """`latency` is the gateway's heartbeat in seconds, NaN or infinite without a connection."""
        heartbeat = Gauge("discovervoice_discord_latency_seconds", "The gateway's heartbeat.", registry=registry)
        heartbeat.set_function(latency)
        self._requests = Counter(
            "discovervoice_discord_requests",
            "Requests to Discord by the status of the answer.",
            ("status",),
            registry=registry,
        )

    def trace(self) -> aiohttp.TraceConfig:
        """A trace for the bot's HTTP session that counts every answer; 429 is a rate limit."""
        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(self._count)
        return trace

    async def _count(
        self, _: aiohttp.ClientSession, __: SimpleNamespace, answer: aiohttp.TraceRequestEndParams
    ) -> None:
        self._requests.labels(str(answer.response.status)).inc()
