"""What the moderators of a guild have set."""

from typing import Any

from sqlalchemy import ColumnElement, case, func
from sqlmodel import Session, col, select

from store.tables import GuildSetting


def setting(session: Session, guild_id: int | None) -> GuildSetting:
    """The guild's row; the defaults for a guild without one, and for direct messages."""
    row = session.get(GuildSetting, guild_id) if guild_id else None
    return row or GuildSetting(guild_id=guild_id or 0)


def keep_days(session: Session, guild_id: int | None, most: float) -> float:
    """Days after which a guild's notes, songs and results go; the operator's `most` where it has set no fewer."""
    return min(most, setting(session, guild_id).keep_days or most)


def keep_days_of(guild_id: Any, most: float) -> ColumnElement[float]:
    """The same for the guild that a column of a row names."""
    return _least(select(GuildSetting.keep_days).where(col(GuildSetting.guild_id) == guild_id), most)


def fewest_days(most: float) -> ColumnElement[float]:
    """The fewest days of any guild."""
    return _least(select(func.min(GuildSetting.keep_days)), most)


def _least(chosen: Any, most: float) -> ColumnElement[float]:
    days = chosen.scalar_subquery()
    return case((days < most, days), else_=most)
