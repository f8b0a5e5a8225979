"""What the moderators of a guild have set."""

from sqlmodel import Session

from store.tables import GuildSetting


def setting(session: Session, guild_id: int | None) -> GuildSetting:
    """The guild's row; the defaults for a guild without one, and for direct messages."""
    row = session.get(GuildSetting, guild_id) if guild_id else None
    return row or GuildSetting(guild_id=guild_id or 0)
