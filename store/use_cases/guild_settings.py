"""Moderators set what holds in their server."""

from dataclasses import dataclass
from enum import StrEnum

from sqlmodel import col, select

from store import guilds, listening
from store.database import Store
from store.tables import Audit, GuildSetting


class Clearable(StrEnum):
    """What can be set back to nothing."""

    LANGUAGE = "locale"
    MODERATOR_ROLE = "moderator_role_id"
    STAFF_CHANNEL = "staff_channel_id"


@dataclass(frozen=True)
class SettingsChange:
    """What changes; None stays as it is. `clear` sets one back to nothing: no language is each member's own."""

    locale: str | None = None
    moderator_role_id: int | None = None
    staff_channel_id: int | None = None
    listening_tests: bool | None = None
    max_active_jobs: int | None = None
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


def change_settings(store: Store, guild_id: int, moderator_id: int, change: SettingsChange) -> GuildSetting:
    """Keep what was changed, with a row of the audit; the settings afterwards. A test that runs ends with "off"."""
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
