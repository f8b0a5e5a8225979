"""Whether Discord knows a token is asked with the library's own requests."""

import json

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from discord.http import Route

from bot.errors import Unreachable, WrongToken
from bot.login import known_as

USER = {"id": "1", "username": "DiscoverVoice", "discriminator": "0", "avatar": None, "bot": True}
APPLICATION = {
    "id": "1",
    "name": "DiscoverVoice",
    "icon": None,
    "description": "",
    "summary": "",
    "verify_key": "",
    "bot_public": True,
    "bot_require_code_grant": False,
    "flags": 0,
    "owner": USER,
}


async def discord(request: web.Request) -> web.Response:
    """What Discord's API answers."""
    known = request.headers["Authorization"] == "Bot known"
    told = (APPLICATION if "applications" in request.path else USER) if known else {"code": 0, "message": "401"}
    body = json.dumps(told).encode()
    return web.Response(body=body, headers={"Content-Type": "application/json"}, status=200 if known else 401)


async def test_a_token_is_known_or_not_or_discord_is_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    site = web.Application()
    site.router.add_get("/{path:.*}", discord)
    async with TestServer(site) as server:
        monkeypatch.setattr(Route, "BASE", str(server.make_url("/api")))
        assert await known_as("known") == "DiscoverVoice"
        with pytest.raises(WrongToken):
            await known_as("other")
    with pytest.raises(Unreachable):
        await known_as("known")
