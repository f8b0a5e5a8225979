"""Which voices are taken for pure tones, and which pure tones for a voice (`pipeline/sound/pure_tones.py`).

    .venv/bin/python -m benchmarks.tones [FOLDER …] [--sounds 120]

Voices: those that ship, the demo's notes, and every sound file below the folders, the first eight seconds of each, as
they are and changed; none of them may be refused. Beside them stand made ones: vowels of sopranos, whose first
formant follows the note, and whistles, pairs of tones and a telephone's keys, which are to be refused. The same seeds
make the same sounds, so that two checkouts can be compared.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from scipy.signal import butter, fftconvolve, resample_poly, sosfilt

from models.signal import SPEECH_RATE, Floats32, Floats64
from pipeline.errors import SoundError
from pipeline.sound.decode import NOTE, decode
from pipeline.sound.pure_tones import is_pure_tones, tone_share
from pipeline.sound.steady import is_steady

ROOT = Path(__file__).parent.parent
SECONDS = 8
SUFFIXES = {".ogg", ".opus", ".flac", ".wav", ".mp3", ".m4a"}
VOWELS = {
    "a": (800, 1200, 2800, 3600, 4500),
    "e": (450, 2000, 2700, 3600, 4600),
    "i": (300, 2300, 3000, 3700, 4800),
    "o": (500, 900, 2700, 3500, 4500),
    "u": (350, 750, 2600, 3400, 4400),
    "hummed": (280, 1000, 2300, 3300, 4300),
}
"""Formants in Hz."""
WIDTHS = (90, 110, 150, 200, 250)
KEYS = [(low, high) for low in (697, 770, 852, 941) for high in (1209, 1336, 1477, 1633)]


def filtered(wav: Floats32, corners: float | list[float], kind: str) -> Floats32:
    """By Butterworth's filter of the fourth order."""
    return np.asarray(sosfilt(butter(4, corners, kind, fs=SPEECH_RATE, output="sos"), wav), np.float32)


def in_a_room(wav: Floats32) -> Floats32:
    """With reverberation of 0.6 s that has half the power of the sound, and some noise."""
    random = np.random.default_rng(0)
    time = np.arange(round(0.6 * SPEECH_RATE)) / SPEECH_RATE
    room = random.standard_normal(len(time)) * 10 ** (-3 * time / 0.6)
    wet = wav + fftconvolve(wav, 0.7 * room / np.linalg.norm(room))[: len(wav)]
    return np.asarray(wet + 0.002 * wet.std() * random.standard_normal(len(wet)), np.float32)


def higher(wav: Floats32) -> Floats32:
    """Twice as fast and high."""
    return np.asarray(resample_poly(wav, 1, 2), np.float32)


CHANGES: dict[str, Callable[[Floats32], Floats32]] = {
    "as they are": np.asarray,
    "muffled above 600 Hz": lambda wav: filtered(wav, 600.0, "lowpass"),
    "by telephone": lambda wav: filtered(wav, [300.0, 3400.0], "bandpass"),
    "in a room": in_a_room,
    "an octave higher": higher,
    "an octave higher, muffled above 900 Hz": lambda wav: filtered(higher(wav), 900.0, "lowpass"),
}


def voices(folders: list[Path]) -> Iterator[Floats32]:
    """The first seconds of every recording that a note may be."""
    shipped = [ROOT / "worker" / "library" / "voices", ROOT / "demo" / "notes"]
    for folder in (*shipped, *folders):
        for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES):
            try:
                wav = decode(path, SPEECH_RATE, channels=1, limits=NOTE, name=path.name)
            except SoundError as error:
                print(f"{path.name} was left out: {error}")
                continue
            yield wav[: SECONDS * SPEECH_RATE]


def melody(random: np.random.Generator, lowest: float, vibrato_cents: float, notes: int) -> Floats64:
    """Hz at each sample of notes within an octave, which glide into each other."""
    time = np.arange(SECONDS * SPEECH_RATE) / SPEECH_RATE
    steps = np.repeat(random.choice([0, 2, 4, 5, 7, 9, 11, 12], notes), -(-len(time) // notes))[: len(time)]
    glide = np.convolve(np.pad(steps, 400, mode="edge"), np.hanning(801) / np.hanning(801).sum(), mode="valid")
    return np.asarray(lowest * 2 ** (glide / 12 + vibrato_cents / 1200 * np.sin(2 * np.pi * 5.5 * time)))


def with_breath(random: np.random.Generator, wav: Floats64, below_db: float) -> Floats32:
    """With noise of 0.5 to 7 kHz, so many decibels below, rising and falling."""
    band = butter(2, [500, 7000], "bandpass", fs=SPEECH_RATE, output="sos")
    breath = sosfilt(band, random.standard_normal(len(wav)))
    breath *= 10 ** (-below_db / 20) * wav.std() / breath.std()
    swell = 0.8 + 0.2 * np.sin(2 * np.pi * 1.5 * np.arange(len(wav)) / SPEECH_RATE)
    return np.asarray(0.3 * (wav + breath) * swell / np.abs(wav).max(), np.float32)


def between(random: np.random.Generator, low: float, high: float) -> float:
    """A frequency, by the logarithm."""
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def whistle(seed: int, low: float, high: float) -> Floats32:
    """A melody whose lowest note is between these, with overtones 30 to 50 dB below and breath 16 to 38."""
    random = np.random.default_rng(seed)
    turn = 2 * np.pi * np.cumsum(melody(random, between(random, low, high), random.uniform(5, 60), 25)) / SPEECH_RATE
    second = 10 ** (random.uniform(-50, -30) / 20)
    tone = np.sin(turn) + second * np.sin(2 * turn) + 0.4 * second * np.sin(3 * turn)
    return with_breath(random, tone, random.uniform(16, 38))


def soprano(seed: int, vowel: str, low: float, high: float) -> Floats32:
    """A vowel whose lowest note is between these; harmonics fall by 6 to 12 dB an octave before the formants."""
    random = np.random.default_rng(seed)
    f0 = melody(random, between(random, low, high), random.uniform(0, 80), int(random.integers(5, 25)))
    turn, fall = 2 * np.pi * np.cumsum(f0) / SPEECH_RATE, random.uniform(6, 12)
    sung = np.zeros(len(f0))
    for harmonic in range(1, 16):
        level = np.full(len(f0), 10 ** (-fall / 20 * np.log2(harmonic)))
        for number, (formant, width) in enumerate(zip(VOWELS[vowel], WIDTHS, strict=True)):
            centre = np.maximum(formant, (1.05, 1.37, 0, 0, 0)[number] * f0)
            level *= centre**2 / np.abs(centre**2 - (harmonic * f0) ** 2 + 1j * harmonic * f0 * width)
        sung += np.where(harmonic * f0 < 7800, level * np.sin(harmonic * turn + random.uniform(0, 2 * np.pi)), 0)
    return with_breath(random, sung, random.uniform(30, 50))


def in_turn(seed: int) -> Floats32:
    """Two or three tones one after the other, each for .1 to 1 s."""
    random = np.random.default_rng(seed)
    tones = [between(random, 200, 2500) for _ in range(random.integers(2, 4))]
    return _chords([(tone,) for tone in tones], random.uniform(0.1, 1.0), 0.0)


def keys(seed: int) -> Floats32:
    """A telephone's keys, each for 50 to 300 ms."""
    random = np.random.default_rng(seed)
    order = [KEYS[number] for number in random.permutation(len(KEYS))]
    return _chords(order, random.uniform(0.05, 0.3), random.uniform(0.05, 0.2))


def _chords(chords: list[tuple[float, ...]], each: float, rest: float) -> Floats32:
    time = np.arange(round(each * SPEECH_RATE)) / SPEECH_RATE
    fade = np.clip(np.minimum(time, time[-1] - time) / 0.005, 0, 1)
    pause = np.zeros(round(rest * SPEECH_RATE))
    parts = [
        part for hertz in chords for part in (0.2 * fade * sum(np.sin(2 * np.pi * h * time) for h in hertz), pause)
    ]
    return np.asarray(np.resize(np.concatenate(parts), SECONDS * SPEECH_RATE), np.float32)


def refused(wav: Floats32) -> bool:
    """Whether a note of it is told to hold no voice."""
    return is_steady(wav, SPEECH_RATE) or is_pure_tones(wav, SPEECH_RATE)


def row(title: str, sounds: list[Floats32]) -> int:
    """Print how many are refused and the highest and lowest share of tones; how many are refused."""
    shares, count = [tone_share(wav, SPEECH_RATE) for wav in sounds], sum(map(refused, sounds))
    print(f"| {title} | {count} of {len(sounds)} | {min(shares):.2f} … {max(shares):.2f} |", flush=True)
    return count


def main() -> int:
    """Print Markdown tables; 1 if a recorded voice is refused."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help="more recordings of voices")
    parser.add_argument("--sounds", type=int, default=120, help="made ones of each kind")
    arguments = parser.parse_args()
    recorded = list(voices(arguments.folders))
    print("| recorded voices | refused | share of tones |\n| --- | --- | --- |")
    wrong = sum(row(title, [change(wav) for wav in recorded]) for title, change in CHANGES.items())
    print("\n| made voices | refused | share of tones |\n| --- | --- | --- |")
    seeds = range(arguments.sounds)
    for vowel in VOWELS:
        for low, high in ((400, 700), (700, 1100)):
            row(f"soprano, {vowel}, from {low} … {high} Hz", [soprano(seed, vowel, low, high) for seed in seeds])
    print("\n| made tones | found | share of tones |\n| --- | --- | --- |")
    for low, high in ((500, 700), (700, 1000), (1000, 2000)):
        made = [whistle(seed, low, high) for seed in seeds]
        row(f"whistled from {low} … {high} Hz", made)
        row("the same in a room", [in_a_room(wav) for wav in made])
    for title, make in (("tones in turn", in_turn), ("telephone keys", keys)):
        row(title, [make(seed) for seed in seeds])
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main())
