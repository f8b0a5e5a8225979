"""The messages between a worker and its child process: a task goes in, messages come out.

A task carries paths and numbers, no rows of the database. A child replies with any number of `Plan` and `Progress`,
then with one `Done`, `Refused`, `Broken` or `GaveWay`; what a job's member can hear before that comes as `Preview`.
It replies with `Missing` if it cannot work at all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from store.results import CoverResult, Result


@dataclass(frozen=True)
class NoteFile:
    """A voice note, and its name as the member sent it."""

    path: Path
    name: str


@dataclass(frozen=True)
class SingerFile:
    """A singer of the library: a file of embeddings, and the id of the model that embedded them."""

    name: str
    path: Path
    model: str


@dataclass(frozen=True)
class LibrarySong:
    """A song of the library as `model` heard it, and how much the member may like it (0…1), and why."""

    song_id: int
    title: str
    singer: str
    notes: Mapping[int, float]
    embedding: tuple[float, ...]
    model: str
    taste: float
    liked: str = ""
    key: str = ""


@dataclass(frozen=True)
class MatchTask:
    """Compare the notes with the singers, and suggest songs; `language` is that of the picture's words, as below."""

    notes: tuple[NoteFile, ...]
    singers: tuple[SingerFile, ...]
    songs: tuple[LibrarySong, ...]
    out: Path
    language: str = "en"


@dataclass(frozen=True)
class TrainTask:
    """Train a voice on the notes, for so many seconds; `work` keeps the checkpoint. `steps` None: no limit of steps.

    From this base of the catalogue, "" from the one that was selected.
    """

    notes: tuple[NoteFile, ...]
    seconds: float
    steps: int | None
    work: Path
    out: Path
    language: str = "en"
    base: str = ""


@dataclass(frozen=True)
class InstantTask:
    """Make a voice of one speaker's notes, without training."""

    notes: tuple[NoteFile, ...]
    out: Path


@dataclass(frozen=True)
class CoverTask:
    """Convert the song's vocals to the voice; `cache` is the song's folder of stems.

    `key_shift`, `vocal_level`, `max_bytes` and `vocals_only` are those of CoverParams; `instrumental` is the file that
    was given.
    `separator` is one by name, "" the one that was selected.
    """

    song: Path
    song_name: str
    voice_name: str
    model: Path
    index: Path
    cache: Path
    out: Path
    key_shift: int | None
    max_bytes: int | None
    vocals_only: bool = False
    instrumental: Path | None = None
    instrumental_name: str = ""
    vocal_level: int = 0
    language: str = "en"
    preview: bool = False
    """Whether anybody is there to hear a preview."""
    parts: bool = False
    """Whether anybody may ask for its vocals, its instrumental or a voice message."""
    separator: str = ""
    made: CoverResult | None = None
    """What is known of the cover if its member has it already: what is missing is added to that."""
    there: frozenset[str] = frozenset()
    """The roles of its parts that are there already."""


@dataclass(frozen=True)
class EmbedTask:
    """Embed a singer's clips."""

    clips: tuple[Path, ...]
    out: Path


@dataclass(frozen=True)
class ListenTask:
    """Hear what a song of the library asks of a voice; `cache` is the song's folder of stems."""

    song: Path
    name: str
    cache: Path


@dataclass(frozen=True)
class MusicTask:
    """Hear the key and the tempo of a song of the library, whose vocals were heard before."""

    song: Path
    name: str


@dataclass(frozen=True)
class SpeakerOfNote:
    """Who speaks in a note, as `model` embedded them."""

    embedding: tuple[float, ...]
    model: str


@dataclass(frozen=True)
class OwnNoteTask:
    """Hear whether a note can be trained on; `others` are those of the same member.

    In a reading a `sentence` is read aloud, and its speaker is compared with each of the others.
    """

    note: NoteFile
    others: tuple[SpeakerOfNote, ...]
    sentence: str = ""


@dataclass(frozen=True)
class SentSong:
    """A song that moderators add; `cache` is its folder of stems."""

    path: Path
    name: str
    cache: Path


@dataclass(frozen=True)
class LibraryTask:
    """Hear the songs that are added to a server's library: one song, or those of a singer.

    `separator` as in CoverTask.
    """

    songs: tuple[SentSong, ...]
    out: Path
    separator: str = ""


@dataclass(frozen=True)
class ListeningSource:
    """A recording that raters of a listening test hear, by its clip's id; an anchor is made worse on purpose."""

    clip_id: int
    path: Path
    name: str
    anchor: bool


@dataclass(frozen=True)
class RatedClipsTask:
    """Make the clips of a listening test: short, equally loud; `seed` fixes the anchors' noise."""

    sources: tuple[ListeningSource, ...]
    seed: int
    out: Path


@dataclass(frozen=True)
class ReadyTask:
    """Report the device and the singer model that the child runs on.

    `able`: what it could use as well; and load what every task needs first, so that none waits for it.
    """

    able: bool = True


@dataclass(frozen=True)
class RestTask:
    """Add to a job's result what can follow it: the `rest` of its outcome."""

    rest: bytes


JobTask = MatchTask | TrainTask | InstantTask | CoverTask | LibraryTask
Task = JobTask | RestTask | EmbedTask | ListenTask | MusicTask | OwnNoteTask | RatedClipsTask | ReadyTask


@dataclass(frozen=True)
class JobOutcome:
    """A job's result, and the files that were written, by role.

    Its member can have it, even if a `rest` is left that adds to it: as the child packed it for a RestTask.
    """

    result: Result
    files: Mapping[str, Path]
    rest: bytes = b""


@dataclass(frozen=True)
class Embedded:
    """A file of a singer's embeddings, the number of its clips, and the id of the model that embedded them."""

    embeddings: Path
    clips: int
    model: str


@dataclass(frozen=True)
class HeardMusic:
    """A song's key, as singers write it, and its tempo in beats a minute; "" and None where it is not clear."""

    key: str = ""
    tempo: float | None = None


@dataclass(frozen=True)
class HeardSong:
    """The seconds for which a song holds each note, its singer's embedding by `model`, and its seconds with a pitch."""

    notes: Mapping[int, float]
    embedding: tuple[float, ...]
    seconds: float
    model: str
    music: HeardMusic = HeardMusic()


@dataclass(frozen=True)
class HeardNote:
    """A note that can be trained on: its seconds of voice, and who speaks.

    Of a reading `likeness` is the cosine with each of the others, None with those that another model embedded, and
    `strangers` are the places of those in which somebody else speaks.
    """

    seconds: float
    speaker: SpeakerOfNote
    likeness: tuple[float | None, ...] = ()
    strangers: tuple[int, ...] = ()


@dataclass(frozen=True)
class RatedClips:
    """The clips of a listening test, by id."""

    clips: Mapping[int, Path]


@dataclass(frozen=True)
class Ready:
    """The device in words, the id of the model that compares singers, and the base of voices that are not trained.

    And which models of the catalogue it can use, the memory of its device, and about what a job takes of it (GB).
    """

    device: str
    singer_model: str
    instant_base: str = ""
    models: tuple[str, ...] = ()
    memory_gb: float = 0.0
    job_gb: float = 1.0


Outcome = JobOutcome | Embedded | HeardMusic | HeardNote | HeardSong | RatedClips | Ready


@dataclass(frozen=True)
class Plan:
    """Expected seconds of each stage, in their order."""

    stages: dict[str, float]


@dataclass(frozen=True)
class Progress:
    """The fraction of a stage that is done, 0…1, and the bytes that the child holds of a GPU's memory."""

    stage: str
    fraction: float
    gpu_bytes: int = 0


@dataclass(frozen=True)
class Preview:
    """A file that can be heard before the job's result is there."""

    path: Path


@dataclass(frozen=True)
class Done:
    """The task is done."""

    outcome: Outcome


@dataclass(frozen=True)
class Refused:
    """The task cannot be done: an error with its sentence for the reader."""

    code: str
    params: dict[str, Any]
    sentence: str


@dataclass(frozen=True)
class Broken:
    """The task raised an unexpected exception."""

    traceback: str


@dataclass(frozen=True)
class GiveWay:
    """To the child: stop what runs at its next report, and keep what can be kept of it."""


@dataclass(frozen=True)
class GaveWay:
    """The task has stopped because it was asked to."""


@dataclass(frozen=True)
class Missing:
    """The child lacks the device or the weights that the settings ask for."""

    sentence: str


Report = Plan | Progress
End = Done | Refused | Broken | GaveWay
Tell = Callable[[Preview], None]
"""Called with what the member of a job can hear before its end."""
Message = Report | Preview | End | Missing
