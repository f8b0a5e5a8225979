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


VOICE_GATES = (
    Gate("cosine", "speaker cosine to target", 0.82, "at least"),
    Gate("cosine_gain", "speaker cosine above the source's", 0.10, "at least"),
    Gate("mos_loss_speech", "MOS under the WORLD copy, speech", 0.6, "at most"),
    Gate("mos_loss_song", "MOS under the WORLD copy, song", 0.8, "at most"),
    Gate("cer_rise", "character error rate above the WORLD copy's", 0.10, "at most"),
    Gate("f0_correlation", "log-f0 correlation with the source", 0.97, "at least"),
    Gate("mcd", "MCD of self-reconstruction, dB", 4.5, "at most"),
    Gate("real_time_factor", "real-time factor of encoder + generator", 0.3, "at most"),
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
