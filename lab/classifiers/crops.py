"""The voiced stretches of a recording, as frames for AST; cached beside the separated voice.

Voicing is SwiftF0's. A crop is 5 to 10 s long and voiced for at least three tenths of its time.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from files.atomic import atomic_write
from lab.classifiers.vocals import VocalParts
from lab.pretrain.mel_augment import mel_frames
from models.pitch.trackers import SWIFT_ID, VOICED_CONFIDENCE, PitchTrackers
from models.signal import SPEECH_RATE, Floats32
from models.speaker.ast import BANDS
from pipeline.listening.notes import normalize_level
from pipeline.listening.vocal_range import FRAME_SECONDS
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.decode import SONG, STEM, decode

LONGEST, SHORTEST = 10.0, 5.0
"""Seconds. A recording that is shorter than the shortest crop is one crop, if it is voiced enough."""
STEP = 0.5
"""Seconds between places where a crop may begin."""
VOICED_SHARE = 0.3
MOST = 16
"""Crops of one song, the most voiced ones."""
LEAST_FRAMES = 100
"""That are left of a crop without its quiet parts; below that it is left out."""
BLOCK = 20 * SPEECH_RATE
CUT_ID = f"crops1-{LONGEST:g}-{SHORTEST:g}-{VOICED_SHARE:g}-{MOST}-{SWIFT_ID}"
"""In the file names: another cut, or another model of voicing, is another file."""


@dataclass(frozen=True, kw_only=True)
class SongMaterial:
    """A song as training material: frames of 10 ms, memory-mapped, float16."""

    crops: tuple[NDArray[np.float16], ...]
    """Each (T, 128)."""
    music: NDArray[np.float16]
    """(T, 128) of the accompaniment; (0, 128) if there is none."""
    sound: str
    """Hash of the decoded song: the same for two files with the same sound and other tags."""
    seconds: float
    """Of the song."""


def prepare(song: Path, parts: VocalParts, models: ModelPool) -> SongMaterial:
    """Cut a song's voice, or read what was cut before. Raises SoundError."""
    card = parts.folder / f"{CUT_ID}.json"
    frames, music = parts.folder / f"{CUT_ID}.npy", parts.folder / f"{CUT_ID}-music.npy"
    if not card.exists():
        wav = decode(song, SPEECH_RATE, channels=1, limits=SONG, name=song.name)
        limits = SONG if parts.vocals == song else STEM
        vocals = (
            wav
            if parts.vocals == song
            else decode(parts.vocals, SPEECH_RATE, channels=1, limits=limits, name=song.name)
        )
        crops = [mel_frames(vocals[start:end]) for start, end in cut(vocals, models.pitch)]
        crops = [crop for crop in crops if len(crop) >= LEAST_FRAMES]
        played = np.zeros((0, BANDS), np.float16)
        if parts.music is not None:
            played = mel_frames(decode(parts.music, SPEECH_RATE, channels=1, limits=STEM, name=song.name))
        for path, array in ((frames, np.concatenate([played[:0], *crops])), (music, played)):
            with atomic_write(path) as file:
                np.save(file, array)
        figures = {
            "ends": np.cumsum([len(crop) for crop in crops]).tolist(),
            "sound": hashlib.sha256(np.round(wav * 32767).astype("<i2").tobytes()).hexdigest(),
            "seconds": len(wav) / SPEECH_RATE,
        }
        with atomic_write(card) as file:
            file.write(json.dumps(figures).encode())
    stored = json.loads(card.read_text())
    every = _mapped(frames)
    pieces = [every[start:end] for start, end in zip([0, *stored["ends"]], stored["ends"], strict=False)]
    return SongMaterial(crops=tuple(pieces), music=_mapped(music), sound=stored["sound"], seconds=stored["seconds"])


def cut(wav: Floats32, pitch: PitchTrackers) -> list[tuple[int, int]]:
    """Stretches (first sample, end) of a mono recording at 16 kHz that are voiced enough, in order, none overlapping.

    The most voiced are taken first, the long before the short; rests at their ends go as far as they stay long enough.
    """
    voiced = _voiced(wav, pitch)
    free = np.ones(len(voiced), bool)
    sums = np.concatenate([[0], np.cumsum(voiced)])
    stretches: list[tuple[int, int]] = []
    shortest = min(len(voiced), round(SHORTEST / FRAME_SECONDS))
    for length in dict.fromkeys((min(len(voiced), round(LONGEST / FRAME_SECONDS)), shortest)):
        starts = np.arange(0, len(voiced) - length + 1, round(STEP / FRAME_SECONDS)) if length else np.arange(0)
        shares = (sums[starts + length] - sums[starts]) / max(1, length)
        for start in starts[np.argsort(-shares, kind="stable")].tolist():
            share = (sums[start + length] - sums[start]) / length
            if share < VOICED_SHARE or len(stretches) == MOST:
                break
            if free[start : start + length].all():
                free[start : start + length] = False
                stretches.append(_trimmed(voiced, start, start + length, shortest))
    hop = FRAME_SECONDS * SPEECH_RATE
    return [(round(start * hop), min(len(wav), round(end * hop))) for start, end in sorted(stretches)]


def _voiced(wav: Floats32, pitch: PitchTrackers) -> NDArray[np.bool_]:
    """(T,) every 16 ms, whether a pitch is confident; at full level, in blocks of 20 s."""
    if not wav.any():
        return np.zeros(0, bool)
    loud = normalize_level(wav)
    blocks = [loud[start : start + BLOCK] for start in range(0, len(loud), BLOCK)]
    sure = [pitch.voicing(block)[1] for block in blocks if len(block) >= SPEECH_RATE // 4]
    return np.concatenate([s[: round(BLOCK / SPEECH_RATE / FRAME_SECONDS)] for s in sure]) >= VOICED_CONFIDENCE


def _trimmed(voiced: NDArray[np.bool_], start: int, end: int, shortest: int) -> tuple[int, int]:
    frames = np.flatnonzero(voiced[start:end]) + start
    first, last = int(frames[0]), int(frames[-1]) + 1
    first = max(start, min(first, end - shortest))
    return first, min(end, max(last, first + shortest))


def _mapped(path: Path) -> NDArray[np.float16]:
    """An array that stays on disk; an empty one cannot."""
    whole = np.load(path, mmap_mode=None if path.stat().st_size <= 128 else "r", allow_pickle=False)
    return np.asarray(whole) if not len(whole) else whole
