"""What `discovervoice evaluate voice` measured, as tables for the terminal: one a target, one without training."""

import math
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from cli.report import number
from pipeline.captions import figure

if TYPE_CHECKING:
    from lab.evaluate.figures import ConversionFigures
    from lab.evaluate.pairs import Pair
    from lab.evaluate.voice import VoiceEvaluation

COLUMNS = ("cos.", "CAM++", "MOS", "DNS", "CER", "f0 r", "cents", "V/UV", "cont.", "LTAS")
"""80 columns must do: that is what a log has."""
CAPTION = (
    "cos., CAM++: speaker, to the target. DNS: DNSMOS. f0 r: log-f0 correlation. cents: root mean square/median. "
    "cont.: content cosine to the source. LTAS: dB between average spectra, to the target. "
    "*: by Whisper, which the voices listen with."
)


def measured(value: float, digits: int = 2, unit: str = "") -> str:
    """A figure, or a dash where it could not be measured."""
    return number(None if math.isnan(value) else value, digits, unit)


def pair_table(evaluation: "VoiceEvaluation", target: str) -> Table:
    """Every conversion to a target beside its source and the baselines."""
    table = _table(f"Conversions to {target}", "source (key shift)")
    for pair in evaluation.pairs:
        if pair.target != target or pair.converted is None or pair.difference is None:
            continue
        rows = {"source": pair.unconverted, "WORLD copy": pair.copy, "difference": pair.difference}
        table.add_row(Text(_title(pair, pair.key_shift), "bold"))
        for sound, figures in (rows | {"converted": pair.converted, "zero-shot": pair.instant}).items():
            table.add_row(f" {sound}", *_cells(figures, pair), end_section=sound == "zero-shot")
    return table


def instant_table(evaluation: "VoiceEvaluation") -> Table:
    """Every conversion by a voice from one note, with what the source and the copy have."""
    table = _table("Zero-shot: one note, no training", "source (key shift)")
    for untrained in evaluation.untrained:
        notes = f"{len(untrained.notes)} joined notes" if len(untrained.notes) > 1 else "one note"
        table.add_row(Text(untrained.name, "bold"), *[""] * len(COLUMNS))
        table.caption = f"{table.caption} {untrained.name}: {untrained.seconds:.0f} s of voice in {notes}."
        for pair in evaluation.pairs:
            if pair.target == untrained.name:
                source, copy, instant = (_cells(f, pair) for f in (pair.unconverted, pair.copy, pair.instant))
                table.add_row(f" {_title(pair, pair.instant_key_shift)}", *instant)
                table.add_row("   source", *source, style="dim")
                table.add_row("   WORLD copy", *copy, style="dim")
        table.add_section()
    return table


def target_table(evaluation: "VoiceEvaluation") -> Table:
    """What is measured on each target alone."""
    table = Table(title="Targets", title_justify="left")
    table.add_column("target", no_wrap=True)
    for column in ("voice", "trained", "steps", "MCD", "copy's MCD", "own cos.", "RTF"):
        table.add_column(column, justify="right")
    for target in evaluation.targets:
        table.add_row(
            target.name,
            f"{target.minutes:.1f} min",
            f"{target.asked_seconds / 60:.1f} min",
            str(target.steps),
            measured(target.mcd, 2, " dB"),
            measured(target.mcd_copy, 2, " dB"),
            measured(target.own_cosine),
            measured(target.real_time_factor),
        )
    table.caption = "Copy: WORLD's. Own cos.: of the reconstructions. RTF: real-time factor on two threads."
    return table


def _table(title: str, first: str) -> Table:
    table = Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=0, show_edge=False, caption_justify="left"
    )
    table.add_column(first, no_wrap=True)
    for column in COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    table.caption = CAPTION
    return table


def _title(pair: "Pair", shift: int | None) -> str:
    return f"{pair.source} ({figure(shift or 0, '+d')})"


def _cells(figures: "ConversionFigures", pair: "Pair") -> list[str]:
    return [
        measured(figures.cosine),
        measured(figures.campplus_cosine),
        measured(figures.mos),
        measured(figures.dnsmos),
        measured(figures.cer) + ("" if pair.independent_cer else "*"),
        measured(figures.f0_correlation, 3),
        f"{measured(figures.f0_cents, 0)}/{measured(figures.f0_cents_median, 0)}",
        measured(figures.voicing_f1),
        measured(figures.content_cosine),
        measured(figures.spectral_distance, 1),
    ]
