"""Whom the moderators of a guild have blocked: their live jobs end, and new ones are refused."""

from collections.abc import Sequence

from sqlmodel import Session, col, select

from store.errors import Blocked
from store.report_tables import MemberBlock


def check(session: Session, user_id: int, guild_id: int | None) -> None:
    """Raise Blocked if the member may request nothing in this guild."""
    if guild_id is not None and session.get(MemberBlock, (guild_id, user_id)) is not None:
        raise Blocked


def of_guild(session: Session, guild_id: int) -> Sequence[MemberBlock]:
    """Whom a guild has blocked, the newest first."""
    return session.exec(
        select(MemberBlock).where(MemberBlock.guild_id == guild_id).order_by(col(MemberBlock.at).desc())
    ).all()
