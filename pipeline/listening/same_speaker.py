"""Whether all of somebody's notes are of one person.

Every four seconds become an embedding (models.speaker.resemblyzer). The windows are parted in two by average linkage,
odd single windows left aside; where the median cosine between the parts is below 0.62, they are two people. The median,
because a window in which one ends and the other begins is like both.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from models.signal import SPEECH_RATE, Floats32
from models.speaker.resemblyzer import SpeakerEncoder
from pipeline import errors
from pipeline.sound.file_name import display_name

WINDOW_SECONDS = 4
LEAST_SECONDS = 2
SAME_PERSON = 0.62
LEAST_WINDOWS = 2


def embed_windows(audio: Floats32, encoder: SpeakerEncoder) -> Floats32:
    """Mono (samples,) at 16 kHz → (windows, 256) unit vectors; windows without a voice are left out."""
    starts = range(0, max(1, len(audio) - LEAST_SECONDS * SPEECH_RATE + 1), WINDOW_SECONDS * SPEECH_RATE)
    pieces = [audio[start : start + WINDOW_SECONDS * SPEECH_RATE] for start in starts]
    vectors = [vector for vector in encoder.embed_each(pieces) if vector is not None]
    return np.stack(vectors) if vectors else np.zeros((0, 256), np.float32)


def check_one_speaker(windows: Sequence[Floats32], names: Sequence[str]) -> None:
    """Compare the windows (n, 256) of all notes; `names` are the notes'.

    Raises SeveralSpeakers (a note holds two people) and OtherSpeaker (whole notes are of somebody else than most).
    """
    person = _people(np.concatenate(list(windows)))
    parts = np.split(person, np.cumsum([len(w) for w in windows])[:-1])
    counts = np.array([[(part == 0).sum(), (part == 1).sum()] for part in parts])
    total = counts.sum(0)
    if not total.all():
        return
    for count, name in zip(counts, names, strict=True):
        second = int(count.min())
        if second >= LEAST_WINDOWS:
            raise errors.SeveralSpeakers(name=display_name(name), seconds=float(second * WINDOW_SECONDS))
    most = int(total.argmax())
    others = [display_name(name) for count, name in zip(counts, names, strict=True) if count.sum() > 2 * count[most]]
    if others:
        raise errors.OtherSpeaker(names=", ".join(others))


def _people(windows: Floats32) -> NDArray[np.int64]:
    """(n,) whose voice each window is, 0 or 1; -1 for windows that are like no other."""
    person = np.zeros(len(windows), np.int64)
    while (person == 0).sum() >= 2 * LEAST_WINDOWS:
        known = np.flatnonzero(person == 0)
        second = fcluster(linkage(windows[known], "average", metric="cosine"), 2, "maxclust") == 2
        one, other = known[~second], known[second]
        if not len(one) or not len(other):  # all are the same
            break
        if min(len(one), len(other)) >= LEAST_WINDOWS:
            between = float(np.median(windows[one] @ windows[other].T))
            person[other] = 1 if between < SAME_PERSON else 0
            return person
        person[min(one, other, key=len)] = -1
    return person
