"""Voice notes as they come in: decoded to mono, their levels checked, without what nobody hears."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.signal import SPEECH_RATE, Floats32
from pipeline.errors import OnlyNoise, VoiceMissing
from pipeline.listening.vocal_range import voice_seconds
from pipeline.progress import Report, ignore
from pipeline.sound.bandwidth import is_narrowband
from pipeline.sound.clean import clean
from pipeline.sound.decode import NOTE, decode
from pipeline.sound.file_name import display_name
from pipeline.sound.hum import without_hum
from pipeline.sound.levels import Levels, check_levels, measure_levels
from pipeline.sound.noise import is_noise
from pipeline.sound.pure_tones import is_pure_tones
from pipeline.sound.steady import is_steady


@dataclass(frozen=True)
class Note:
    """A recording of one voice."""

    path: Path
    name: str
    """What the member called it; for sentences only."""


def read_notes(notes: Sequence[Note], report: Report = ignore) -> list[tuple[Floats32, Levels]]:
    """Decode every note to mono at 16 kHz and check its levels; steady or pure tones are not active.

    Raises what `decode` raises, Silent, Clipped.
    """
    report("reading", 0.0)
    decoded = []
    for done, note in enumerate(notes):
        wav = decode(note.path, SPEECH_RATE, channels=1, limits=NOTE, name=note.name)
        levels = check_levels(wav, SPEECH_RATE, note.name)  # as it was sent: a filter would hide where it is clipped
        heard = audible(wav, SPEECH_RATE)
        tones = is_steady(wav, SPEECH_RATE) or is_pure_tones(wav, SPEECH_RATE)
        active = 0.0 if tones else measure_levels(heard, SPEECH_RATE).active_seconds
        decoded.append((heard, replace(levels, active_seconds=active)))
        report("reading", (done + 1) / len(notes))
    return decoded


def read_voice(path: Path, rate: int, name: str) -> Floats32:
    """A recording of a voice as networks are to hear it, (samples,) at `rate` Hz. Raises what `decode` raises."""
    return audible(decode(path, rate, channels=1, limits=NOTE, name=name), rate)


def audible(wav: Floats32, rate: int) -> Floats32:
    """Mono (samples,) without what listeners do not hear: offset, rumble, the hum of the mains."""
    return without_hum(clean(wav, rate), rate)


def has_narrowband(notes: Sequence[Floats32]) -> bool:
    """Whether one of the notes, mono at 16 kHz, is of telephone quality."""
    return any(is_narrowband(wav, SPEECH_RATE) for wav in notes)


def seconds_of_voice(confidence: Floats32, levels: Levels) -> float:
    """Of a note: the one measure that members are told of. `confidence` (frames of 16 ms) is its voicing's."""
    return min(voice_seconds(confidence), levels.active_seconds)


def check_voice(wav: Floats32, seconds: float, least: float, name: str) -> None:
    """Raise OnlyNoise or VoiceMissing if under `least` seconds of voice were heard in mono (samples,) at 16 kHz."""
    if seconds >= least:
        return
    if is_noise(wav, SPEECH_RATE):
        raise OnlyNoise(name=display_name(name))
    raise VoiceMissing(name=display_name(name), seconds=seconds, limit=least)


def normalize_level(wav: Floats32) -> Floats32:
    """RVC's level: three quarters towards a peak of 0.9, one quarter as it was."""
    peak = float(np.abs(wav).max()) or 1.0
    return (wav / peak * 0.9 * 0.75 + wav * 0.25).astype(np.float32)
