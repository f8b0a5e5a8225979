"""What `discovervoice evaluate` measured, as tables for the terminal."""

from typing import TYPE_CHECKING

from rich.table import Table

from cli.report import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.evaluate.content import ContentScores
    from lab.evaluate.figures import ConversionFigures
    from lab.evaluate.gates import GateVerdict
    from lab.evaluate.singers import EncoderComparison, EncoderScores
    from lab.evaluate.voice import VoiceEvaluation


def pair_table(evaluation: "VoiceEvaluation") -> Table:
    """Every conversion beside its source and the baselines."""
    table = Table(title="Conversions of held-out sources", title_justify="left")
    table.add_column("target ← source")
    table.add_column("sound")
    for column in ("cosine", "MOS", "CER", "log-f0 corr.", "f0 error", "V/UV F1", "content"):
        table.add_column(column, justify="right")
    for pair in evaluation.pairs:
        title = f"{pair.target} ← {pair.source} ({pair.key_shift:+d})"
        rows = {"source": pair.unconverted, "WORLD copy": pair.copy, "difference": pair.difference}
        for sound, figures in (rows | {"converted": pair.converted}).items():
            table.add_row(title, sound, *_cells(figures), end_section=sound == "converted")
            title = ""
    table.caption = "Cosine: speaker, to the target. Content: mean cosine to the source's content features."
    return table


def _cells(figures: "ConversionFigures") -> list[str]:
    return [
        number(figures.cosine),
        number(figures.mos),
        number(figures.cer),
        number(figures.f0_correlation, 3),
        number(figures.f0_cents, 0, " cents"),
        number(figures.voicing_f1),
        number(figures.content_cosine),
    ]


def target_table(evaluation: "VoiceEvaluation") -> Table:
    """What is measured on each target alone."""
    table = Table(title="Targets", title_justify="left")
    table.add_column("target")
    for column in ("voice", "trained", "steps", "MCD", "MCD of WORLD copy", "own cosine", "real-time factor"):
        table.add_column(column, justify="right")
    for target in evaluation.targets:
        table.add_row(
            target.name,
            f"{target.minutes:.1f} min",
            f"{target.asked_seconds / 60:.1f} min",
            str(target.steps),
            number(target.mcd, 2, " dB"),
            number(target.mcd_copy, 2, " dB"),
            number(target.own_cosine),
            number(target.real_time_factor),
        )
    return table


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
        interval = f"{gain.eer[0]:+.1%}…{gain.eer[1]:+.1%}" if gain else ""
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
        result = "[green]passed[/]" if verdict.passed else "[red]missed[/]"
        table.add_row(verdict.gate.requirement, f"{sign} {verdict.gate.limit:g}", number(verdict.value, 3), result)
    return table
