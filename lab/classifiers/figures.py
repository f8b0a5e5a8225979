"""How well a classifier knows singers: accuracy, cross entropy, and whether its probabilities are calibrated.

Guo et al., "On Calibration of Modern Neural Networks", ICML 2017: one temperature, fitted on validation.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

Numbers = NDArray[np.float64]
Truth = NDArray[np.int64]
BINS = 15
TEMPERATURES = (0.05, 20.0)
SPREAD = 0.5
"""Prior deviation of a temperature's logarithm."""
SURE = 1.96
"""Deviations for 95 %."""


@dataclass(frozen=True, kw_only=True)
class ClassifierFigures:
    """Of held-out crops or songs. Cross entropies in nats; `scaled` means with the temperature."""

    count: int
    top1: float
    top1_range: tuple[float, float]
    """Wilson's 95 % interval; it takes crops of one song for independent, which they are not."""
    top3: float
    macro_f1: float
    cross_entropy: float
    cross_entropy_scaled: float
    calibration_error: float
    calibration_error_scaled: float
    temperature: float


@dataclass(frozen=True, kw_only=True)
class SingerRow:
    """One singer."""

    singer: str
    count: int
    precision: float
    recall: float
    f1: float
    most_taken_for: str
    """The singer that wrong answers name most; empty if there are none."""


def measure(logs: Numbers, truth: Truth, temperature: float) -> ClassifierFigures:
    """Figures of log-probabilities (n, labels) with the right labels (n,)."""
    scaled = log_softmax(logs / temperature)
    ranks = (logs > logs[np.arange(len(truth)), truth][:, None]).sum(1)
    return ClassifierFigures(
        count=len(truth),
        top1=float((ranks == 0).mean()),
        top1_range=wilson(int((ranks == 0).sum()), len(truth)),
        top3=float((ranks < 3).mean()),
        macro_f1=float(np.mean([f1 for _, _, f1 in scores(confusion(logs, truth))])),
        cross_entropy=cross_entropy(logs, truth),
        cross_entropy_scaled=cross_entropy(scaled, truth),
        calibration_error=calibration_error(logs, truth),
        calibration_error_scaled=calibration_error(scaled, truth),
        temperature=temperature,
    )


def fit_temperature(logs: Numbers, truth: Truth) -> float:
    """The likeliest temperature on validation, if log-normal round 1 beforehand.

    On ten songs that are all predicted rightly the lowest cross entropy is that of utter certainty, and the first wrong
    answer in the test then costs more than all others together.
    """

    def cost(logarithm: float) -> float:
        doubt = (logarithm / SPREAD) ** 2 / 2
        return cross_entropy(log_softmax(logs / np.exp(logarithm)), truth) + float(doubt) / len(truth)

    best = minimize_scalar(cost, bounds=np.log(TEMPERATURES).tolist(), method="bounded")
    return float(np.exp(best.x))


def by_song(logs: Numbers, songs: NDArray[np.int64]) -> Numbers:
    """Crops (n, labels), each with its song's number (n,) → songs (m, labels): mean log-probabilities, normalised."""
    means = np.stack([logs[songs == song].mean(0) for song in np.unique(songs)])
    return log_softmax(means)


def confusion(logs: Numbers, truth: Truth) -> NDArray[np.int64]:
    """(labels, labels): rows are the right answers, columns the predictions."""
    table = np.zeros((logs.shape[1], logs.shape[1]), np.int64)
    np.add.at(table, (truth, logs.argmax(1)), 1)
    return table


def scores(table: NDArray[np.int64]) -> list[tuple[float, float, float]]:
    """Precision, recall and F1 of each label of a confusion; 0 where there is nothing to divide by."""
    hits = np.diag(table)
    predicted, right = table.sum(0), table.sum(1)
    return [
        (h / max(1, p), h / max(1, r), 2 * h / max(1, p + r)) for h, p, r in zip(hits, predicted, right, strict=True)
    ]


def rows(table: NDArray[np.int64], singers: tuple[str, ...]) -> list[SingerRow]:
    """The table of all singers, from their confusion."""
    table_rows = []
    for number, (singer, (precision, recall, f1)) in enumerate(zip(singers, scores(table), strict=True)):
        wrong = np.where(np.arange(len(singers)) == number, 0, table[number])
        other = singers[int(wrong.argmax())] if wrong.any() else ""
        table_rows.append(
            SingerRow(
                singer=singer,
                count=int(table[number].sum()),
                precision=float(precision),
                recall=float(recall),
                f1=float(f1),
                most_taken_for=other,
            )
        )
    return table_rows


def cross_entropy(logs: Numbers, truth: Truth) -> float:
    """Nats, of log-probabilities."""
    return float(-logs[np.arange(len(truth)), truth].mean())


def calibration_error(logs: Numbers, truth: Truth) -> float:
    """Expected gap between confidence and accuracy, over 15 equal bins of confidence."""
    confidence, right = np.exp(logs.max(1)), logs.argmax(1) == truth
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return float(sum(abs((confidence - right)[bins == b].sum()) for b in range(BINS)) / len(truth))


def log_softmax(logits: Numbers) -> Numbers:
    """Over the last axis."""
    shifted = logits - logits.max(-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(-1, keepdims=True)))


def wilson(hits: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share."""
    share, z2 = hits / count, SURE**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = SURE / (1 + z2 / count) * np.sqrt(share * (1 - share) / count + z2 / (4 * count**2))
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))
