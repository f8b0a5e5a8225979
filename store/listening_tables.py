"""The tables of listening tests: what is rated, how, and by whom who has agreed to be heard."""

from enum import StrEnum
from typing import Any

from sqlmodel import Field, SQLModel

from store.tables import NEVER_REUSED, choice, document, now, snowflake


class ListeningState(StrEnum):
    """A test waits for its clips, runs until it is stopped or its time is over, or could not begin."""

    PREPARING = "preparing"
    RUNNING = "running"
    ENDED = "ended"
    FAILED = "failed"


class Question(StrEnum):
    """What raters are asked of each clip."""

    NATURALNESS = "naturalness"
    SIMILARITY = "similarity"


class ClipRole(StrEnum):
    """What a clip is. References and anchors are hidden among the others: their quality is known."""

    COVER = "cover"
    VOICE = "voice"
    UPLOAD = "upload"
    REFERENCE = "reference"
    ANCHOR = "anchor"


class ListeningTest(SQLModel, table=True):
    """One test in one channel. The seed fixes which clips were drawn and their order.

    `reactions`: votes are reactions, which the bot may remove; otherwise they are given by the private menu alone.
    `tries` counts the children that ended while they prepared its clips.
    """

    __tablename__ = "listening_test"
    __table_args__ = NEVER_REUSED
    id: int | None = Field(default=None, primary_key=True)
    guild_id: int = snowflake(index=True)
    channel_id: int = snowflake()
    moderator_id: int = snowflake()
    locale: str = "en"
    question: Question = choice(Question)
    state: ListeningState = choice(ListeningState, default=ListeningState.PREPARING, index=True)
    seed: int = snowflake()
    reactions: bool = True
    tries: int = 0
    error_code: str | None = None
    error_params: dict[str, Any] = document(dict)
    error_sentence: str | None = None
    told: bool = False
    """Whether its channel knows that it failed."""
    created_at: float = Field(default_factory=now)
    ends_at: float
    ended_at: float | None = None


class ListeningClip(SQLModel, table=True):
    """One clip of a test, at its place in the random order.

    `media_key` is what raters hear, made from `source_key` by a worker. `owner_id` is whose voice or upload it is: they
    cannot rate it, and it goes with them. `job_id` made it. `tried_at` is written before its message is sent.
    """

    __tablename__ = "listening_clip"
    __table_args__ = NEVER_REUSED
    id: int | None = Field(default=None, primary_key=True)
    test_id: int = Field(foreign_key="listening_test.id", index=True)
    position: int
    role: ClipRole = choice(ClipRole)
    owner_id: int | None = snowflake(default=None, index=True)
    model: str = ""
    job_id: str | None = Field(default=None, index=True)
    source_key: str | None = None
    media_key: str | None = None
    message_id: int | None = snowflake(default=None, index=True)
    tried_at: float | None = None

    @property
    def name(self) -> str:
        """All that raters learn of it."""
        return f"clip-{self.position:02d}"


class ListeningVote(SQLModel, table=True):
    """What a member said of a clip (1…5); the newest counts.

    `lying` are the reactions behind votes that are counted and were not seen to be removed yet.
    """

    __tablename__ = "listening_vote"
    clip_id: int = Field(foreign_key="listening_clip.id", primary_key=True)
    rater_id: int = snowflake(primary_key=True, index=True)
    value: int
    at: float = Field(default_factory=now)
    lying: list[int] = document(list)


class ListeningConsent(SQLModel, table=True):
    """Whether a member's covers and samples may be used in a server's listening tests; they were asked once."""

    __tablename__ = "listening_consent"
    user_id: int = snowflake(primary_key=True)
    guild_id: int = snowflake(primary_key=True)
    agreed: bool
    at: float = Field(default_factory=now)
