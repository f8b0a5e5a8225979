"""Logging in to Discord, and what is said where that fails."""

from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
import discord

from bot.errors import Unreachable, WrongToken


@contextmanager
def login_told() -> Iterator[None]:
    """Raise WrongToken or Unreachable in place of discord.py's own errors."""
    try:
        yield
    except discord.LoginFailure as error:
        raise WrongToken from error
    except (
        aiohttp.ClientConnectionError,
        discord.DiscordServerError,
        discord.GatewayNotFound,
        discord.RateLimited,
        TimeoutError,
    ) as error:
        raise Unreachable(reason=type(error).__name__) from error


async def known_as(token: str) -> str:
    """The name under which Discord knows the bot of a token; no connection stays. Raises WrongToken, Unreachable."""
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nothing is said in voice channels
    with login_told():
        async with discord.Client(intents=discord.Intents(guilds=True)) as client:
            await client.login(token)
            return str(client.user)
