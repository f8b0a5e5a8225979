"""The tables. Times are seconds since the epoch (UTC); ids of people and places are Discord's.

An id is never used twice, not even after its row is gone: cards and messages outlive rows.
"""

import time
import uuid
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Enum, Index, UniqueConstraint
from sqlmodel import Field, SQLModel


class JobKind(StrEnum):
    """What a member can request; the last one is for moderators."""

    MATCH = "match"
    TRAIN = "train"
    COVER = "cover"
    LIBRARY = "library"


class JobState(StrEnum):
    """Where a job is. `store.jobs.MOVES` has the transitions that exist."""

    ACCEPTED = "accepted"
    QUEUED = "queued"
    LEASED = "leased"
    RUNNING = "running"
    RENDERED = "rendered"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    UNDELIVERABLE = "undeliverable"


class Lane(StrEnum):
    """What is over in seconds does not wait for what takes minutes."""

    QUICK = "quick"
    HEAVY = "heavy"


class VoiceState(StrEnum):
    """A voice waits for consent and a worker, trains, and is then ready or failed."""

    TRAINING = "training"
    READY = "ready"
    FAILED = "failed"


class OutboxState(StrEnum):
    """A message is pending until Discord has accepted it, or failed for good."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


class NoteState(StrEnum):
    """A note of a basket waits to be heard by a worker; it is then good to train on, or refused with a sentence."""

    WAITING = "waiting"
    GOOD = "good"
    REFUSED = "refused"


OPERATOR = 0
"""The user id of jobs requested on the command line."""
FOR_ALL = 0
"""The guild id of songs and singers that every server has: what ships, and what the operator adds."""
NEVER_REUSED = {"sqlite_autoincrement": True}


def now() -> float:
    """Seconds since the epoch."""
    return time.time()


def new_id() -> str:
    """A fresh 32-digit hexadecimal id."""
    return uuid.uuid4().hex


def snowflake(**options: Any) -> Any:
    """A column for a Discord id (64 bits)."""
    return Field(sa_type=BigInteger, **options)


def choice(kind: type[StrEnum], **options: Any) -> Any:
    """A column that stores an enum's value as text."""
    column = Enum(kind, native_enum=False, length=16, values_callable=lambda e: [m.value for m in e])
    return Field(sa_type=column, **options)


def document(default: type[Any]) -> Any:
    """A JSON column."""
    return Field(default_factory=default, sa_column=Column(JSON, nullable=False))


class GuildSetting(SQLModel, table=True):
    """A guild's choices; a guild without a row has the defaults. Without a locale every member reads their own."""

    __tablename__ = "guild_setting"
    guild_id: int = snowflake(primary_key=True)
    locale: str | None = None
    moderator_role_id: int | None = snowflake(default=None)
    staff_channel_id: int | None = snowflake(default=None)
    listening_tests: bool = True
    max_active_jobs: int = 3
    keep_days: int | None = None
    """After how many days notes, songs and results go; None: when the operator has them go, and never later."""


class Consent(SQLModel, table=True):
    """A member's declaration that a voice is theirs and may be trained on."""

    __tablename__ = "consent"
    __table_args__ = NEVER_REUSED
    id: int | None = Field(default=None, primary_key=True)
    user_id: int = snowflake(index=True)
    guild_id: int | None = snowflake(default=None)
    policy_version: str
    phrase: str
    clip_hash: str
    speaker_score: float | None = None
    granted_at: float = Field(default_factory=now)
    revoked_at: float | None = None


class Clip(SQLModel, table=True):
    """One voice note. Nothing writes its seconds, level (dB) and signal-to-noise ratio (dB) yet."""

    __tablename__ = "clip"
    __table_args__ = NEVER_REUSED
    id: int | None = Field(default=None, primary_key=True)
    user_id: int = snowflake(index=True)
    guild_id: int | None = snowflake(default=None)
    job_id: str | None = Field(default=None, foreign_key="job.id", index=True)
    media_key: str = Field(index=True)
    name: str
    bytes: int
    source: str
    seconds: float | None = None
    level_db: float | None = None
    snr_db: float | None = None
    created_at: float = Field(default_factory=now)
    expires_at: float = Field(index=True)


class BasketNote(SQLModel, table=True):
    """A recording that a member keeps for trainings: no training that fails or is declined takes it away.

    `seconds` of voice and the `embedding` (256) of who speaks, by `model`, are a worker's; `tries` counts the children
    that ended while they heard it. In one that `reads_for` a training its sentence is read aloud.
    """

    __tablename__ = "basket_note"
    __table_args__ = (UniqueConstraint("user_id", "media_key", name="uq_basket_note_user_media"), NEVER_REUSED)
    id: int | None = Field(default=None, primary_key=True)
    user_id: int = snowflake(index=True)
    guild_id: int | None = snowflake(default=None)
    media_key: str = Field(index=True)
    name: str
    bytes: int
    source: str
    state: NoteState = choice(NoteState, default=NoteState.WAITING, index=True)
    seconds: float = 0.0
    embedding: list[float] = document(list)
    model: str = ""
    tries: int = 0
    error_code: str | None = None
    error_params: dict[str, Any] = document(dict)
    error_sentence: str | None = None
    reads_for: str | None = None
    created_at: float = Field(default_factory=now)
    expires_at: float = Field(index=True)


class Singer(SQLModel, table=True):
    """A voice of a guild's library that members are compared with, as one model embedded it."""

    __tablename__ = "singer"
    __table_args__ = (
        UniqueConstraint("name", "embedding_model", "guild_id", name="uq_singer_name_model_guild"),
        NEVER_REUSED,
    )
    id: int | None = Field(default=None, primary_key=True)
    name: str
    source: str = ""
    licence: str = ""
    embedding_model: str
    embeddings_key: str
    clips: int
    guild_id: int = snowflake(default=FOR_ALL)
    created_at: float = Field(default_factory=now)


class Song(SQLModel, table=True):
    """A song of a guild's library."""

    __tablename__ = "song"
    __table_args__ = NEVER_REUSED
    id: int | None = Field(default=None, primary_key=True)
    title: str = Field(index=True)
    singer: str = ""
    licence: str = ""
    media_key: str
    seconds: float | None = None
    added_by: int = snowflake(default=0)
    guild_id: int = snowflake(default=FOR_ALL, index=True)
    created_at: float = Field(default_factory=now)


class Voice(SQLModel, table=True):
    """A trained voice; private to its owner."""

    __tablename__ = "voice"
    __table_args__ = (UniqueConstraint("owner_id", "name"), NEVER_REUSED)
    id: int | None = Field(default=None, primary_key=True)
    owner_id: int = snowflake(index=True)
    guild_id: int | None = snowflake(default=None)
    consent_id: int | None = Field(default=None, foreign_key="consent.id")
    job_id: str | None = Field(default=None, index=True)
    next_job_id: str | None = Field(default=None, index=True)
    """The training that will take the place of what it sings with now."""
    name: str
    state: VoiceState = choice(VoiceState, default=VoiceState.TRAINING)
    model_key: str | None = None
    index_key: str | None = None
    quality: dict[str, Any] = document(dict)
    created_at: float = Field(default_factory=now)


class Job(SQLModel, table=True):
    """One piece of work.

    The submitter sets kind, user, place, locale and params; everything below is set by transitions.
    """

    __tablename__ = "job"
    __table_args__ = (
        Index("ix_job_line", "state", "lane", "turn", "queued_at", "id", "user_id"),
        Index("ix_job_queued", "state", "queued_at"),
        Index("ix_job_took", "kind", "lane", "ended_at"),
    )
    id: str = Field(default_factory=new_id, primary_key=True)
    kind: JobKind = choice(JobKind)
    user_id: int = snowflake(index=True)
    guild_id: int | None = snowflake(default=None)
    channel_id: int | None = snowflake(default=None)
    locale: str = "en"
    params: dict[str, Any] = document(dict)

    state: JobState = choice(JobState, default=JobState.ACCEPTED)
    lane: Lane = choice(Lane, default=Lane.HEAVY)
    turn: int = 0
    """When its member's turn comes in this lane; `store.line` says how."""
    attempt: int = 0
    losses: int = 0
    """Attempts that ended because a worker died, or hung."""
    lease_owner: str | None = None
    lease_until: float | None = Field(default=None, index=True)
    """A job that is rendered keeps its lease while its worker measures it."""
    to_add_since: float | None = Field(default=None, index=True)
    """When the worker that was measuring it stopped or died; another one goes on."""
    worked: float = 0.0
    """Seconds in which earlier attempts worked, and in which something was added to its result."""
    cancel_requested: bool = False
    stage: str | None = None
    progress: float = 0.0
    seconds_left: float | None = None
    result: dict[str, Any] = document(dict)
    error_code: str | None = None
    error_params: dict[str, Any] = document(dict)
    error_sentence: str | None = None
    rating: int | None = None
    """What its member thinks of it, 1 to 5."""
    reply_token: str | None = None
    reply_until: float | None = Field(default=None, index=True)
    """Until when the token edits the member's private card (`store.replies`)."""
    created_at: float = Field(default_factory=now)
    queued_at: float | None = None
    """With lane and turn its place in line; it keeps them when it is given back."""
    requeued_at: float | None = None
    """When it was last given back."""
    started_at: float | None = None
    ended_at: float | None = Field(default=None, index=True)

    @property
    def being_measured(self) -> bool:
        """Whether it has its result, and a worker still measures that, or is to go on with it."""
        leased = self.lease_until is not None and now() < self.lease_until
        return self.ended_at is not None and (leased or self.to_add_since is not None)

    @property
    def gives_way(self) -> bool:
        """Whether it stops for a quick job and goes on afterwards, where it was."""
        return self.kind is JobKind.TRAIN and self.lane is Lane.HEAVY and self.user_id != OPERATOR


class Outbox(SQLModel, table=True):
    """A message that waits for delivery, written in one transaction with the end of its job; one a job.

    `sent_channel_id` and `tried_at` (the first try that was not looked for) are written before a try, `message_id` and
    `sent_at` after Discord has accepted it. A message that is the job's private card has neither channel nor id.
    `channel_id` is where the job was requested. `lease_owner` is the bot that sends it now, until `lease_until`.
    A file has a `key` and a `name`; one with a `part` is kept beside the message, and not sent with it.
    `tries` counts refusals, `waited` the seconds that it has waited for a Discord that was out of reach.
    """

    __tablename__ = "outbox"
    __table_args__ = NEVER_REUSED
    id: int | None = Field(default=None, primary_key=True)
    job_id: str = Field(foreign_key="job.id", index=True)
    state: OutboxState = choice(OutboxState, default=OutboxState.PENDING, index=True)
    user_id: int = snowflake(index=True)
    channel_id: int | None = snowflake(default=None)
    files: list[dict[str, str]] = document(list)
    tries: int = 0
    waited: float = 0.0
    next_try_at: float = 0.0
    lease_owner: str | None = None
    lease_until: float | None = None
    tried_at: float | None = None
    sent_channel_id: int | None = snowflake(default=None)
    message_id: int | None = snowflake(default=None)
    created_at: float = Field(default_factory=now)
    sent_at: float | None = Field(default=None, index=True)


class Shown(SQLModel, table=True):
    """A message that Discord still shows although its job has left the database, or a card of an earlier version.

    It goes with its member or voice.
    """

    __tablename__ = "shown"
    message_id: int = snowflake(primary_key=True)
    channel_id: int = snowflake()
    job_id: str = Field(index=True)
    user_id: int = snowflake(index=True)


class Deletion(SQLModel, table=True):
    """A message that Discord still shows and that has to go; whose it was is not kept.

    Without `message_id` it is not known whether it was sent: what names the job in this channel since then has to go.
    With `reply_token` it is the private card that this token still deletes.
    """

    __tablename__ = "deletion"
    __table_args__ = NEVER_REUSED
    id: int | None = Field(default=None, primary_key=True)
    job_id: str
    channel_id: int = snowflake()
    message_id: int | None = snowflake(default=None)
    reply_token: str | None = None
    since: float = 0.0
    waited: float = 0.0
    next_try_at: float = 0.0


class SignOfLife(SQLModel, table=True):
    """A process of the service, when it was seen last (a planned end takes its row along), and what a worker can."""

    __tablename__ = "sign_of_life"
    process: str = Field(primary_key=True)
    role: str
    seen_at: float
    lanes: list[str] = document(list)
    models: list[str] = document(list)
    device: str = ""
    memory_gb: float = 0.0


class Audit(SQLModel, table=True):
    """Who did what, and why. Append only, but for a forgotten member's own acts; contains no sound and no names."""

    __tablename__ = "audit"
    __table_args__ = NEVER_REUSED
    id: int | None = Field(default=None, primary_key=True)
    at: float = Field(default_factory=now)
    user_id: int = snowflake(index=True)
    guild_id: int | None = snowflake(default=None)
    action: str
    subject: str = ""
    reason: str = ""
