"""What this program writes is its user's alone, and no library of it reports to its maker."""

import os

OTHERS = 0o077
"""The rights of everybody else."""


def private_files() -> None:
    """From now on the files that this process and its children make are their user's alone."""
    os.umask(OTHERS)


def no_telemetry() -> None:
    """From now on what this process and its children load reports nothing, unless the environment says otherwise.

    ONNX Runtime's wheels for Linux and macOS write down each process, its models and how long they ran, under an id of
    the machine, and send that to Microsoft (its Privacy.md). It is asked before the library is loaded.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
