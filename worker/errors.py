"""The errors of a worker's machine, each with the sentence for its operator.

WorkerError
├── ValkeyFailed    the embedded Valkey did not start
├── SingerRefused   a singer's clips cannot be used
├── NotHeard        a song of the library could not be listened to, and may be later
├── CannotRun       the machine lacks a device or weights that the settings ask for
├── ChildDied       the working process ended in the middle of a task
│   └── ChildStalled    it made no progress for long, and was killed
└── LeaseOver       the database could not be written until a job's lease had run out
"""

import logging

from files.disk import DiskFull
from pipeline.errors import EmptyLibrary, EncoderMissing, ModelUnusable, OutOfMemory
from store.errors import FileDamaged

log = logging.getLogger(__name__)

OPERATORS = frozenset(
    {EmptyLibrary.code, EncoderMissing.code, ModelUnusable.code, OutOfMemory.code, DiskFull.code, FileDamaged.code}
)
"""The codes of what ends a job or refuses a note, and only the operator can mend."""


def tell_operator(what: str, code: str, sentence: str) -> None:
    """Log why `what` could not be done, where that is for the operator: its member may read less of it."""
    if code in OPERATORS:
        log.error("%s: %s", what, sentence)


class WorkerError(Exception):
    """The message is for the operator."""


class ValkeyFailed(WorkerError):
    """The embedded Valkey did not start."""


class SingerRefused(WorkerError):
    """A singer's clips cannot be used."""


class NotHeard(WorkerError):
    """A song of the library could not be listened to, and may be later."""


class CannotRun(WorkerError):
    """The machine lacks a device or weights that the settings ask for."""


class ChildDied(WorkerError):
    """The working process ended in the middle of a task."""


class ChildStalled(ChildDied):
    """The working process made no progress for long, and was killed."""


class LeaseOver(WorkerError):
    """The database could not be written until a job's lease had run out."""
