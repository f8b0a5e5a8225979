"""The gates: what a figure must reach before weights ship, as data."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Gate:
    """One figure and its limit."""

    figure: str
    """Name of the figure."""
    requirement: str
    """The figure in words."""
    limit: float
    sense: Literal["at least", "at most"]

    def passed(self, value: float) -> bool:
        """Whether a figure is within the limit; NaN never is."""
        if math.isnan(value):
            return False
        return value >= self.limit if self.sense == "at least" else value <= self.limit


@dataclass(frozen=True)
class GateVerdict:
    """A gate with the figure that it was applied to."""

    gate: Gate
    value: float
    passed: bool
    worst: str = ""
    """Whose figure it is, where it is the worst of several."""


COPY = "the WORLD copy"
VOICE_GATES = (
    Gate("cosine", "speaker cosine, mean", 0.85, "at least"),
    Gate("cosine_target", "speaker cosine of each target", 0.82, "at least"),
    Gate("cosine_gain", "speaker cosine above the source's", 0.20, "at least"),
    Gate("mos_speech", f"MOS above {COPY}'s, speech", -0.15, "at least"),
    Gate("mos_song", f"MOS above {COPY}'s, song", -0.15, "at least"),
    Gate("cer_rise", f"CER above {COPY}'s, speech and synthetic song", 0.06, "at most"),
    Gate("cer_rise_whisper", "the same where only Whisper knows the language", 0.06, "at most"),
    Gate("cer_rise_real_song", f"CER above {COPY}'s, real song", 0.12, "at most"),
    Gate("f0_correlation", "log-f0 correlation with the source", 0.995, "at least"),
    Gate("f0_cents", "f0 error, root mean square, cents", 10.0, "at most"),
    Gate("mcd", "MCD of self-reconstruction, dB", 4.5, "at most"),
    Gate("real_time_factor", "real-time factor of encoder + generator", 0.10, "at most"),
    Gate("instant_cosine", "zero-shot: speaker cosine, mean", 0.78, "at least"),
    Gate("instant_cosine_target", "zero-shot: speaker cosine of each target", 0.72, "at least"),
    Gate("instant_mos", f"zero-shot: MOS above {COPY}'s", -0.15, "at least"),
)
CONTENT_GATES = (
    Gate("abx", "word ABX error", 0.015, "at most"),
    Gate("speaker", "speaker frame accuracy", 0.30, "at most"),
    Gate("phone", "phone frame accuracy", 0.52, "at least"),
)


def judge(gates: Sequence[Gate], figures: Mapping[str, float]) -> list[GateVerdict]:
    """Apply the gates to the figures of their names; gates without a figure are left out."""
    return [
        GateVerdict(gate, figures[gate.figure], gate.passed(figures[gate.figure]))
        for gate in gates
        if gate.figure in figures
    ]
