"""Trials of speaker recognition: scores of queries against voices, and what they are worth.

A trial is a clip against a voice; a voice is the mean of its enrolment embeddings, without the query's own clip.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.signal import Floats32
from pipeline.matching.match import Library, fit_library, match

Numbers = NDArray[np.float64]
DRAWS = 1000


@dataclass(frozen=True)
class Trials:
    """EncoderScores (Q, S) of queries against voices, and the column (Q,) that is right."""

    scores: Numbers
    truth: NDArray[np.int64]

    def eer(self) -> float:
        """Equal error rate over all pairs of clip and voice."""
        return equal_error(self.scores, self.truth)

    def top1(self) -> float:
        """Share of queries whose own voice scores highest."""
        return float((self.scores.argmax(1) == self.truth).mean())


@dataclass(frozen=True)
class Advantage:
    """95 % intervals of a gain; above zero where the first trials are better."""

    eer: tuple[float, float]
    top1: tuple[float, float]


def make_trials(queries: Sequence[Floats32], enrolled: Sequence[Floats32]) -> Trials:
    """Cosines; `queries` and `enrolled` hold the same clips (n, C) of each voice, perhaps in another condition."""
    sums = [own.sum(0) for own in enrolled]
    scores, truth = [], []
    for voice, own in enumerate(queries):
        for clip, query in enumerate(own):
            means = np.stack([s - enrolled[voice][clip] if v == voice else s for v, s in enumerate(sums)])
            scores.append(means @ query / np.maximum(np.linalg.norm(means, axis=1), 1e-9))
            truth.append(voice)
    return Trials(np.array(scores, np.float64), np.array(truth, np.int64))


def calibrated_cross_entropy(queries: Sequence[Floats32], enrolled: Sequence[Floats32]) -> float:
    """Nats of `match`'s answer, calibrated on the enrolment: each query once with its voice known, once without."""
    whole = fit_library({f"{voice:03}": own for voice, own in enumerate(enrolled)})
    losses = []
    for voice, own in enumerate(queries):
        for clip, query in enumerate(own):
            rest = np.delete(enrolled[voice], clip, 0).mean(0)
            means = whole.means.copy()
            means[voice] = rest / np.linalg.norm(rest)
            known = match(query[None], replace(whole, means=means))
            losses.append(next(c.probability for c in known.candidates if c.name == whole.names[voice]))
            names = tuple(name for name in whole.names if name != whole.names[voice])
            removed = Library(names, np.delete(means, voice, 0), whole.calibration)
            losses.append(match(query[None], removed).none)
    return float(-np.log(np.maximum(losses, 1e-12)).mean())


def equal_error(scores: Numbers, truth: NDArray[np.int64]) -> float:
    """The rate at which as many own voices are refused as others are accepted."""
    own = np.zeros(scores.shape, bool)
    own[np.arange(len(truth)), truth] = True
    order = np.argsort(scores, axis=None)
    right = own.ravel()[order]
    refused = np.cumsum(right) / right.sum()
    accepted = 1 - np.cumsum(~right) / (~right).sum()
    crossing = int(np.argmin(np.abs(refused - accepted)))
    return float((refused[crossing] + accepted[crossing]) / 2)


def advantage(better: Trials, worse: Trials, seed: int = 0) -> Advantage:
    """95 % intervals of what `better` gains over `worse` in EER and top-1, by a paired bootstrap over the queries.

    Both have the same queries. Above zero throughout: better by more than the draw of the clips.
    """
    draw = np.random.default_rng(seed)
    gains = []
    for _ in range(DRAWS):
        rows = draw.integers(len(better.truth), size=len(better.truth))
        a, b = (Trials(trials.scores[rows], trials.truth[rows]) for trials in (better, worse))
        gains.append((b.eer() - a.eer(), a.top1() - b.top1()))
    low, high = np.percentile(gains, [2.5, 97.5], axis=0)
    eer, top1 = ((float(least), float(most)) for least, most in zip(low, high, strict=True))
    return Advantage(eer, top1)
