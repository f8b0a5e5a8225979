"""The synthetic half: lines, their voices, and the clips and labels that are synthesised."""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from lab.corpus.catalogue import HERE, CorpusSource
from lab.corpus.clips import write_clip
from lab.corpus.kokoro import KOKORO_RATE
from lab.corpus.manifest import append_label, read_labels, write_labels
from lab.corpus.melody import STEP, Prosody, sing
from lab.corpus.phones import phonemes, tokens
from lab.errors import BuildError
from models.signal import Floats32

NATIVE = {"a": "en-us", "b": "en-gb", "e": "es", "f": "fr-fr", "i": "it", "p": "pt-br"}
ENGLISH_TOO = 0.45  # of the lines of voices whose own language is another
SPEEDS = (0.9, 1.15)


class SyntheticVoice(Protocol):
    """What this needs of `kokoro.Kokoro`."""

    @property
    def vocabulary(self) -> Mapping[str, int]: ...
    @property
    def voices(self) -> Mapping[str, Floats32]: ...

    def plan(self, tokens: Sequence[int], voice: str, speed: float) -> Prosody: ...
    def render(self, tokens: Sequence[int], voice: str, plan: Prosody) -> Floats32: ...
    def phones(self, tokens: Sequence[int]) -> list[str]: ...
    def speaking_hz(self, f0: Floats32) -> float: ...


@dataclass(frozen=True)
class PlannedClip:
    """The plan of one clip."""

    file: str
    voice: str
    mode: str
    text: str
    lang: str


@cache
def texts() -> Mapping[str, Mapping[str, list[str]]]:
    """The texts of speech and song, by language."""
    with (HERE / "texts.toml").open("rb") as file:
        return tomllib.load(file)


def line(index: int, voices: Sequence[str], seed: int) -> PlannedClip:
    """The clip of this number: each round uses all voices once, alternating speech and song."""
    turn, place = divmod(index, len(voices))
    voice = sorted(voices)[np.random.default_rng([seed, turn]).permutation(len(voices))[place]]
    rng = np.random.default_rng([seed, turn, place])
    lang = NATIVE.get(voice[0], "en-us")
    if not lang.startswith("en") and rng.random() < ENGLISH_TOO:
        lang = "en-us"
    mode = ("speech", "song")[(turn + sorted(voices).index(voice)) % 2]
    family = "en" if lang.startswith("en") else lang
    choice = texts()[mode].get(family) or texts()["speech"][family]
    return PlannedClip(f"{voice}_{mode}_{index:04d}.ogg", voice, mode, str(rng.choice(choice)), lang)


def synthesise_line(
    kokoro: SyntheticVoice, what: PlannedClip, index: int, seed: int
) -> tuple[Floats32, dict[str, Any]]:
    """Synthesise a line: sound (samples,) at 24 kHz and its labels. Raises BuildError."""
    rng = np.random.default_rng([seed, index, 1])
    spoken = tokens(phonemes(what.text, what.lang), kokoro.vocabulary)
    speed = float(rng.uniform(*SPEEDS)) if what.mode == "speech" else 1.0
    plan = kokoro.plan(spoken, what.voice, speed)
    if what.mode == "song":
        plan = sing(kokoro.phones(spoken), plan, kokoro.speaking_hz(plan.f0), rng)
    wav = kokoro.render(spoken, what.voice, plan)
    f0 = np.rint(plan.f0).astype(int).tolist()
    labels = {"tokens": spoken, "durations_25ms": plan.durations.tolist(), "f0_80hz": f0}
    return wav, {**vars(what), **labels}


def synthesise(
    folder: Path,
    source: CorpusSource,
    kokoro: SyntheticVoice,
    *,
    minutes: float,
    seed: int,
    report: Callable[[float], None],
) -> int:
    """Synthesise clips until there are `minutes` of them; those that exist are kept. Returns how many were written.

    Raises BuildError (also if the folder's clips are of another seed), DiskFull.
    """
    done = {row["file"]: row for row in read_labels(folder)}
    write_labels(folder, list(done.values()))
    voices = sorted(kokoro.voices)
    seconds, index, written = 0.0, 0, 0
    while seconds < minutes * 60:
        what = line(index, voices, seed)
        row = done.pop(what.file, None)
        if row is not None and (row["text"], row["lang"]) != (what.text, what.lang):
            raise BuildError(f"The folder {folder / 'kokoro'} holds clips of another seed; give it, or another folder.")
        if row is None:
            wav, labels = synthesise_line(kokoro, what, index, seed)
            row = {**labels, "split": "heldout" if what.voice in source.heldout_voices else source.split}
            write_clip(folder / "kokoro" / what.file, wav, KOKORO_RATE)
            append_label(folder, row)
            written += 1
        seconds += sum(row["durations_25ms"]) * STEP
        index += 1
        report(min(1.0, seconds / (minutes * 60)))
    return written
