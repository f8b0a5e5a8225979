"""Who is at fault when a message does not arrive: Discord's refusals count, its absence is waited out."""

import aiohttp
import discord
from sqlalchemy.exc import OperationalError

from store import MediaAway

PASSING = frozenset({40003, 40004, 40006})
"""Discord's codes for direct messages that are opened too fast, and for what is disabled for a time (HTTP 400, 403)."""
NO_MESSAGES = 50007
"""Discord's code for a member who takes none (HTTP 400, 403)."""


def out_of_reach(error: Exception) -> bool:
    """Whether Discord, the way to it, database or bucket are in trouble: nothing was refused, a retry may succeed."""
    return is_away(error) or isinstance(error, OSError | OperationalError | MediaAway)


def asked_pause(error: Exception) -> float:
    """The seconds after which Discord wants to be asked again (Retry-After), or 0."""
    if isinstance(error, discord.RateLimited):
        return error.retry_after
    headers = getattr(getattr(error, "response", None), "headers", {})
    try:
        return max(0.0, float(headers.get("Retry-After", 0)))
    except ValueError:
        return 0.0


def is_away(error: BaseException) -> bool:
    """Whether Discord or the way to it is in trouble: nothing was refused."""
    if isinstance(error, discord.HTTPException):
        return error.status >= 500 or error.status == 429 or error.code in PASSING
    return isinstance(error, aiohttp.ClientError | discord.RateLimited)


def is_too_large(error: discord.HTTPException) -> bool:
    """Whether Discord takes no file of that size here (HTTP 413, error 40005)."""
    return error.status == 413 or error.code == 40005


def is_reply_over(error: discord.HTTPException) -> bool:
    """Whether an interaction's answer is out of reach: its token has died (401, 404), or it `is_closed`."""
    return error.status == 401 or is_closed(error)


def is_closed(error: discord.HTTPException) -> bool:
    """Whether a message or channel is gone, or closed to the bot: it may not (any more), or the thread is archived."""
    return not is_away(error) and (error.status in (403, 404) or error.code == NO_MESSAGES or is_archived(error))


def is_archived(error: discord.HTTPException) -> bool:
    """Whether a thread is archived or locked, in which nothing can be sent, changed or deleted (HTTP 400 or 403)."""
    return error.code in (50083, 160005)
