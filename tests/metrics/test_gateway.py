"""How Discord answers the bot is counted from real HTTP answers."""

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry

from metrics import GatewayMetrics


async def limited(request: web.Request) -> web.Response:
    return web.Response(status=429 if request.path == "/busy" else 200)


async def test_answers_are_counted_by_status_and_the_heartbeat_is_read_when_asked() -> None:
    registry, beats = CollectorRegistry(), [0.04]
    metrics = GatewayMetrics(registry, lambda: beats[-1])
    site = web.Application()
    site.router.add_get("/{path}", limited)
    async with TestServer(site) as server, aiohttp.ClientSession(trace_configs=[metrics.trace()]) as session:
        for path in ("busy", "ok", "busy"):
            await (await session.get(server.make_url(f"/{path}"))).read()
    counted = {
        status: registry.get_sample_value("discovervoice_discord_requests_total", {"status": status})
        for status in ("200", "429")
    }
    assert counted == {"200": 1, "429": 2}
    beats.append(0.2)
    assert registry.get_sample_value("discovervoice_discord_latency_seconds") == 0.2
