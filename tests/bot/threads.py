"""Threads as Discord keeps them: in an archived one nothing changes; a message opens it unless it is locked."""

from dataclasses import dataclass
from typing import Any, ClassVar

import discord
import pytest
from simcord.builders import ChannelHandle
from simcord.http import FakeHTTPClient

from tests.bot.world import World


@dataclass
class Thread:
    """A thread of the world's channel."""

    world: World
    handle: ChannelHandle

    def shut(self, *, locked: bool = False) -> None:
        """It is archived."""
        self.world.env.backend.edit_channel(self.handle.id, {}, thread_metadata={"archived": True, "locked": locked})

    def open(self) -> None:
        """It is archived no more."""
        self.world.env.backend.edit_channel(self.handle.id, {}, thread_metadata={"archived": False, "locked": False})

    @property
    def is_shut(self) -> bool:
        """Whether it is archived now."""
        return is_shut(self.world, self.handle.id)


def is_shut(world: World, channel_id: int) -> bool:
    """Whether a channel is an archived thread."""
    channel = world.env.backend.channels.get(channel_id)
    return channel is not None and channel.thread_metadata is not None and channel.thread_metadata.archived


def refusal(status: int, code: int) -> discord.HTTPException:
    """What Discord answers."""

    class Response:
        reason = "no"
        headers: ClassVar[dict[str, str]] = {}

    Response.status = status  # type: ignore[attr-defined]
    return discord.HTTPException(Response(), {"code": code, "message": "no"})  # type: ignore[arg-type]


def thread_in(world: World, monkeypatch: pytest.MonkeyPatch) -> Thread:
    """A thread of the world's channel, and Discord's rules for it, which simcord does not know."""
    backend, original = world.env.backend, FakeHTTPClient.request
    made = backend.create_thread(world.channel.id, "covers", world.alice.id)

    async def request(self: Any, route: Any, **options: Any) -> Any:
        number = int(route.channel_id or 0)
        if "/messages" in route.path and route.method != "GET" and is_shut(world, number):
            sends = route.method == "POST" and route.path.endswith("/messages")
            if not sends:
                raise refusal(400, 50083)
            if backend.channels[number].thread_metadata.locked:  # type: ignore[union-attr]
                raise refusal(400, 160005)
            backend.edit_channel(number, {}, thread_metadata={"archived": False})
        return await original(self, route, **options)

    monkeypatch.setattr(FakeHTTPClient, "request", request)
    return Thread(world, ChannelHandle(world.env, world.guild, made))
