"""What `discovervoice evaluate` measured, as tables for the terminal."""

import math
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from cli.report import number
from pipeline.captions import figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.evaluate.content import ContentScores
    from lab.evaluate.gates import GateVerdict
    from lab.evaluate.singers import EncoderComparison, EncoderScores


def with_interval(value: float, interval: "tuple[float, float] | None", digits: int = 2) -> str:
    """A figure, and its 95 % interval where there is one."""
    edges = f" ({'…'.join(number(edge, digits) for edge in interval)})" if interval else ""
    return number(value, digits) + edges


def content_table(scores: "dict[str, ContentScores]") -> Table:
    """Content features by the name of what computes them."""
    table = Table(title="Content features on held-out voices", title_justify="left")
    table.add_column("features")
    for column in ("word ABX error", "speaker (chance .10)", "phone"):
        table.add_column(column, justify="right")
    for name, score in scores.items():
        table.add_row(name, number(score.abx, 3), number(score.speaker), number(score.phone))
    return table


def singer_table(scores: "Sequence[EncoderScores]", comparisons: "Sequence[EncoderComparison]") -> Table:
    """Every case with all encoders, and the interval of what the second gains."""
    table = Table(title="Held-out voices told apart", title_justify="left")
    for column in ("case", "encoder"):
        table.add_column(column)
    for column in ("EER", "top-1", "cross entropy"):
        table.add_column(column, justify="right")
    table.add_column("gain in EER (95 %)", justify="right", no_wrap=True)
    gains = {comparison.case: comparison for comparison in comparisons}
    last = scores[-1].encoder
    for score in scores:
        gain = gains.get(score.case) if score.encoder == last else None
        interval = "…".join(figure(edge, "+.1%") for edge in gain.eer) if gain else ""
        cells = f"{score.eer:.1%}", f"{score.top1:.1%}", number(score.cross_entropy), interval
        table.add_row(score.case, score.encoder, *cells, end_section=score.encoder == last)
    table.caption = f"{scores[0].voices} voices, {scores[0].clips} clips. Cross entropy: nats, after calibration."
    return table


def gate_table(title: str, verdicts: "Sequence[GateVerdict]") -> Table:
    """Gates, their limits, and whether the figures pass."""
    table = Table(title=title, title_justify="left")
    for column in ("gate", "limit", "figure", ""):
        table.add_column(column, justify="right" if column in ("limit", "figure") else "left")
    for verdict in verdicts:
        sign = "≥" if verdict.gate.sense == "at least" else "≤"
        known = not math.isnan(verdict.value)
        result = ("passed", "green") if verdict.passed else ("missed", "red") if known else ("not measured", "yellow")
        requirement = f"{verdict.gate.requirement} ({verdict.worst})" if verdict.worst else verdict.gate.requirement
        figure = number(verdict.value if known else None, 3)
        table.add_row(requirement, f"{sign} {verdict.gate.limit:g}", figure, Text(*result))
    return table
