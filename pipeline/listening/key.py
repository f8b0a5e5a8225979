"""The key that music is in, from which notes sound how strongly.

The twelve notes are compared with the major and minor profiles of Albrecht and Shanahan, "The use of large corpora to
train a new type of key-finding algorithm", Music Perception 2013. They name the final, where the older ones of
Krumhansl and Kessler (1982) often name the fifth above it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.signal import Floats32, Floats64

RATE = 22_050
"""Hz."""
FRAME = 8192  # 0.37 s
HOP = FRAME // 4
LOW, HIGH = 50.0, 3000.0  # Hz
MIDDLE, WIDTH = 330.0, 0.7
"""Hz, and octaves: where notes count most. Without a sharp edge, so that a song that is moved loses none at it."""
FINE = 10
"""Steps of a semitone: enough to hear how an instrument is tuned."""
SOUNDS = 1e-3
"""A frame's magnitude, as a share of the loudest one's; what is softer counts for nothing."""
LEAST_TUNED = 0.1
"""How far all that sounds agrees on one tuning, 0…1: noise and speech have at most 0.05, music 0.2 and more."""
LEAST_LIKENESS = 0.65
LEAST_LEAD = 0.05
"""Of the best profile's correlation, and by how much it is above that of the second."""

MAJOR = (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081)
MINOR = (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052)
MAJOR_NAMES = ("C", "D♭", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
MINOR_NAMES = ("Cm", "C♯m", "Dm", "E♭m", "Em", "Fm", "F♯m", "Gm", "G♯m", "Am", "B♭m", "Bm")


@dataclass(frozen=True)
class Key:
    """A key: its final as a pitch class (0 is C), and whether it is minor."""

    final: int
    minor: bool

    @property
    def name(self) -> str:
        """As singers everywhere write it: "A" is A major, "Am" is A minor."""
        return (MINOR_NAMES if self.minor else MAJOR_NAMES)[self.final]

    def moved(self, semitones: int) -> "Key":
        """The same a few semitones higher."""
        return Key((self.final + semitones) % 12, self.minor)


def key_named(name: str) -> Key | None:
    """The key of that `name`; None if there is none."""
    for minor, names in ((False, MAJOR_NAMES), (True, MINOR_NAMES)):
        if name in names:
            return Key(names.index(name), minor)
    return None


def notes_heard(wav: Floats32) -> Floats64:
    """How strongly each tenth of a semitone sounds in any octave, (120,) from C on, of mono (samples,) at 22,050 Hz.

    Those of several pieces of a song add up.
    """
    heard = np.zeros(12 * FINE)
    if len(wav) < FRAME:
        return heard
    window = np.hanning(FRAME).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(wav, FRAME)[::HOP]
    first, last = (round(hertz * FRAME / RATE) for hertz in (LOW, HIGH))
    power = np.stack([np.abs(np.fft.rfft(frame * window)[first - 1 : last + 2]) ** 2 for frame in frames])
    hertz = np.arange(first - 1, last + 2) * RATE / FRAME
    power *= np.exp(-((np.log2(hertz / MIDDLE) / WIDTH) ** 2))
    level = np.sqrt(power.sum(1, keepdims=True))
    if not level.max():
        return heard
    below, peak, above = power[:, :-2], power[:, 1:-1], power[:, 2:]
    frame, place = np.nonzero((peak > below) & (peak >= above) & (level > SOUNDS * level.max()))
    below, peak, above = (np.log(np.maximum(side[frame, place], 1e-30)) for side in (below, peak, above))
    apart = np.clip((below - above) / np.minimum(2 * (below - 2 * peak + above), -1e-9), -0.5, 0.5)
    notes = 69 + 12 * np.log2((first + place + apart) * RATE / FRAME / 440)
    np.add.at(heard, np.round(notes * FINE).astype(int) % (12 * FINE), np.exp(peak / 2) / level[frame, 0])
    return heard


def key_of(heard: Floats64) -> Key | None:
    """The key of a song, from what `notes_heard` tells of it; None if it is not clear, or nothing has a pitch."""
    turns = np.exp(2j * np.pi * np.arange(12 * FINE) / FINE)
    tuning = (heard * turns).sum()
    if not heard.sum() or abs(tuning) < LEAST_TUNED * heard.sum():
        return None
    off = round(float(np.angle(tuning)) / (2 * np.pi) * FINE)
    notes = np.roll(heard, FINE // 2 - off).reshape(12, FINE).sum(1)
    keys = [Key(final, minor) for minor in (False, True) for final in range(12)]
    likeness = np.array([_likeness(notes, key) for key in keys])
    second, best = (int(place) for place in np.argsort(likeness)[-2:])
    if likeness[best] < LEAST_LIKENESS or likeness[best] - likeness[second] < LEAST_LEAD:
        return None
    return keys[best]


def _likeness(notes: NDArray[np.float64], key: Key) -> float:
    profile = np.roll(MINOR if key.minor else MAJOR, key.final)
    return float(np.corrcoef(notes, profile)[0, 1])
