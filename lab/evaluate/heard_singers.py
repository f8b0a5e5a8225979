"""Singers of a folder as `/match` hears them: an embedding and the pitch of every recording."""

from collections.abc import Sequence

import numpy as np

from lab.evaluate.loudest import loudest
from lab.evaluate.recommender import HeardSinger
from lab.evaluate.singer_folder import FolderSinger
from models.signal import SPEECH_RATE
from pipeline.listening.notes import read_voice
from pipeline.pool.model_pool import ModelPool
from pipeline.progress import Report, ignore

SECONDS = 20.0
"""The loudest of each recording: whole songs would only repeat themselves."""


def hear_singers(
    singers: Sequence[FolderSinger], most: int, models: ModelPool, report: Report = ignore
) -> dict[str, HeardSinger]:
    """At most so many recordings of each singer; those in which no voice is heard are left out.

    Raises what `read_voice` raises.
    """
    heard: dict[str, HeardSinger] = {}
    for number, singer in enumerate(singers):
        wavs = [loudest(read_voice(path, SPEECH_RATE, path.name), SECONDS) for path in singer.some(most)]
        embedded = [(wav, vector) for wav in wavs if (vector := models.singer.embed(wav)) is not None]
        if embedded:
            pitches = [models.pitch.voicing(wav) for wav, _ in embedded]
            heard[singer.name] = HeardSinger(np.stack([vector for _, vector in embedded]), pitches)
        report("listening", (number + 1) / len(singers))
    return heard
