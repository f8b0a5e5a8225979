"""How long a song is before it is worked on, and how much memory the child took for a job."""

import resource
from dataclasses import replace
from pathlib import Path

from pipeline.sound.decode import SONG, probe
from worker.messages import JobOutcome

UNKNOWN_SONG_SECONDS = 180.0


def song_seconds(song: Path, name: str) -> float:
    """How long a song says that it is, or a guess. Raises SoundError: it is none."""
    return probe(song, SONG, name).seconds or UNKNOWN_SONG_SECONDS


def with_memory(outcome: JobOutcome) -> JobOutcome:
    """The same with the most memory that this process has had, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return replace(outcome, result=replace(outcome.result, peak_memory_mb=peak))
