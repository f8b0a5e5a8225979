"""What ships with the service, for commands that measure on it."""

from pathlib import Path


def shipped_voices() -> Path:
    """The folder of the voices that /match compares with until an operator adds others: one folder a voice."""
    from worker.library.seed import SHIPPED

    return SHIPPED
