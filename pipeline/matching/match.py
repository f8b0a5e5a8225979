"""Matching: which voices of the library a recording is like, as calibrated probabilities with "none of them".

A voice's score is the cosine of the recording's embedding with the voice's mean embedding. Scores are no
probabilities: temperature and the threshold of "none" are fitted on the library's own clips, each held out once with
its voice known and once with its voice removed (then "none" is right). Guo et al., "On Calibration of Modern Neural
Networks", 2017. A voice that the encoder was trained to separate from the others lies farther from them than an
unknown one does, so it does not stand for one where two voices or more can that it was not trained on.
"""

import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.signal import SPEECH_RATE, Floats32
from models.speaker.resemblyzer import SpeakerEncoder
from pipeline.listening.notes import read_voice

if TYPE_CHECKING:
    from models.speaker.ast import SingerEncoder

MIN_CLIPS = 3
MIN_UNKNOWN = 2
ECE_BINS = 5
MIN_TEMPERATURE = 0.02
FIRST_TEMPERATURE, FIRST_THRESHOLD = 1.0, 0.5
"""Where the fit begins: nobody is sure there, so that it sees where to go."""
LEAST = 1e-3
"""Of 1 / temperature."""
MOST_STEPS, HALVINGS = 50, 20
ENOUGH = 1e-10
"""Nats that a step has to gain."""


@dataclass(frozen=True)
class Calibration:
    """What turns cosines into probabilities, and how well it does so on clips that were held out."""

    temperature: float
    threshold: float
    clips: int
    top1: float
    """Share of held-out clips whose voice came first, when "none" is left aside."""
    cross_entropy: float
    """Nats, over known and unknown trials in equal parts."""
    error: float
    """Expected calibration error."""


@dataclass(frozen=True)
class Library:
    """Voices by name with their clips' embeddings, and the calibration fitted on them."""

    names: tuple[str, ...]
    means: Floats32
    """(S, C) unit vectors."""
    calibration: Calibration


@dataclass(frozen=True)
class Candidate:
    """A voice of the library."""

    name: str
    probability: float
    """That the recording is this voice's."""
    similarity: float
    """Cosine of the embeddings; no probability."""


@dataclass(frozen=True)
class Match:
    """Probabilities: `candidates` best first, and `none`; together they sum to 1."""

    candidates: list[Candidate]
    none: float


def embed(recordings: Sequence[Floats32], encoder: "SingerEncoder | SpeakerEncoder") -> Floats32:
    """Mono recordings at 16 kHz → (n, C) unit vectors; those without a voice are left out."""
    vectors = [vector for wav in recordings if (vector := encoder.embed(wav)) is not None]
    return np.stack(vectors) if vectors else np.zeros((0, 1), np.float32)


def embed_clips(clips: Sequence[Path], encoder: "SingerEncoder | SpeakerEncoder") -> Floats32:
    """Files of one singer → (n, C) as `embed` gives them. Raises what `decode` raises."""
    return embed([read_voice(clip, SPEECH_RATE, clip.name) for clip in clips], encoder)


def fit_library(embeddings: dict[str, Floats32], labels: Collection[str] = ()) -> Library:
    """Fit a library on the clips (n, C) of each voice; voices with fewer than three clips do not calibrate.

    `labels` are the voices that the encoder was trained on, by name, in any case and form of Unicode.
    """
    names = tuple(sorted(embeddings))
    means = np.stack([_unit(embeddings[name].mean(0)) for name in names])
    trained = {_folded(label) for label in labels}
    unknown = np.array([_folded(name) not in trained and len(embeddings[name]) >= MIN_CLIPS for name in names])
    if unknown.sum() < MIN_UNKNOWN:
        unknown[:] = True
    return Library(names, means, _calibrate([embeddings[name] for name in names], unknown))


def match(embeddings: Floats32, library: Library) -> Match:
    """Compare a member's embeddings (n, C) with every voice, by their mean score.

    Not by the score of their mean, which lies nearer to everybody than any clip that the calibration has seen.
    """
    calibration = library.calibration
    scores = (library.means @ embeddings.T).mean(1)
    shares = _probabilities(scores[None], calibration.temperature, calibration.threshold)[0]
    order = np.argsort(shares[:-1])[::-1]
    candidates = [Candidate(library.names[i], float(shares[i]), float(scores[i])) for i in order]
    return Match(candidates, float(shares[-1]))


def _calibrate(clips: list[Floats32], unknown: NDArray[np.bool_]) -> Calibration:
    """Fit temperature and threshold by cross entropy on held-out trials, known and unknown weighing the same.

    Fitting two numbers on hundreds of trials leaves little to overfit; the figures are of the same trials. Clips of
    one voice mostly come from one session, which makes the fit too sure, so the temperature has a floor.
    """
    scores, truth = _trials(clips, unknown)
    if not len(truth):
        nan = float("nan")
        return Calibration(temperature=0.05, threshold=0.8, clips=0, top1=nan, cross_entropy=nan, error=nan)
    known = truth < len(clips)
    weight = np.where(known, 0.5 / known.sum(), 0.5 / (~known).sum())

    temperature, threshold = _fitted(scores, truth, weight)
    shares = _probabilities(scores, temperature, threshold)
    top1 = float((scores[known].argmax(1) == truth[known]).mean())
    return Calibration(
        temperature=temperature,
        threshold=threshold,
        clips=int(known.sum()),
        top1=top1,
        cross_entropy=_cross_entropy(shares, truth, weight),
        error=_error(shares, truth, weight),
    )


def _fitted(scores: Floats32, truth: NDArray[np.int64], weight: NDArray[np.float64]) -> tuple[float, float]:
    """Temperature and threshold of the least cross entropy, by Newton's method.

    In 1 / temperature and threshold / temperature it is convex (a softmax of linear terms), so that there is one.
    """
    terms = np.zeros((len(scores), scores.shape[1] + 1, 2))
    terms[:, :-1, 0], terms[:, -1, 1] = np.where(np.isfinite(scores), scores, 0.0), 1.0
    steepest = 1 / MIN_TEMPERATURE
    best = np.array([1 / FIRST_TEMPERATURE, FIRST_THRESHOLD / FIRST_TEMPERATURE])
    entropy = _cross_entropy(_shares(scores, best), truth, weight)
    for _ in range(MOST_STEPS):
        step = _newton_step(terms, _shares(scores, best), truth, weight, best[0] >= steepest)
        nearer = [
            np.array([np.clip(x[0], LEAST, steepest), x[1]]) for x in (best - step / 2**n for n in range(HALVINGS))
        ]
        found = [_cross_entropy(_shares(scores, x), truth, weight) for x in nearer]
        if min(found) > entropy - ENOUGH:
            break
        best, entropy = nearer[int(np.argmin(found))], min(found)
    return float(1 / best[0]), float(best[1] / best[0])


def _newton_step(
    terms: NDArray[np.float64],
    shares: NDArray[np.float64],
    truth: NDArray[np.int64],
    weight: NDArray[np.float64],
    at_the_edge: bool,
) -> NDArray[np.float64]:
    """What is taken from both numbers; at the least temperature from the second alone, if the first would go on."""
    mean = np.einsum("ns,nsk->nk", shares, terms)
    gradient = weight @ (mean - terms[np.arange(len(truth)), truth])
    spread = np.einsum("n,ns,nsk,nsl->kl", weight, shares, terms, terms) - np.einsum("n,nk,nl->kl", weight, mean, mean)
    bent = spread + 1e-9 * np.eye(2)
    step = np.linalg.solve(bent, gradient)
    return np.array([0.0, gradient[1] / bent[1, 1]]) if at_the_edge and step[0] < 0 else np.asarray(step)


def _shares(scores: Floats32, x: NDArray[np.float64]) -> NDArray[np.float64]:
    return _probabilities(scores, float(1 / x[0]), float(x[1] / x[0]))


def _cross_entropy(shares: NDArray[np.float64], truth: NDArray[np.int64], weight: NDArray[np.float64]) -> float:
    """Of shares (n, S + 1) whose right columns are the truth (n,), by weights (n,)."""
    return float(weight @ -np.log(np.maximum(shares[np.arange(len(truth)), truth], 1e-12)))


def _trials(clips: list[Floats32], unknown: NDArray[np.bool_]) -> tuple[Floats32, NDArray[np.int64]]:
    """Scores (trials, S) of each clip with itself held out, then, if its voice can stand for an unknown one, with its
    whole voice removed; the right column.
    """
    means = np.stack([_unit(own.mean(0)) for own in clips])
    scores, truth = [], []
    for index, own in enumerate(clips):
        if len(own) < MIN_CLIPS:
            continue
        for held_out in range(len(own)):
            row = means @ own[held_out]
            row[index] = _unit(np.delete(own, held_out, 0).mean(0)) @ own[held_out]
            scores.append(row)
            truth.append(index)
            if unknown[index]:
                removed = row.copy()
                removed[index] = -np.inf
                scores.append(removed)
                truth.append(len(clips))
    return np.array(scores, np.float32).reshape(-1, len(clips)), np.array(truth, np.int64)


def _probabilities(scores: Floats32, temperature: float, threshold: float) -> NDArray[np.float64]:
    """(n, S) cosines → (n, S + 1) with "none of them" last."""
    with_none = np.concatenate([scores, np.full((len(scores), 1), threshold)], axis=1) / temperature
    with_none -= with_none.max(1, keepdims=True)
    weight = np.exp(with_none)
    return np.asarray(weight / weight.sum(1, keepdims=True))


def _error(shares: NDArray[np.float64], truth: NDArray[np.int64], weight: NDArray[np.float64]) -> float:
    """Expected calibration error over five equal bins of confidence; the weights (n,) sum to 1."""
    confidence, right = shares.max(1), shares.argmax(1) == truth
    bins = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    return float(sum(abs(weight[bins == b] @ (confidence - right)[bins == b]) for b in range(ECE_BINS)))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _unit(vector: Floats32) -> Floats32:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), np.float32)
