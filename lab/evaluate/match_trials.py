"""What `/match` answers to recordings that its library has not heard, and what the answers are worth.

Protocol. Recordings of each singer are dealt into folds. Each fold asks once of a library that is made and calibrated
on the others: with its singer in it (the name is right), and with its singer taken out ("none of them" is right). Both
kinds weigh the same. Intervals draw singers, for the recordings of one are alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.classifiers.figures import scores
from lab.errors import SingersError
from lab.evaluate.intervals import Interval, bootstrap
from models.signal import Floats32
from pipeline.matching.match import MIN_CLIPS, Match, fit_library, match
from pipeline.progress import Report, ignore

Numbers = NDArray[np.float64]
Places = NDArray[np.int64]
FOLDS = 3
LEAST_RECORDINGS = MIN_CLIPS + 1
"""Of a singer: without a fold's share, enough must be left to calibrate on."""
LEAST_SINGERS = 3
BINS = 10
NONE = "none of them"


@dataclass(frozen=True)
class MatchTrials:
    """Answers to known singers (n, S + 1) and to unknown ones (m, S + 1), "none of them" last."""

    singers: tuple[str, ...]
    known: Numbers
    truth: Places
    """(n,) whose recording it is."""
    unknown: Numbers
    absent: Places
    """(m,) whose recording it is; that singer's column is zero."""


@dataclass(frozen=True, kw_only=True)
class MatchFigures:
    """Cross entropy in nats. An answer is what has the highest probability, "none of them" among it."""

    singers: int
    known: int
    """Trials."""
    unknown: int
    top1: float
    """Share of known singers whose own voice comes first among the voices."""
    top1_interval: Interval | None
    top3: float
    macro_f1: float
    """Mean of F1 over the singers and "none of them", each by its answers."""
    cross_entropy: float
    cross_entropy_interval: Interval | None
    calibration_error: float
    open_set_area: float
    """Area below the open-set curve: known singers named rightly against strangers who are given a name."""
    strangers_named: float
    """Share of unknown singers whom the answer gives a name."""
    refused: float
    """Share of known singers to whom the answer is "none of them"."""


def ask_library(embeddings: Mapping[str, Floats32], labels: Sequence[str] = (), report: Report = ignore) -> MatchTrials:
    """Every trial on the clips (n, C) of each singer; `labels`: whom the encoder was trained to tell apart.

    Raises SingersError: too few singers or recordings.
    """
    names = tuple(name for name, own in embeddings.items() if len(own) >= LEAST_RECORDINGS)
    if len(names) < LEAST_SINGERS:
        raise SingersError(
            f"At least {LEAST_SINGERS} singers are needed, each with {LEAST_RECORDINGS} recordings in which a voice is "
            f"heard; here are {len(names)}."
        )
    rows: dict[bool, list[tuple[int, Numbers]]] = {True: [], False: []}
    for fold in range(FOLDS):
        rest = {name: _without(embeddings[name], fold) for name in names}
        whole = fit_library(rest, labels)
        for place, name in enumerate(names):
            others = fit_library({other: own for other, own in rest.items() if other != name}, labels)
            for query in embeddings[name][fold::FOLDS]:
                rows[True].append((place, _probabilities(match(query[None], whole), names)))
                rows[False].append((place, _probabilities(match(query[None], others), names)))
            report("asking", (fold + (place + 1) / len(names)) / FOLDS)
    (known, truth), (unknown, absent) = (_stacked(rows[kind]) for kind in (True, False))
    return MatchTrials(names, known, truth, unknown, absent)


def measure_match(trials: MatchTrials) -> MatchFigures:
    """All figures."""
    count = len(trials.singers)
    own = trials.known[np.arange(len(trials.truth)), trials.truth]
    ranks = (trials.known[:, :-1] > own[:, None]).sum(1)
    none = trials.unknown[:, -1]
    losses = [
        float((-np.log(np.maximum(own[trials.truth == s], 1e-12)).mean() - _log(none[trials.absent == s]).mean()) / 2)
        for s in range(count)
    ]
    firsts = [float((ranks[trials.truth == s] == 0).mean()) for s in range(count)]
    return MatchFigures(
        singers=count,
        known=len(trials.truth),
        unknown=len(none),
        top1=float((ranks == 0).mean()),
        top1_interval=bootstrap(firsts),
        top3=float((ranks < 3).mean()),
        macro_f1=float(np.mean([f1 for _, _, f1 in scores(confusion_with_none(trials))])),
        cross_entropy=float((-_log(own).mean() - _log(none).mean()) / 2),
        cross_entropy_interval=bootstrap(losses),
        calibration_error=_calibration_error(trials),
        open_set_area=_area(*open_set_curve(trials)),
        strangers_named=float((trials.unknown.argmax(1) != count).mean()),
        refused=float((trials.known.argmax(1) == count).mean()),
    )


def confusion_with_none(trials: MatchTrials) -> Places:
    """(S + 1, S + 1): rows are who sings, "none of them" last; columns what was answered."""
    count = len(trials.singers)
    table = np.zeros((count + 1, count + 1), np.int64)
    np.add.at(table, (trials.truth, trials.known.argmax(1)), 1)
    np.add.at(table, (np.full(len(trials.absent), count), trials.unknown.argmax(1)), 1)
    return table


def open_set_curve(trials: MatchTrials) -> tuple[Numbers, Numbers]:
    """Strangers who are given a name, and known singers who are given theirs, both as shares, by rising threshold.

    A name is given where "none of them" has less than the threshold (Dhamija et al. 2018, "Reducing Network
    Agnostophobia").
    """
    right = trials.known[:, :-1].argmax(1) == trials.truth
    refusals, strangers = trials.known[:, -1], trials.unknown[:, -1]
    limits = np.concatenate([[0.0], np.unique(np.concatenate([refusals, strangers])), [np.inf]])
    named = np.array([(strangers < limit).mean() for limit in limits])
    rightly = np.array([(right & (refusals < limit)).mean() for limit in limits])
    return named, rightly


def reliability(trials: MatchTrials) -> tuple[Numbers, Numbers, Numbers]:
    """Mean confidence, share that was right and weight of each bin of confidence; empty bins are left out."""
    confidence, right, weight = _answers(trials)
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    filled = np.array([b for b in range(BINS) if (bins == b).any()])
    weights = np.array([weight[bins == b].sum() for b in filled])
    means = np.array([(weight * confidence)[bins == b].sum() for b in filled]) / weights
    shares = np.array([(weight * right)[bins == b].sum() for b in filled]) / weights
    return means, shares, weights


def _calibration_error(trials: MatchTrials) -> float:
    means, shares, weights = reliability(trials)
    return float((np.abs(means - shares) * weights).sum())


def _answers(trials: MatchTrials) -> tuple[Numbers, NDArray[np.bool_], Numbers]:
    """Confidence, whether it is right, and weight (both kinds half) of every trial's answer."""
    count = len(trials.singers)
    confidence = np.concatenate([trials.known.max(1), trials.unknown.max(1)])
    right = np.concatenate([trials.known.argmax(1) == trials.truth, trials.unknown.argmax(1) == count])
    halves = [np.full(len(kind), 0.5 / len(kind)) for kind in (trials.known, trials.unknown)]
    return confidence, right, np.concatenate(halves)


def _area(named: Numbers, rightly: Numbers) -> float:
    return float(np.trapezoid(rightly, named))


def _log(probabilities: Numbers) -> Numbers:
    return np.asarray(np.log(np.maximum(probabilities, 1e-12)))


def _probabilities(answer: Match, names: Sequence[str]) -> Numbers:
    """(S + 1,) in the order of the names, none last; 0 for who is not in the library."""
    by_name = {candidate.name: candidate.probability for candidate in answer.candidates}
    return np.array([*(by_name.get(name, 0.0) for name in names), answer.none])


def _stacked(rows: Sequence[tuple[int, Numbers]]) -> tuple[Numbers, Places]:
    return np.stack([row for _, row in rows]), np.array([place for place, _ in rows])


def _without(own: Floats32, fold: int) -> Floats32:
    return np.asarray(own[np.arange(len(own)) % FOLDS != fold])
