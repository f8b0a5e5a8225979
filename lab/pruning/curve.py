"""What pruning costs and gains, as a curve: SDR with its interval against megabytes, seconds and zeros."""

import csv
import io
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch
from torch import Tensor, nn

from files.atomic import atomic_write
from lab.errors import PruningError
from lab.evaluate.intervals import LEAST, bootstrap
from lab.separators.trainable import TrainableSeparator
from models.signal import MUSIC_RATE
from pipeline.canvas import BLUE, GREY, ORANGE, canvas
from pipeline.captions import figure

TABLE, PICTURE, ROWS = "curve.csv", "curve.png", "curve.json"
UNPRUNED = "unpruned"
COLOURS = {"none": GREY, "magnitude": BLUE, "band": ORANGE, "structured": "#3f8f5b"}
ROUNDS = 5
"""Of timing; the fastest counts."""


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """One network of a curve."""

    rule: str
    share: float
    """Of weights zeroed, or of units taken out, that was asked for."""
    zeros: float
    """The share of zeros in the weights that the rules touch."""
    parameters: int
    megabytes: float
    """Of its file, 10⁶ bytes."""
    seconds: float
    """Of CPU (on a GPU: of time) per second of sound, without overlap."""
    unpruned_seconds: float
    """The same of the unpruned network, measured in turn with it."""
    sdr: list[float]
    """dB of each held-out track's vocals."""
    untuned_sdr: list[float]
    """Before it learnt again."""
    steps: int
    """Of learning, all shares before it included."""
    file: str
    sha256: str

    @property
    def mean(self) -> float:
        """Mean over the tracks, dB."""
        return sum(self.sdr) / len(self.sdr)

    @property
    def untuned(self) -> float:
        """Mean over the tracks before it learnt again, dB."""
        return sum(self.untuned_sdr) / len(self.untuned_sdr)

    @property
    def time(self) -> float:
        """Of the unpruned network's, as a share."""
        return self.seconds / self.unpruned_seconds

    def change(self, other: "CurvePoint") -> list[float]:
        """By how many dB each track is better than at another point."""
        return [own - theirs for own, theirs in zip(self.sdr, other.sdr, strict=True)]


@dataclass(frozen=True)
class Curve:
    """All points, the unpruned network first."""

    separator: str
    tracks: list[str]
    points: list[CurvePoint]

    @property
    def start(self) -> CurvePoint:
        """The unpruned network."""
        return self.points[0]


@dataclass(frozen=True, kw_only=True)
class CurveRow:
    """One network of a curve's table, as a page shows it."""

    separator: str
    tracks: int
    """That were held out."""
    rule: str
    share: float
    zeros: float
    megabytes: float
    seconds: float
    """Of work per second of sound."""
    sdr: float
    sdr_interval: tuple[float, float] | None
    """95 %; None of fewer than five tracks."""
    change: float
    """In dB, against the unpruned network."""
    change_interval: tuple[float, float] | None


def cost(trainable: TrainableSeparator, original: nn.Module, network: nn.Module, mix: Tensor) -> tuple[float, float]:
    """Seconds per second of sound of a network and of the original, measured in turn, the fastest of five each."""
    best = [float("inf"), float("inf")]
    with torch.inference_mode():
        running = [trainable.as_it_runs(which) for which in (network, original)]
        for _ in range(ROUNDS + 1):  # the first warms up
            for place, run in enumerate(running):
                best[place] = min(best[place], _seconds(run, mix))
    length = mix.shape[0] * mix.shape[-1] / MUSIC_RATE
    return best[0] / length, best[1] / length


def write_curve(out: Path, curve: Curve) -> None:
    """Write rows and table, each atomically. Raises DiskFull."""
    with atomic_write(out / ROWS) as file:
        file.write(json.dumps(asdict(curve), indent=1, ensure_ascii=False).encode())
    text = io.StringIO()
    rows = table(curve)
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    with atomic_write(out / TABLE) as file:
        file.write(text.getvalue().encode())


def read_curve(out: Path) -> Curve | None:
    """The curve that a folder holds, if any. Raises PruningError: a file that is none of ours."""
    path = out / ROWS
    if not path.exists():
        return None
    try:
        stored = json.loads(path.read_text("utf-8"))
        names = {field.name for field in fields(CurvePoint)}
        points = [CurvePoint(**{name: row[name] for name in names}) for row in stored["points"]]
        return Curve(stored["separator"], stored["tracks"], points)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PruningError(f"{path} is not what this command writes. Remove it, or choose another --out.") from error


def read_table(path: Path) -> list[CurveRow]:
    """The rows of a file that `write_curve` wrote as TABLE. Raises PruningError."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [_row(row) for row in csv.DictReader(file)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PruningError(f"{path} is not what `discovervoice prune` writes. Remove it, or prune again.") from error
    if not rows:
        raise PruningError(f"{path} holds no network. Remove it, or prune again.")
    return rows


def _row(stored: dict[str, str]) -> CurveRow:
    def interval(name: str) -> tuple[float, float] | None:
        low, high = stored[f"{name} low"], stored[f"{name} high"]
        return (float(low), float(high)) if low else None

    return CurveRow(
        separator=stored["separator"],
        tracks=int(stored["tracks"]),
        rule=stored["rule"],
        share=float(stored["share"]),
        zeros=float(stored["zeros"]),
        megabytes=float(stored["MB"]),
        seconds=float(stored["s per s"]),
        sdr=float(stored["SDR"]),
        sdr_interval=interval("SDR"),
        change=float(stored["change"]),
        change_interval=interval("change"),
    )


def table(curve: Curve) -> list[dict[str, str]]:
    """A row a point; an interval is empty where there are fewer than five tracks."""
    rows = []
    for point in curve.points:
        interval, change = bootstrap(point.sdr), point.change(curve.start)
        moved = bootstrap(change)
        rows.append(
            {
                "separator": curve.separator,
                "tracks": str(len(curve.tracks)),
                "rule": point.rule,
                "share": f"{point.share:.2f}",
                "zeros": f"{point.zeros:.3f}",
                "parameters": str(point.parameters),
                "MB": f"{point.megabytes:.2f}",
                "s per s": f"{point.seconds:.4f}",
                "time of unpruned": f"{point.time:.2f}",
                "SDR": f"{point.mean:.3f}",
                "SDR low": f"{interval[0]:.3f}" if interval else "",
                "SDR high": f"{interval[1]:.3f}" if interval else "",
                "change": f"{sum(change) / len(change):.3f}",
                "change low": f"{moved[0]:.3f}" if moved else "",
                "change high": f"{moved[1]:.3f}" if moved else "",
                "SDR untuned": f"{point.untuned:.3f}",
                "steps": str(point.steps),
                "file": point.file,
            }
        )
    return rows


def sentences(curve: Curve) -> list[str]:
    """What the curve says: what zeros save, what taking out saves, and what it is no evidence for."""
    said = []
    zeroed = [p for p in curve.points if p.zeros > 0.005 and p.parameters == curve.start.parameters]
    if zeroed:
        most = max(zeroed, key=lambda point: point.zeros)
        said.append(
            f"Zeroed weights alone save no time: with {most.zeros:.0%} zeros the network takes "
            f"{most.time:.2f} of the unpruned one's time and "
            f"{most.megabytes / curve.start.megabytes:.2f} of its file."
        )
    smaller = [p for p in curve.points if p.parameters < curve.start.parameters]
    if smaller:
        least = min(smaller, key=lambda point: point.parameters)
        change = figure(least.mean - curve.start.mean, "+.2f")
        said.append(
            f"Units taken out do: with {least.parameters / curve.start.parameters:.0%} of the parameters it takes "
            f"{least.time:.2f} of the time and "
            f"{least.megabytes / curve.start.megabytes:.2f} of the file; its SDR is {change} dB."
        )
    if len(curve.tracks) < LEAST:
        said.append(f"{len(curve.tracks)} held-out tracks are too few for an interval; {LEAST} are needed.")
    return said


def plot(path: Path, curve: Curve) -> None:
    """Vocals' SDR over megabytes, over seconds, and over the share that was taken; bars are 95 % intervals."""
    axes_of = (
        ("file, MB", "megabytes"),
        ("time, share of the unpruned", "time"),
        ("share zeroed or taken out", "share"),
    )
    with canvas(path, 10, 3.6) as figure:
        panels = figure.subplots(1, 3, sharey=True)
        for axes, (label, name) in zip(panels, axes_of, strict=True):
            axes.axhline(curve.start.mean, color=GREY, linewidth=1, linestyle="--")
            for rule in dict.fromkeys(point.rule for point in curve.points[1:]):
                points = [curve.start, *(point for point in curve.points if point.rule == rule)]
                x = [getattr(point, name) for point in points]
                axes.plot(x, [p.mean for p in points], color=COLOURS.get(rule, GREY), marker=".", label=rule)
            axes.set_xlabel(label, fontsize=9)
            axes.spines[["top", "right"]].set_visible(False)
        for point in curve.points:
            if interval := bootstrap(point.change(curve.start)):
                low, high = (curve.start.mean + edge for edge in interval)
                panels[2].vlines(point.share, low, high, color=COLOURS.get(point.rule, GREY), alpha=0.5)
        panels[0].set_ylabel("SDR of vocals, dB", fontsize=9)
        if len(curve.points) > 1:
            panels[0].legend(fontsize=8, frameon=False)
        figure.suptitle(f"{curve.separator}: {len(curve.tracks)} held-out tracks", fontsize=10)


def _seconds(run: Callable[[Tensor], object], mix: Tensor) -> float:
    clock = time.process_time if mix.device.type == "cpu" else time.perf_counter
    start = clock()
    run(mix)
    if mix.device.type == "cuda":
        torch.cuda.synchronize()
    return clock() - start
