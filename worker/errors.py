"""The errors of a worker's machine, each with the sentence for its operator.

WorkerError
├── ValkeyFailed    the embedded Valkey did not start
├── SingerRefused   a singer's clips cannot be used
├── CannotRun       the machine lacks a device or weights that the settings ask for
└── ChildDied       the working process ended in the middle of a task
"""


class WorkerError(Exception):
    """The message is for the operator."""


class ValkeyFailed(WorkerError):
    """The embedded Valkey did not start."""


class SingerRefused(WorkerError):
    """A singer's clips cannot be used."""


class CannotRun(WorkerError):
    """The machine lacks a device or weights that the settings ask for."""


class ChildDied(WorkerError):
    """The working process ended in the middle of a task."""
