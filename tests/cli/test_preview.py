"""The bot in a browser: a simulated server in a language, with members, a moderator and a page."""

import socket
import subprocess
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from cli.console import DeskError
from cli.preview import PREVIEW, House, _served, simulated_server
from store import StoreSettings, open_store

NO_QUEUE = "redis://127.0.0.1:1"


@pytest.fixture
def at(tmp_path: Path) -> House:
    """A house whose worker has gone home."""
    store = open_store(StoreSettings(data_dir=tmp_path / "data", database_url=""))
    return House(store, NO_QUEUE, subprocess.Popen([sys.executable, "-c", ""]))


@pytest.mark.parametrize(("language", "word"), [("en", "Sing"), ("ko", "노래")])
async def test_members_are_answered_in_the_servers_language(at: House, language: str, word: str) -> None:
    async with simulated_server(at, language) as shown:
        answer = await shown.members[0].slash(shown.channel, "help")
        assert answer.response is not None and word in answer.response.content
        assert "settings" in shown.moderator.available_commands(shown.channel)
        assert not any("settings" in member.available_commands(shown.channel) for member in shown.members)


async def test_the_page_is_served_on_this_machine(at: House) -> None:
    async with (
        simulated_server(at, "en") as shown,
        shown.env.preview(shown.channel, viewers=shown.viewers, **PREVIEW) as preview,
        aiohttp.ClientSession() as session,
        session.get(preview.url) as page,
    ):
        assert preview.url.startswith("http://127.0.0.1:")
        assert page.status == 200 and "html" in page.headers["Content-Type"]


async def test_the_servers_clock_begins_when_it_is_told_and_goes_on_from_there(at: House) -> None:
    began = datetime.now(UTC)
    async with simulated_server(at, "en", began) as shown:
        await shown.env.advance_time(60.0)
        answer = await shown.members[0].slash(shown.channel, "jobs")
        [message] = shown.channel.history(viewer=shown.members[0])
        assert answer.response is not None and message.id == answer.response.id
        assert abs(message.created_at - began - timedelta(seconds=60)) < timedelta(seconds=5)


@pytest.mark.parametrize(("language", "word"), [("en", "Your basket is empty"), ("ko", "바구니가 비어 있어요")])
async def test_a_members_direct_messages_are_served_in_the_same_language(at: House, language: str, word: str) -> None:
    async with simulated_server(at, language) as shown, AsyncExitStack() as page, aiohttp.ClientSession() as session:
        preview = await _served(shown, PREVIEW, page, direct=True)
        answer = await shown.members[0].user.slash("notes")
        assert answer.response is not None and word in answer.response.content
        async with session.get(preview.url) as served:
            assert served.status == 200
        alone = shown.members[0].user.dm_channel
        assert [message.id for message in alone.history(viewer=shown.members[0].user)] == [answer.response.id]


async def test_a_port_in_use_is_one_sentence(at: House) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        options = {**PREVIEW, "port": taken.getsockname()[1]}
        async with simulated_server(at, "en") as shown, AsyncExitStack() as page:
            with pytest.raises(DeskError, match=r"The page cannot be served .* Give another port"):
                await _served(shown, options, page)
