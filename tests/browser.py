"""A real browser without a screen: opens a file and says what became of it, over Chromium's debugging protocol."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
"""None where none is installed."""
OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "--no-first-run")
PATIENCE = 60.0  # s


async def asked(page: Path, profile: Path, width: int, question: str) -> Any:
    """The value of a JavaScript expression on a page that has loaded, in a window of this width in pixels."""
    size = f"--window-size={width},900"
    async with _browser(profile, size) as address, aiohttp.ClientSession() as session:
        async with session.put(f"{address}/json/new?{page.resolve().as_uri()}") as answer:
            socket = (await answer.json(content_type=None))["webSocketDebuggerUrl"]
        ready = f"location.protocol === 'file:' && document.readyState === 'complete' ? {question} : null"
        async with session.ws_connect(socket, max_msg_size=0) as line:
            end = time.monotonic() + PATIENCE
            while (value := await _evaluated(line, ready)) is None:
                assert time.monotonic() < end, "the page did not load"
                await asyncio.sleep(0.02)
    return value


async def _evaluated(line: aiohttp.ClientWebSocketResponse, expression: str) -> Any:
    """None while a page gives way to the next."""
    await line.send_json(
        {"id": 1, "method": "Runtime.evaluate", "params": {"expression": expression, "returnByValue": True}}
    )
    while (said := await line.receive_json(timeout=PATIENCE)).get("id") != 1:
        pass
    return said.get("result", {}).get("result", {}).get("value")


@asynccontextmanager
async def _browser(profile: Path, *more: str) -> AsyncIterator[str]:
    """The address of the debugger of a browser that ends with the block."""
    assert CHROMIUM is not None
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        CHROMIUM, *OPTIONS, f"--user-data-dir={profile}", *more, "about:blank", stdout=quiet, stderr=quiet
    )
    port, end = profile / "DevToolsActivePort", time.monotonic() + PATIENCE
    try:
        while not port.exists() or not port.read_text().count("\n"):
            assert process.returncode is None and time.monotonic() < end, "the browser did not start"
            await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port.read_text().splitlines()[0]}"
    finally:
        process.terminate()
        await process.wait()
