"""Songs that ship: a known melody, sung by a synthetic voice over plucked strings.

The strings are those of Karplus and Strong, "Digital Synthesis of Plucked-String and Drum Timbres", 1983.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from lab.corpus.catalogue import HERE
from lab.corpus.kokoro import KOKORO_RATE
from lab.corpus.melody import F0_RATE, STEP, UNVOICED_HZ, VOWELS, Prosody, glided, stretched, vibrato, voiced
from lab.corpus.synthetic import SyntheticVoice
from models.signal import MUSIC_RATE, Floats32
from pipeline.sound.resample import resample

LEAST_FRAMES = 2
BELOW_DB = 7.0
"""The strings' root mean square below the vocals'."""
PEAK = 0.9
DECAY = 0.996
RELEASE = 1.2  # s after the last bar


@dataclass(frozen=True)
class SungNote:
    """A pitch (MIDI number) and how long it is held, in beats."""

    pitch: float
    beats: float


@dataclass(frozen=True)
class Syllable:
    """Phones with one vowel, and what is sung on it."""

    phones: str
    notes: tuple[SungNote, ...]


@dataclass(frozen=True)
class Line:
    """Syllables that are sung in one breath, and the beats of rest after them."""

    sung: tuple[Syllable, ...]
    pause: float


@dataclass(frozen=True)
class Tune:
    """A song: `beat` in seconds, `bar` and `pickup` in beats, a chord (MIDI numbers, the bass first) for each bar."""

    name: str
    title: str
    words: str
    voice: str
    beat: float
    bar: int
    pickup: int
    chords: tuple[tuple[int, ...], ...]
    lines: tuple[Line, ...]
    transpose: int = 0


def tunes() -> list[Tune]:
    """The songs of tunes.toml."""
    with (HERE / "tunes.toml").open("rb") as file:
        return [_tune(name, entry) for name, entry in tomllib.load(file).items()]


def performed(tune: Tune, kokoro: SyntheticVoice) -> tuple[Floats32, Floats32]:
    """Vocals and strings, each (2, n) at 44.1 kHz; their sum is the song."""
    vocals = resample(_levelled(_sung(tune, kokoro), 0.0), KOKORO_RATE, MUSIC_RATE)
    strings = _levelled(_strings(tune), -BELOW_DB)
    length = max(len(vocals), strings.shape[1])
    centred = np.stack([np.pad(vocals, (0, length - len(vocals)))] * 2)
    strings = np.pad(strings, ((0, 0), (0, length - strings.shape[1])))
    scale = np.float32(PEAK / np.abs(centred + strings).max())
    return centred * scale, strings * scale


def melody(tune: Tune) -> NDArray[np.float64]:
    """(n,) Hz every 1/80 s of what is to be sung, 0 in the rests; consonants have the pitch of their syllable."""
    pitches: list[float] = []
    for line in tune.lines:
        for syllable in line.sung:
            for note in syllable.notes:
                pitches += [_hertz(note.pitch + tune.transpose)] * round(note.beats * tune.beat * F0_RATE)
        pitches += [0.0] * round(line.pause * tune.beat * F0_RATE)
    return np.array(pitches)


def _sung(tune: Tune, kokoro: SyntheticVoice) -> Floats32:
    """(n,) at 24 kHz: every line's first vowel begins on its beat."""
    beats = sum(note.beats for line in tune.lines for syllable in line.sung for note in syllable.notes)
    beats += sum(line.pause for line in tune.lines)
    sound = np.zeros(round((1 + beats * tune.beat + RELEASE) * KOKORO_RATE), np.float32)
    begun = 0.0
    for line in tune.lines:
        wav, before = _sung_line(line, tune, kokoro)
        start = max(0, round((LEAD + begun * tune.beat - before) * KOKORO_RATE))
        piece = wav[: len(sound) - start]
        sound[start : start + len(piece)] += piece
        begun += sum(note.beats for syllable in line.sung for note in syllable.notes) + line.pause
    return sound


LEAD = 0.5  # s before the first beat


def _sung_line(line: Line, tune: Tune, kokoro: SyntheticVoice) -> tuple[Floats32, float]:
    """Sound at 24 kHz of a line, and the seconds before its first vowel. Raises ValueError: a phone is unknown."""
    text = "".join(syllable.phones for syllable in line.sung)
    if unknown := set(text) - kokoro.vocabulary.keys():
        raise ValueError(f"Kokoro has no {unknown}")
    tokens = [0, *(kokoro.vocabulary[symbol] for symbol in text), 0]
    phones = kokoro.phones(tokens)
    spoken = kokoro.plan(tokens, tune.voice, 1.0)
    vowels = [i for i, phone in enumerate(phones) if phone in VOWELS]
    assert len(vowels) == len(line.sung), f"{text}: {len(vowels)} vowels, {len(line.sung)} syllables"
    durations = _timed(spoken.durations, vowels, [_seconds(syllable, tune) for syllable in line.sung])
    edges = np.concatenate([[0], np.cumsum(durations)])
    f0 = np.where(np.repeat(voiced(phones), 2 * durations), _curve(line, tune, edges, vowels), UNVOICED_HZ)
    plan = Prosody(durations, f0.astype(np.float32), stretched(spoken.energy, spoken.durations, durations))
    return kokoro.render(tokens, tune.voice, plan), float(edges[vowels[0]]) * STEP


def _timed(spoken: NDArray[np.int64], vowels: Sequence[int], seconds: Sequence[float]) -> NDArray[np.int64]:
    """Durations (phones,) with which each vowel begins when its note does."""
    durations = np.minimum(spoken, 6)
    due = 0.0
    at = 0
    for number, (vowel, length) in enumerate(zip(vowels, seconds, strict=True)):
        end = vowels[number + 1] if number + 1 < len(vowels) else len(spoken)
        due += length / STEP
        rest = int(durations[vowel + 1 : end].sum())
        durations[vowel] = max(LEAST_FRAMES, round(due) - at - rest)
        at += int(durations[vowel]) + rest
    return durations


def _curve(line: Line, tune: Tune, edges: NDArray[np.int64], vowels: Sequence[int]) -> NDArray[np.float64]:
    """(2 × frames,) Hz: the notes of each syllable from its vowel on, with glides and vibrato."""
    semitones = np.zeros(2 * int(edges[-1]))
    onsets = [0]
    for number, (syllable, vowel) in enumerate(zip(line.sung, vowels, strict=True)):
        at = float(2 * edges[vowel]) if number else 0.0
        for place, note in enumerate(syllable.notes):
            semitones[round(at) :] = note.pitch + tune.transpose
            onsets += [round(at)] if number or place else []
            length = note.beats * tune.beat * F0_RATE
            at = float(2 * edges[vowel]) + length if not number and not place else at + length
    rng = np.random.default_rng(len(line.sung))
    return np.asarray(_hertz(glided(semitones) + 0.5 * vibrato(len(semitones), onsets, rng)))


def _strings(tune: Tune) -> Floats32:
    """(2, n) at 44.1 kHz: the bass on the first beat of each bar, the chord on the others."""
    bars, moved = len(tune.chords), (tune.transpose + 6) % 12 - 6
    sound = np.zeros((2, round((LEAD + (tune.pickup + bars * tune.bar) * tune.beat + RELEASE) * MUSIC_RATE)))
    for number, (bass, *chord) in enumerate(tune.chords):
        for beat in range(tune.bar):
            struck = [bass] if beat == 0 else chord
            for place, pitch in enumerate(struck):
                begins = LEAD + (tune.pickup + number * tune.bar + beat) * tune.beat + 0.012 * place
                wave = _plucked(_hertz(pitch + moved), 2.5 * tune.beat, seed=1000 * number + 10 * beat + place)
                start, pan = round(begins * MUSIC_RATE), 0.5 + 0.25 * (place - 1)
                wave = wave[: sound.shape[1] - start]
                sound[:, start : start + len(wave)] += np.stack([np.sqrt(1 - pan) * wave, np.sqrt(pan) * wave])
    return sound.astype(np.float32)


def _plucked(hertz: float, seconds: float, seed: int) -> NDArray[np.float64]:
    """(n,) a string: noise through a comb whose loop is damped by the mean of two neighbours."""
    length = round(seconds * MUSIC_RATE)
    period = MUSIC_RATE / hertz - 0.5
    whole, part = int(period), period - int(period)
    noise = np.zeros(length)
    noise[:whole] = np.random.default_rng(seed).uniform(-1, 1, whole)
    loop = np.convolve([1 - part, part], [0.5, 0.5]) * DECAY  # linear interpolation tunes it
    wave: NDArray[np.float64] = lfilter([1.0], np.concatenate([[1.0], np.zeros(whole - 1), -loop]), noise)
    fade = min(length, round(0.1 * MUSIC_RATE))
    wave[-fade:] *= np.linspace(1, 0, fade)
    return wave


def _levelled(sound: Any, level_db: float) -> Floats32:
    rms = float(np.sqrt((sound.astype(np.float64) ** 2).mean()))
    return np.asarray(sound * (10 ** (level_db / 20) / max(rms, 1e-9)), np.float32)


def _seconds(syllable: Syllable, tune: Tune) -> float:
    return sum(note.beats for note in syllable.notes) * tune.beat


def _hertz(pitch: Any) -> Any:
    return 440.0 * 2 ** ((pitch - 69) / 12)


def _tune(name: str, entry: dict[str, Any]) -> Tune:
    lines = [
        Line(
            tuple(Syllable(phones, tuple(SungNote(*note) for note in notes)) for phones, notes in line["sung"]),
            line["pause"],
        )
        for line in entry["lines"]
    ]
    chords = tuple(tuple(chord) for chord in entry["chords"])
    return Tune(name, **{**entry, "chords": chords, "lines": tuple(lines)})
