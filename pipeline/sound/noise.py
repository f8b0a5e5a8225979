"""How far a voice stands out of the noise of its recording, and whether that is enough to learn from.

The noise is what remains at the quietest places: pauses, and the gaps between the harmonics of a held note. So a
note sung without a pause counts as clean, which the level of its pauses (`Levels.snr_db`) would not show.
"""

from itertools import pairwise

import numpy as np
from scipy.fft import rfft

from models.signal import Floats32
from pipeline import errors
from pipeline.sound.file_name import display_name

NEEDED_DB = 16.0
FRAME, STEP = 0.064, 0.032  # s
MOST_FRAMES = 4000  # of a long note, spread evenly
BANDS = (100, 400, 700, 1000, 1400, 1900, 2500, 3200, 4200, 5600, 7600)  # Hz; each holds gaps between harmonics
QUIETEST = 0.1
OF_MEAN = -np.log(1 - QUIETEST)  # that quantile of the power of Gaussian noise, as a share of its mean
ACTIVE = 1e-3  # of the power that half a second exceeds: within 30 dB
NOISE_DB = 3.0  # white, pink and brown noise and a fan have -17 to -2
JUDGED_FROM = 3.0  # s; a shorter note may be a single held tone


def signal_to_noise(audio: Floats32, rate: int) -> float:
    """Power of the voice over power of the noise, in dB, of mono `audio` (samples,), 100 to 7600 Hz.

    White noise of 0 to 10 dB is measured within 2 dB; less of it, and what comes and goes, less exactly.
    """
    size = round(FRAME * rate)
    step = max(round(STEP * rate), len(audio) // MOST_FRAMES)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(audio, (0, max(0, size - len(audio)))), size)[::step]
    power = np.abs(rfft(frames * np.hanning(size).astype(np.float32), axis=1)).astype(np.float32) ** 2
    edges = [round(hertz * size / rate) for hertz in BANDS]
    whole = power[:, edges[0] : edges[-1]].sum(1)
    loudest = min(len(whole), max(1, round(0.5 * rate / step)))
    active = whole >= ACTIVE * np.partition(whole, len(whole) - loudest)[len(whole) - loudest]
    noise = 0.0
    for low, high in pairwise(edges):
        band = power[:, low:high]
        quiet = band.size // round(1 / QUIETEST)
        floor = float(np.partition(band, quiet, axis=None)[quiet]) / OF_MEAN * (high - low)
        noise += min(floor, float(band[active].sum(1).mean()))
    voice = float(whole[active].mean())
    tiny = 1e-12 * max(voice, 1e-12)
    return float(10 * np.log10(max(voice - noise, tiny) / max(noise, tiny)))


def is_noise(audio: Floats32, rate: int) -> bool:
    """Whether hardly anything stands out of the noise of a recording in which no voice was heard."""
    return signal_to_noise(audio, rate) < NOISE_DB


def check_noise(audio: Floats32, rate: int, name: str) -> None:
    """Raise Noisy if the voice of a note is less than 16 dB above its noise.

    Measured through Opus on real notes, spoken and sung: clean ones have 19 dB and more (the least: held notes, one
    after the other without a pause). At 5 dB, white noise reads at most 6 dB, a crowd 8 to 16 (median 12), music 9 to
    17 (median 13); at 20 dB their medians are 19, 22 and 23.
    """
    if len(audio) < JUDGED_FROM * rate:
        return
    ratio = signal_to_noise(audio, rate)
    if ratio < NEEDED_DB:
        raise errors.Noisy(name=display_name(name), found=ratio, needed=NEEDED_DB)
