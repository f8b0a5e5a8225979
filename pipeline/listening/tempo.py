"""The tempo of music: beats a minute, where a beat is clear and stays.

The onsets' likeness to themselves tells about where the beat is, in steps of 3 to 6 beats a minute; their spectrum
tells it to 0.2 %, on half a minute of songs whose tempo is known. Half or double is as right for many songs, and is
what is confused.
"""

from collections.abc import Sequence

import numpy as np

from models.signal import Floats32, Floats64
from pipeline.listening.key import RATE
from pipeline.listening.onsets import ONSETS_A_SECOND, about_beats, onset_strength

PIECE_SECONDS = 30.0
LEAST_SECONDS = 8.0
LEAST_ONSET = 1.0  # dB: the steepest rise; a held tone has less
LEAST_SHARE = 0.3
"""Of all that comes and goes about as fast as the beat, what goes with it: music 0.46 and more, speech at most 0.15."""
AROUND = 0.06
STEPS = 241
SAME = 0.02


def beat_of(wav: Floats32) -> float | None:
    """Beats a minute of a piece of a song, mono (samples,) at 22,050 Hz, of 8 to 30 s; None if no beat is clear."""
    peak = float(np.abs(wav).max(initial=0.0))
    if len(wav) < LEAST_SECONDS * RATE or not peak:
        return None
    onsets = onset_strength(wav / peak)
    if onsets.max() < LEAST_ONSET:
        return None
    about = about_beats(onsets)
    onsets = (onsets - onsets.mean()) * np.hanning(len(onsets))
    beat = _exactly(onsets, about)
    return beat if _share(onsets, beat) >= LEAST_SHARE else None


def tempo_of(beats: Sequence[float | None]) -> float | None:
    """The tempo of a song from that of its pieces; None unless half of them have it, within 2 %."""
    clear = [beat for beat in beats if beat is not None]
    if not clear:
        return None
    middle = float(np.median(clear))
    near = [beat for beat in clear if abs(beat / middle - 1) <= SAME]
    return float(np.median(near)) if near and 2 * len(near) >= len(beats) else None


def _exactly(onsets: Floats64, about: float) -> float:
    """The beats a minute near `about` with which most onsets come, and those halfway."""
    beats = np.linspace(about * (1 - AROUND), about * (1 + AROUND), STEPS)
    turns = np.exp(-2j * np.pi * np.outer(beats / 60, np.arange(len(onsets)) / ONSETS_A_SECOND))
    return float(beats[(np.abs(turns @ onsets) + np.abs(turns**2 @ onsets)).argmax()])


def _share(onsets: Floats64, beat: float) -> float:
    """Of the onsets' power at 0.4 to 4.5 times the beat's frequency, what lies at one to four times it."""
    size = 4 * len(onsets)
    power = np.abs(np.fft.rfft(onsets, size)) ** 2
    beats = np.fft.rfftfreq(size, 1 / ONSETS_A_SECOND) * 60 / beat
    width = 2 * ONSETS_A_SECOND / len(onsets) * 60 / beat  # of a line of the window's spectrum, on each side
    band = (beats > 0.4) & (beats < 4.5)
    lines = band & (np.abs(beats - np.clip(np.round(beats), 1, 4)) <= width)
    return float(power[lines].sum() / power[band].sum())
