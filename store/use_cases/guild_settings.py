"""Moderators set what holds in their server."""

from dataclasses import dataclass
from enum import StrEnum

from sqlmodel import col, select

from store import basket, guilds, listening
from store.database import Store
from store.errors import KeptShorter
from store.tables import Audit, GuildSetting


class Clearable(StrEnum):
    """What can be set back to nothing."""

    LANGUAGE = "locale"
    MODERATOR_ROLE = "moderator_role_id"
    STAFF_CHANNEL = "staff_channel_id"
    KEEP_DAYS = "keep_days"


@dataclass(frozen=True)
class SettingsChange:
    """What changes; None stays as it is. `clear` sets one back to nothing: no language is each member's own."""

    locale: str | None = None
    moderator_role_id: int | None = None
    staff_channel_id: int | None = None
    listening_tests: bool | None = None
    max_active_jobs: int | None = None
    keep_days: int | None = None
    clear: tuple[Clearable, ...] = ()


def guild_setting(store: Store, guild_id: int) -> GuildSetting:
    """What holds in a guild."""
    with store.read() as session:
        return guilds.setting(session, guild_id)


def guild_languages(store: Store) -> dict[int, str]:
    """The language of every guild that has chosen one, by the guild's id."""
    with store.read() as session:
        chosen = select(GuildSetting).where(col(GuildSetting.locale).is_not(None))
        return {row.guild_id: row.locale or "" for row in session.exec(chosen).all()}


def keep_days(store: Store, guild_id: int | None) -> float:
    """Days after which notes, songs and results of a guild go."""
    with store.read() as session:
        return guilds.keep_days(session, guild_id, store.clip_days)


def keep_days_of_basket(store: Store, member_id: int, guild_id: int | None) -> float:
    """The most days that a note in a member's basket stays, if one more is added in this guild.

    Each stays as long as the guild in which it was added keeps it.
    """
    with store.read() as session:
        added = {note.guild_id for note in basket.of_member(session, member_id)} | {guild_id}
        return max(guilds.keep_days(session, one, store.clip_days) for one in added)


def change_settings(store: Store, guild_id: int, moderator_id: int, change: SettingsChange) -> GuildSetting:
    """Keep what was changed, with a row of the audit; the settings afterwards. A test that runs ends with "off".

    Raises KeptShorter: the operator keeps nothing for so many days.
    """
    if change.keep_days is not None and change.keep_days > store.clip_days:
        raise KeptShorter(limit=store.clip_days)
    changes: dict[str, object] = {
        name: value for name, value in vars(change).items() if name != "clear" and value is not None
    }
    changes |= dict.fromkeys(change.clear)
    if not changes:
        return guild_setting(store, guild_id)
    with store.write() as session:
        row = guilds.setting(session, guild_id)
        for name, value in changes.items():
            setattr(row, name, value)
        session.add(row)
        changed = ", ".join(sorted(changes))
        session.add(Audit(user_id=moderator_id, guild_id=guild_id, action="settings", subject=changed))
        test = listening.active(session, guild_id)
        if test is not None and not row.listening_tests:
            listening.end(session, test)
        return row
