"""What this program writes is its user's alone."""

import os

OTHERS = 0o077
"""The rights of everybody else."""


def private_files() -> None:
    """From now on the files that this process and its children make are their user's alone."""
    os.umask(OTHERS)
