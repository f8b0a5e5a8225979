"""What is served to whoever watches, and to nobody else."""

import socket

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Counter

from metrics import CannotListen, MetricsSettings, endpoint


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def well() -> str:
    return ""


async def ill() -> str:
    return "there is no connection to Discord"


async def get(port: int, path: str) -> tuple[int, str, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, answer.headers["Content-Type"], await answer.text()


async def test_figures_and_health_are_served_while_the_block_runs() -> None:
    registry, port = CollectorRegistry(), free_port()
    Counter("sung", "Songs.", registry=registry).inc(3)
    async with endpoint("127.0.0.1", port, registry, well):
        status, kind, text = await get(port, "/metrics")
        assert (status, kind.partition(";")[0]) == (200, "text/plain")
        assert "sung_total 3.0" in text
        assert (await get(port, "/healthz"))[::2] == (200, "well\n")
    with pytest.raises(aiohttp.ClientConnectionError):
        await get(port, "/metrics")


async def test_a_process_that_is_not_well_answers_503_with_the_reason() -> None:
    port = free_port()
    async with endpoint("127.0.0.1", port, CollectorRegistry(), ill):
        assert (await get(port, "/healthz"))[::2] == (503, "there is no connection to Discord\n")


async def test_a_port_in_use_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            CannotListen, match=f"cannot be served at 127.0.0.1:{port} .Address already in use.. Set another port"
        ):
            async with endpoint("127.0.0.1", port, CollectorRegistry(), well):
                pass


def test_nothing_is_served_unless_a_port_is_set_and_then_to_this_machine_alone() -> None:
    settings = MetricsSettings()
    assert (settings.bot_metrics_port, settings.worker_metrics_port, settings.metrics_host) == (0, 0, "127.0.0.1")
