"""Voice notes as they come in: decoded to mono, their levels checked, without what nobody hears."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.signal import SPEECH_RATE, Floats32
from pipeline.errors import OnlyNoise, VoiceMissing
from pipeline.listening.vocal_range import voice_seconds
from pipeline.progress import Report, ignore
from pipeline.sound.bandwidth import is_narrowband
from pipeline.sound.clean import clean
from pipeline.sound.decode import NOTE, decode, decode_at
from pipeline.sound.file_name import display_name
from pipeline.sound.hum import part_hum, take_hum
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
    return [(wav, levels) for [wav], levels in _read(notes, [SPEECH_RATE], report)]


def read_notes_at(
    notes: Sequence[Note], rate: int, report: Report = ignore
) -> Iterator[tuple[Floats32, Floats32, Levels]]:
    """The same, one after the other, and each at `rate` Hz, too, of one decoding: at 16 kHz, at that rate, levels."""
    return ((low, wav, levels) for [low, wav], levels in _read(notes, [SPEECH_RATE, rate], report))


def _read(notes: Sequence[Note], rates: Sequence[int], report: Report) -> Iterator[tuple[list[Floats32], Levels]]:
    """Each note at each of the rates, of which the first is 16 kHz."""
    report("reading", 0.0)
    for done, note in enumerate(notes):
        wavs = decode_at(note.path, rates, channels=1, limits=NOTE, name=note.name)
        levels = check_levels(wavs[0], SPEECH_RATE, note.name)  # as it was sent: a filter hides where it is clipped
        tones = is_steady(wavs[0], SPEECH_RATE) or is_pure_tones(wavs[0], SPEECH_RATE)
        heard = audible_at(wavs, rates)
        active = 0.0 if tones else measure_levels(heard[0], SPEECH_RATE).active_seconds
        yield heard, replace(levels, active_seconds=active)
        report("reading", (done + 1) / len(notes))


def read_voice(path: Path, rate: int, name: str) -> Floats32:
    """A recording of a voice as networks are to hear it, (samples,) at `rate` Hz. Raises what `decode` raises."""
    return audible(decode(path, rate, channels=1, limits=NOTE, name=name), rate)


def audible(wav: Floats32, rate: int) -> Floats32:
    """Mono (samples,) without what listeners do not hear: offset, rumble, the hum of the mains."""
    return audible_at([wav], [rate])[0]


def audible_at(wavs: Sequence[Floats32], rates: Sequence[int]) -> list[Floats32]:
    """The same of one recording at several rates; its hum is heard at the first."""
    heard, *others = [clean(wav, rate) for wav, rate in zip(wavs, rates, strict=True)]
    heard, hums = part_hum(heard, rates[0])
    return [heard, *(take_hum(wav, rate, hums) for wav, rate in zip(others, rates[1:], strict=True))]


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
