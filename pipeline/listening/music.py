"""Whether music sounds behind a voice: steady tones that are none of the voice's.

An instrument holds a tone, and its partials stay where they are. A voice glides, and where it holds a note, what stays
are harmonics of the pitch that is heard. So steady tones off those harmonics are somebody else's. What sounds all the
time at one frequency, like the whine of a computer, is no music. No separator is needed: Spleeter's accompaniment told
no more, at twenty times the cost.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft
from scipy.ndimage import maximum_filter1d, minimum_filter1d

from models.pitch.trackers import SWIFT_HOP, VOICED_CONFIDENCE
from models.signal import SPEECH_RATE, Floats32
from pipeline import errors
from pipeline.sound.file_name import display_name

WINDOW, STEP = 2048, 512  # samples: 128 and 32 ms
BANDS = slice(12, 769)  # 94 to 6000 Hz
BIN = SPEECH_RATE / WINDOW  # Hz
BESIDE = 3
"""Bins, 23 Hz: where a tone that stays has ended, and one that glides has not."""
STANDS_OUT = 8.0
"""Times the amplitude beside it, on both sides."""
COMES_AND_GOES = 2.0
"""Times the median amplitude of its bin."""
HELD = 3
"""Frames in a row."""
NEAR_HERTZ, NEAR_SHARE = 12.0, 0.01
"""What is so near a harmonic is the voice's; the pitch may be off by the share."""
AROUND = (-2, -1, 0, 1, 2)
"""Frames whose pitch counts, too."""
FAINTEST = 3e-4
"""Of the power of the loudest quarter of the frames."""
PIECE_SECONDS = 30
MOST = 0.03
"""Chosen on half of the people and of the accompaniments. Of the others none of 316 voices alone is refused (77 people,
spoken and sung, in rooms, halls, noise, by telephone); music is found behind all of 246 voices at their level and 6 dB
below, behind 96 % at 10 dB, 89 % at 15, 61 % at 20. Clips of 13 s; of their first 4 s .6 % are refused, and 96 %, 91 %,
85 %, 67 % and 48 % found (of all). Drums and drones are not found. What both halves chose: docs/researchers.md."""


STRETCH_SECONDS = 8.0
MOST_OF_STRETCH = 0.1
"""Of any such part of a longer note. Music alone in minutes of voice has .26 and more, of voices none above .034."""


def music_share(wav: Floats32, f0: Floats32, confidence: Floats32) -> float:
    """In which share (0 to 1) of mono (samples,) at 16 kHz music sounds; its pitch is `PitchTrackers.voicing`'s."""
    return float(_moments(wav, f0, confidence).mean())


def check_music(wav: Floats32, f0: Floats32, confidence: Floats32, name: str) -> None:
    """Raise MusicBehind if music sounds behind the voice of a note, or before or after it; arguments: `music_share`."""
    heard = _moments(wav, f0, confidence)
    stretch = min(len(heard), round(STRETCH_SECONDS * SPEECH_RATE / STEP))
    counted = np.concatenate([[0], np.cumsum(heard)])
    most = float((counted[stretch:] - counted[:-stretch]).max()) / stretch
    if heard.mean() > MOST or most > MOST_OF_STRETCH:
        raise errors.MusicBehind(name=display_name(name))


def _moments(wav: Floats32, f0: Floats32, confidence: Floats32) -> NDArray[np.bool_]:
    """(T,) every STEP samples, at least one: whether music sounds; arguments as in `music_share`."""
    pitch = np.where(confidence >= VOICED_CONFIDENCE, f0, 0)[:: STEP // SWIFT_HOP]
    length = PIECE_SECONDS * SPEECH_RATE // STEP
    heard = [
        _music(wav[start * STEP : (start + length) * STEP], pitch[start : start + length])
        for start in range(0, max(1, len(wav) // STEP), length)
    ]
    return np.concatenate(heard)


def _music(wav: Floats32, pitch: Floats32) -> NDArray[np.bool_]:
    """(T,) frames of one piece in which a steady tone sounds that is no harmonic of `pitch`, (T,) or less, 0: none."""
    amplitude = _spectrum(wav)
    power = np.where(_steady(amplitude) & ~_own(pitch, len(amplitude)), amplitude**2, 0).sum(1)
    loudest = max(1, len(amplitude) // 4)
    return np.asarray(power > FAINTEST * np.sort((amplitude**2).sum(1))[-loudest:].mean())


def _spectrum(wav: Floats32) -> Floats32:
    """(samples,) → amplitudes (T, bins), a frame around every STEP samples."""
    padded = np.pad(wav, WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::STEP]
    spectrum = rfft(frames * np.hanning(WINDOW).astype(np.float32), axis=1)[:, BANDS]
    return np.asarray(np.abs(spectrum), np.float32)


def _steady(amplitude: Floats32) -> NDArray[np.bool_]:
    """(T, bins) where a tone sounds that stays, and not for all the time."""
    wide = np.pad(amplitude, ((0, 0), (BESIDE, BESIDE)), constant_values=np.inf)
    beside = np.maximum(wide[:, : -2 * BESIDE], wide[:, 2 * BESIDE :])
    tone = amplitude >= maximum_filter1d(amplitude, 3, axis=1)
    tone &= amplitude > np.maximum(STANDS_OUT * beside, COMES_AND_GOES * np.median(amplitude, axis=0))
    stays = minimum_filter1d(maximum_filter1d(tone.astype(np.uint8), 3, axis=1), HELD, axis=0)
    return np.asarray(tone & (stays > 0))


def _own(pitch: Floats32, frames: int) -> NDArray[np.bool_]:
    """(frames, bins) where harmonics of the voice are."""
    hertz = (np.arange(BANDS.start, BANDS.stop) * BIN).astype(np.float32)
    own = np.zeros((frames, len(hertz)), np.bool_)
    padded = np.pad(pitch, (0, max(0, frames - len(pitch))))[:frames]
    for moved in AROUND:
        at = np.clip(np.arange(frames) + moved, 0, frames - 1)
        voiced = np.flatnonzero(padded[at])
        ratio = hertz / padded[at][voiced, None]
        off = np.abs(ratio - np.round(ratio)) * padded[at][voiced, None]
        own[voiced] |= (off < NEAR_HERTZ + NEAR_SHARE * hertz) & (ratio > 0.7)
    return own
