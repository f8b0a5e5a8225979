"""Who is at fault when a message does not arrive: Discord's refusals count, its absence is waited out."""

import discord
from sqlalchemy.exc import OperationalError

from bot.errors import is_away
from store import MediaAway


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
