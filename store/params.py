"""What a job was requested with: the JSON of `job.params`, one dataclass for each kind of job.

Rows of every age can be read: a missing field has its default, an unknown one is ignored.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, TypeVar

from store.tables import Job, JobKind

SONG_KEY = "song_key"
INSTRUMENTAL_KEY = "instrumental_key"
UPLOADS = (SONG_KEY, INSTRUMENTAL_KEY)
Params = TypeVar("Params", bound="JobParams")


@dataclass(frozen=True)
class MatchParams:
    """A match has no parameters but its clips."""

    def to_json(self) -> dict[str, Any]:
        """The JSON of `job.params`."""
        return {}


@dataclass(frozen=True)
class TrainParams:
    """Which voice is trained, and for how long at most; None leaves it to the worker's settings.

    An `instant` voice is not trained: it sings in seconds. Its member reads the `sentence` aloud before it begins;
    notes in which somebody else speaks are `left_out`, by their names.
    """

    voice_id: int = 0
    voice_name: str = ""
    train_seconds: float | None = None
    train_steps: int | None = None
    instant: bool = False
    sentence: str = ""
    left_out: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """The JSON of `job.params`."""
        limits = {"train_seconds": self.train_seconds, "train_steps": self.train_steps}
        voice = {"voice_id": self.voice_id, "voice_name": self.voice_name}
        instant = {"instant": True} if self.instant else {}
        read: dict[str, Any] = {"sentence": self.sentence} if self.sentence else {}
        read |= {"left_out": list(self.left_out)} if self.left_out else {}
        return voice | instant | read | {name: limit for name, limit in limits.items() if limit is not None}


@dataclass(frozen=True)
class CoverParams:
    """Which voice sings which song: an uploaded file (`song_key`) or a song of the library (`song_id`).

    `key_shift` is in semitones; None lets the worker choose the octave that suits the voice. `vocal_level` is in dB:
    how much louder the vocals are than in the song, against the instrumental. `max_bytes` limits the size of the file
    that is delivered; None is no limit. With `vocals_only` the song is vocals already;
    `instrumental_key` is an uploaded file that the vocals are mixed with. `free_voice`: everybody may sing with it.
    """

    song_name: str = ""
    voice_id: int = 0
    voice_name: str = ""
    song_key: str | None = None
    song_id: int | None = None
    key_shift: int | None = None
    vocal_level: int = 0
    max_bytes: int | None = None
    vocals_only: bool = False
    instrumental_key: str | None = None
    instrumental_name: str = ""
    free_voice: bool = False

    def to_json(self) -> dict[str, Any]:
        """The JSON of `job.params`."""
        source = {SONG_KEY: self.song_key} if self.song_key else {"song_id": self.song_id}
        given = {INSTRUMENTAL_KEY: self.instrumental_key, "instrumental_name": self.instrumental_name}
        return {
            **source,
            "song_name": self.song_name,
            "voice_id": self.voice_id,
            "voice_name": self.voice_name,
            "key_shift": self.key_shift,
            "max_bytes": self.max_bytes,
            **({"vocal_level": self.vocal_level} if self.vocal_level else {}),
            **({"vocals_only": True} if self.vocals_only else {}),
            **(given if self.instrumental_key else {}),
            **({"free_voice": True} if self.free_voice else {}),
        }


class LibraryEntry(StrEnum):
    """What moderators add to their server's library."""

    SONG = "song"
    SINGER = "singer"


@dataclass(frozen=True)
class LibraryParams:
    """What is added under which name, from the clips of the job; `singer` is that of a song."""

    entry: LibraryEntry = LibraryEntry.SONG
    name: str = ""
    singer: str = ""
    licence: str = ""

    def to_json(self) -> dict[str, Any]:
        """The JSON of `job.params`."""
        return {"entry": self.entry.value, "name": self.name, "singer": self.singer, "licence": self.licence}


JobParams = MatchParams | TrainParams | CoverParams | LibraryParams


def params_of(job: Job) -> JobParams:
    """What the job was requested with, by its kind."""
    match job.kind:
        case JobKind.MATCH:
            return MatchParams()
        case JobKind.TRAIN:
            return train_params(job)
        case JobKind.COVER:
            return cover_params(job)
        case JobKind.LIBRARY:
            return library_params(job)


def library_params(job: Job) -> LibraryParams:
    """What an addition to a server's library was requested with."""
    params = _read(LibraryParams, job)
    return replace(params, entry=LibraryEntry(params.entry))


def train_params(job: Job) -> TrainParams:
    """What a training was requested with."""
    return _read(TrainParams, job)


def cover_params(job: Job) -> CoverParams:
    """What a cover was requested with. After its retention an uploaded file has no key any more."""
    return _read(CoverParams, job)


def aim_of(job: Job) -> str:
    """What a job is for, as texts name it: its kind, `instant` for a voice that is not trained, `song` or `singer`."""
    params = params_of(job)
    if isinstance(params, LibraryParams):
        return params.entry.value
    return "instant" if isinstance(params, TrainParams) and params.instant else job.kind.value


def subject_of(job: Job) -> str:
    """What a job is about, for lists: the song's name, the voice's name, the singer's, or nothing."""
    params = params_of(job)
    if isinstance(params, LibraryParams):
        return params.name
    if isinstance(params, CoverParams):
        return params.song_name or params.voice_name
    return params.voice_name if isinstance(params, TrainParams) else ""


def uploads_of(job: Job) -> set[str]:
    """The media keys of the song and the instrumental that a member uploaded for this job."""
    return {key for name in UPLOADS if (key := job.params.get(name))}


def drop_uploads(job: Job) -> None:
    """Remove the keys of uploaded files from the row, so that they are no longer referenced."""
    job.params = {name: value for name, value in job.params.items() if name not in UPLOADS}


def _read(kind: type[Params], job: Job) -> Params:
    names = {field.name for field in fields(kind)}
    return kind(**{name: value for name, value in job.params.items() if name in names})
