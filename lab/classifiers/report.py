"""What is written of a trained classifier: a card and a report, for people and for programs, and a picture."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from matplotlib.colors import PowerNorm
from numpy.typing import NDArray

from files.atomic import atomic_write
from lab.classifiers.figures import ClassifierFigures, SingerRow, rows
from lab.classifiers.fit import FitVerdict
from lab.classifiers.split import By
from lab.classifiers.task import SingerConfig
from pipeline.canvas import canvas

CARD, REPORT, PICTURE = "card", "report", "confusion.png"
INCHES, NARROW, FRINGE = 0.3, 0.2, 2.6
"""Of a cell, of one among many, of the labels around them."""
NUMBERED = 30
"""Up to so many singers the cells carry numbers; above they are narrow."""
LONGEST_NAME = 22
SHOWN: tuple[tuple[str, Callable[[ClassifierFigures], str]], ...] = (
    ("count", lambda f: f"{f.count}"),
    ("top-1", lambda f: f"{f.top1:.1%}"),
    ("top-1, 95 % interval", lambda f: f"{f.top1_range[0]:.1%}…{f.top1_range[1]:.1%}"),
    ("top-3", lambda f: f"{f.top3:.1%}"),
    ("macro F1", lambda f: f"{f.macro_f1:.3f}"),
    ("cross entropy (nat)", lambda f: f"{f.cross_entropy:.3f}"),
    ("… with temperature", lambda f: f"{f.cross_entropy_scaled:.3f}"),
    ("expected calibration error", lambda f: f"{f.calibration_error:.3f}"),
    ("… with temperature", lambda f: f"{f.calibration_error_scaled:.3f}"),
    ("temperature", lambda f: f"{f.temperature:.2f}"),
)


@dataclass(frozen=True, kw_only=True)
class Amount:
    """Size of one side of the split."""

    songs: int
    albums: int
    crops: int
    minutes: float
    """Of voice, in crops without their quiet parts."""


@dataclass(frozen=True, kw_only=True)
class ClassifierProvenance:
    """How a classifier was trained; written into the weights, too, under `made`."""

    start: str
    separator: str
    voicing: str
    steps: int
    stopped: str
    """Why training ended."""
    validation_cross_entropy: float
    seed: int
    whole_groups: By
    bf16: bool
    crop_temperature: float
    config: SingerConfig


@dataclass(frozen=True, kw_only=True)
class ClassifierOutcome:
    """A finished training."""

    name: str
    sha256: str
    """Of the weights."""
    singers: tuple[str, ...]
    provenance: ClassifierProvenance
    amounts: Mapping[str, Amount]
    """By side."""
    verdict: FitVerdict
    device: str

    @property
    def table(self) -> list[SingerRow]:
        """One row a singer, by crop."""
        return rows(self.verdict.confusion, self.singers)


def write(out: Path, outcome: ClassifierOutcome) -> None:
    """Write card and report as JSON and Markdown, and the picture."""
    amounts = {side: asdict(amount) for side, amount in outcome.amounts.items()}
    card = {
        "name": outcome.name,
        "sha256": outcome.sha256,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": outcome.device,
        "singers": outcome.singers,
        "made": asdict(outcome.provenance),
        "amounts": amounts,
        "figures": {"songs": asdict(outcome.verdict.songs), "crops": asdict(outcome.verdict.crops)},
    }
    report = {
        "name": outcome.name,
        "sha256": outcome.sha256,
        "crops": asdict(outcome.verdict.crops),
        "songs": asdict(outcome.verdict.songs),
        "singers": [asdict(row) for row in outcome.table],
        "confusion": outcome.verdict.confusion.tolist(),
    }
    texts = {
        f"{CARD}.json": json.dumps(card, ensure_ascii=False, indent=1),
        f"{CARD}.md": card_text(outcome),
        f"{REPORT}.json": json.dumps(report, ensure_ascii=False, indent=1),
        f"{REPORT}.md": report_text(outcome),
    }
    for name, text in texts.items():
        with atomic_write(out / name) as file:
            file.write(text.encode())
    title = f"{outcome.name}: crops of songs that were held out"
    plot_confusion(out / PICTURE, outcome.verdict.confusion, outcome.singers, title)


def card_text(outcome: ClassifierOutcome) -> str:
    """The card for people."""
    provenance, songs = outcome.provenance, outcome.verdict.songs
    lines = [
        f"# {outcome.name}",
        "",
        "Tells which of its singers a voice is, from a separated voice at 16 kHz. It knows nobody else: for a stranger "
        "it names the most alike, so a “none of them” must come from elsewhere.",
        "",
        f"- Weights: `singers.safetensors`, sha256 `{outcome.sha256}`",
        f"- Started from: {provenance.start}",
        f"- Separator: {provenance.separator}; voicing: {provenance.voicing}",
        f"- {provenance.steps} steps on {outcome.device} in {'bf16' if provenance.bf16 else 'fp32'}, "
        f"ended by: {provenance.stopped}; seed {provenance.seed}",
        f"- Best cross entropy on validation: {provenance.validation_cross_entropy:.3f} nat",
        f"- On {songs.count} held-out songs: top-1 {songs.top1:.1%}, top-3 {songs.top3:.1%}, macro F1 "
        f"{songs.macro_f1:.2f}; see report.md",
        "",
        "| side | songs | albums | crops | minutes of voice |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {side} | {a.songs} | {a.albums or '–'} | {a.crops} | {a.minutes:.1f} |"
        for side, a in outcome.amounts.items()
    ]
    lines += [
        "",
        f"Settings: `{json.dumps(asdict(provenance.config))}`",
        "",
        "Singers: " + ", ".join(outcome.singers),
        "",
    ]
    return "\n".join(lines)


def report_text(outcome: ClassifierOutcome) -> str:
    """The report for people."""
    crops, songs = outcome.verdict.crops, outcome.verdict.songs
    lines = [
        f"# Report: {outcome.name}",
        "",
        "Of songs that were neither learnt from nor used to stop or to calibrate. A song's answer is the mean of its "
        "crops' log-probabilities. Temperatures are fitted on the validation part.",
        "",
        "| figure | crops | songs |",
        "| --- | --- | --- |",
        *(f"| {name} | {of_crops} | {of_songs} |" for name, of_crops, of_songs in figure_rows(crops, songs)),
        "",
        f"A guess would have top-1 {1 / len(outcome.singers):.1%}. The 95 % interval takes crops of one song for "
        "independent, which they are not; trust that of the songs.",
        "",
        f"![Who is taken for whom]({PICTURE})",
        "",
        "| singer | crops | precision | recall | F1 | most taken for |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {_cell(row.singer)} | {row.count} | {row.precision:.2f} | {row.recall:.2f} | {row.f1:.2f} | "
        f"{_cell(row.most_taken_for) or '–'} |"
        for row in outcome.table
    ]
    return "\n".join([*lines, ""])


def figure_rows(crops: ClassifierFigures, songs: ClassifierFigures) -> list[tuple[str, str, str]]:
    """Name, of crops, of songs: every figure as text."""
    return [(name, show(crops), show(songs)) for name, show in SHOWN]


def plot_confusion(path: Path, table: NDArray[np.int64], singers: tuple[str, ...], title: str) -> None:
    """Rows are the true singers, columns the predicted ones, each row in shares of its crops."""
    shares = table / np.maximum(1, table.sum(1, keepdims=True))
    names = [name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…" for name in singers]
    numbered = len(singers) <= NUMBERED
    side, size = max(2.4, (INCHES if numbered else NARROW) * len(singers)), 8 if numbered else 7
    with canvas(path, side + FRINGE, side + 0.8 * FRINGE) as figure:
        axes = figure.subplots()
        image = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 1))  # so that rare errors are visible
        places = np.arange(len(singers))
        axes.set_xticks(places, names, rotation=90, fontsize=size)
        axes.set_yticks(
            places, [f"{name} ({count})" for name, count in zip(names, table.sum(1), strict=True)], fontsize=8
        )
        axes.set_xticks(places - 0.5, minor=True)
        axes.set_yticks(places - 0.5, minor=True)
        axes.grid(which="minor", color="#e4e4e4", linewidth=0.5)
        axes.tick_params(which="both", length=0)
        if numbered:
            for row, column in np.argwhere(shares >= 0.005):
                colour = "white" if shares[row, column] > 0.35 else "black"
                text = f"{100 * shares[row, column]:.0f}"
                axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=7)
        axes.set_xlabel("who was named" + (" (per cent of the row)" if numbered else ""), fontsize=9)
        axes.set_ylabel("who sings (crops)", fontsize=9)
        axes.set_title(title, fontsize=10, loc="left")
        figure.colorbar(image, ax=axes, shrink=0.5, aspect=30, pad=0.02, label="share of the row")
        axes.spines[:].set_visible(False)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
