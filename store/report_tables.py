"""The tables of reports: what members report to the moderators of their server, and whom these have blocked."""

from enum import StrEnum

from sqlmodel import Field, SQLModel

from store.tables import NEVER_REUSED, choice, now, snowflake


class ReportReason(StrEnum):
    """What is wrong with a result."""

    NOT_THEIRS = "not_theirs"
    HURTFUL = "hurtful"
    COPYRIGHT = "copyright"
    SPAM = "spam"
    OTHER = "other"


class MemberReport(SQLModel, table=True):
    """A report of the message that shows a member's result, by `reporter_id` (0: forgotten).

    `staff_message_id` is the bot's message to the moderators, `tried_at` is written before it is sent; `outdated`: it
    does not show yet what has happened since. Who has removed the result (its member, if they deleted it themselves),
    and warned or blocked its member, is written once each; `told`: its member knows that moderators removed it.
    """

    __tablename__ = "member_report"
    __table_args__ = NEVER_REUSED
    id: int | None = Field(default=None, primary_key=True)
    guild_id: int = snowflake(index=True)
    job_id: str = Field(index=True)
    user_id: int = snowflake(index=True)
    reporter_id: int = snowflake()
    reason: ReportReason = choice(ReportReason)
    channel_id: int = snowflake()
    message_id: int = snowflake()
    staff_channel_id: int | None = snowflake(default=None)
    staff_message_id: int | None = snowflake(default=None)
    tried_at: float | None = None
    removed_by: int | None = snowflake(default=None)
    warned_by: int | None = snowflake(default=None)
    blocked_by: int | None = snowflake(default=None)
    outdated: bool = False
    told: bool = False
    created_at: float = Field(default_factory=now)

    @property
    def mark(self) -> str:
        """The sign by which the message to the moderators is recognised."""
        return f"report-{self.id}."


class MemberBlock(SQLModel, table=True):
    """A member who may request nothing in a server; it stays when they are forgotten, or it would be none."""

    __tablename__ = "block"
    guild_id: int = snowflake(primary_key=True)
    user_id: int = snowflake(primary_key=True)
    moderator_id: int = snowflake()
    reason: ReportReason = choice(ReportReason)
    at: float = Field(default_factory=now)
