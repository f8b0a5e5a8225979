"""What is written of `evaluate match`: every figure as JSON, and two pictures."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from files.atomic import atomic_write
from lab.classifiers.report import plot_confusion
from lab.errors import SingersError
from lab.evaluate.match_trials import NONE, MatchFigures, MatchTrials, confusion_with_none, open_set_curve, reliability
from lab.evaluate.recommender import RecommenderFigures
from lab.evaluate.record import plain
from pipeline.canvas import BLUE, GREY, canvas

FILE, PICTURE, CONFUSION = "match.json", "match.png", "match-confusion.png"


@dataclass(frozen=True)
class MatchEvaluation:
    """What was measured, and by what."""

    data: str
    """What the recordings are."""
    model: str
    match: MatchFigures
    recommender: tuple[RecommenderFigures, ...]


def write_match(out: Path, evaluation: MatchEvaluation, trials: MatchTrials) -> None:
    """Write `match.json` and the pictures. Raises DiskFull."""
    out.mkdir(parents=True, exist_ok=True)
    with atomic_write(out / FILE) as file:
        file.write(json.dumps(plain(asdict(evaluation)), indent=1, ensure_ascii=False).encode())
    plot_curves(out / PICTURE, trials)
    title = f"Recordings that the library has not heard — {evaluation.model}"
    plot_confusion(out / CONFUSION, confusion_with_none(trials), (*trials.singers, NONE), title)


def read_match(path: Path) -> MatchEvaluation:
    """What `write_match` wrote. Raises SingersError."""
    try:
        stored = json.loads(path.read_text("utf-8"))
        figures = MatchFigures(**{name: _pair(value) for name, value in stored["match"].items()})
        rows = [{name: _pair(value) for name, value in row.items()} for row in stored["recommender"]]
        recommender = tuple(
            RecommenderFigures(
                **row | {"out_of_range": float("nan") if row["out_of_range"] is None else row["out_of_range"]}
            )
            for row in rows
        )
        return MatchEvaluation(stored["data"], stored["model"], figures, recommender)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SingersError(f"{path} is not what `discovervoice evaluate match` writes. Run it again.") from error


def plot_curves(path: Path, trials: MatchTrials) -> None:
    """Reliability of the answers, and the open-set curve of "none of them"."""
    means, shares, weights = reliability(trials)
    named, rightly = open_set_curve(trials)
    with canvas(path, 8, 3.6) as figure:
        left, right = figure.subplots(1, 2)
        left.plot([0, 1], [0, 1], color=GREY, linewidth=1)
        left.bar(means, shares, width=0.06, color=BLUE, alpha=0.35)
        left.scatter(means, shares, s=10 + 300 * weights, color=BLUE)
        left.set_xlabel("probability of the answer", fontsize=9)
        left.set_ylabel("share that was right", fontsize=9)
        left.set_title("Reliability (areas: share of answers)", fontsize=9, loc="left")
        right.plot(named, rightly, color=BLUE)
        right.set_xlabel("strangers who are given a name", fontsize=9)
        right.set_ylabel("known singers who are given theirs", fontsize=9)
        right.set_title("Open set: the threshold of “none of them”", fontsize=9, loc="left")
        for axes in (left, right):
            axes.set_xlim(0, 1.02)
            axes.set_ylim(0, 1.05)
            axes.spines[["top", "right"]].set_visible(False)


def _pair(value: Any) -> Any:
    """JSON has no tuples."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(value)
    return value
