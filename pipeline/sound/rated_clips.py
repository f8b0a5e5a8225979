"""The clips of a listening test: the loudest seconds of each recording, all equally loud and in one kind of file.

Raters judge loudness as quality, so all clips have one loudness (ITU-R BS.1770-4). The low anchor is the recording
without what is above 3.5 kHz (the anchor of ITU-R BS.1534-3), in white noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import butter, sosfilt, sosfiltfilt

from models.signal import MUSIC_RATE, Floats32
from pipeline import errors
from pipeline.progress import Report
from pipeline.sound.decode import SONG, Limits, decode_blocks
from pipeline.sound.encode import encode
from pipeline.sound.file_name import display_name
from pipeline.sound.loudness import LoudnessMeter, k_weighting, true_peak

SECONDS = 15.0
FADE_SECONDS = 0.05
LOUDNESS = -20.0  # LUFS; less where a clip's peaks would need it
HIGHEST_PEAK = -1.0  # dBTP
ANCHOR_HZ = 3500.0
ANCHOR_SNR_DB = 15.0
BITRATE = 192_000
SOURCE = Limits(SONG.max_bytes, 1.0, SONG.max_seconds, SONG.min_rate)


@dataclass(frozen=True)
class RatedSource:
    """A recording of a listening test, and whether it becomes a low anchor."""

    path: Path
    name: str
    anchor: bool = False


def make_rated_clips(sources: Sequence[RatedSource], out: Path, seed: int, report: Report) -> list[Path]:
    """Write a stereo MP3 for each source to `out`, named by its place alone; all have one loudness.

    Raises SoundError (a source cannot be read, or is silent), DiskFull.
    """
    clips = []
    for number, source in enumerate(sources):
        report("reading", number / len(sources))
        clip = loudest_part(read(source), MUSIC_RATE)
        clips.append(low_anchor(clip, MUSIC_RATE, seed + number) if source.anchor else clip)
    report("reading", 1.0)
    gains = equal_gains(clips, [source.name for source in sources])
    paths = [out / f"{number}.mp3" for number in range(len(clips))]
    for path, clip, gain in zip(paths, clips, gains, strict=True):
        encode(path, faded(clip * np.float32(gain), MUSIC_RATE), MUSIC_RATE, bitrate=BITRATE)
    return paths


def read(source: RatedSource) -> Floats32:
    """The recording, (2, samples) at 44.1 kHz. Raises SoundError."""
    blocks = decode_blocks(source.path, MUSIC_RATE, channels=2, block_seconds=10.0, limits=SOURCE, name=source.name)
    return np.concatenate(list(blocks), axis=1)


def loudest_part(sound: Floats32, rate: int, seconds: float = SECONDS) -> Floats32:
    """The `seconds` of (2, samples) with the most K-weighted energy in the middle of the stereo picture.

    That is where songs have their vocals.
    """
    size = round(seconds * rate)
    if sound.shape[1] <= size:
        return sound
    power = np.square(sosfilt(k_weighting(rate), sound.mean(0, dtype=np.float64)))
    summed = np.concatenate([[0.0], np.cumsum(power)])
    start = int(np.argmax(summed[size:] - summed[:-size]))
    return sound[:, start : start + size].copy()


def low_anchor(clip: Floats32, rate: int, seed: int) -> Floats32:
    """The clip, (2, samples), low-passed at 3.5 kHz with white noise 15 dB below it."""
    dull = sosfiltfilt(butter(8, ANCHOR_HZ, fs=rate, output="sos"), clip.astype(np.float64), axis=1)
    noise = np.random.default_rng(seed).standard_normal(clip.shape)
    level = np.sqrt(np.square(dull).mean()) * 10 ** (-ANCHOR_SNR_DB / 20)
    return np.asarray(dull + level * noise, np.float32)


def equal_gains(clips: Sequence[Floats32], names: Sequence[str]) -> list[float]:
    """The factors after which all clips have one loudness, -20 LUFS or what the highest peaks allow.

    Raises SilentFile.
    """
    loudness, highest = [], LOUDNESS
    for clip, name in zip(clips, names, strict=True):
        meter = LoudnessMeter(MUSIC_RATE, 2)
        meter.add(clip)
        measured = meter.integrated()
        if not np.isfinite(measured):
            raise errors.SilentFile(name=display_name(name))
        loudness.append(measured)
        highest = min(highest, measured + HIGHEST_PEAK - true_peak(clip, MUSIC_RATE))
    return [float(10 ** ((highest - measured) / 20)) for measured in loudness]


def faded(clip: Floats32, rate: int) -> Floats32:
    """The clip with 50 ms of fade at either end."""
    size = min(round(FADE_SECONDS * rate), clip.shape[1] // 2)
    ramp = np.sin(np.linspace(0.0, np.pi / 2, size, dtype=np.float32)) ** 2
    whole = np.ones(clip.shape[1], np.float32)
    whole[:size], whole[clip.shape[1] - size :] = ramp, ramp[::-1]
    return clip * whole
