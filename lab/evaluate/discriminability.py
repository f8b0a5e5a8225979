"""How well frames of features discriminate classes: the ABX task on words, and a linear probe.

Schatz et al., "Evaluating speech features with the minimal-pair ABX task", 2013; here across speakers and on words.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from models.signal import Floats32

Classes = NDArray[np.int64]
BATCH = 500
DECAY = 1e-4
PROBE_STEPS = 60


@dataclass(frozen=True)
class Segment:
    """A word by one speaker: (T, C) frames."""

    word: str
    speaker: str
    frames: Floats32


@dataclass(frozen=True)
class Triple:
    """Numbers of segments: A and X are one word by two speakers, B another word by A's speaker."""

    a: int
    b: int
    x: int


def draw_triples(words: Sequence[tuple[str, str]], count: int, seed: int = 0) -> list[Triple]:
    """`count` triples from (word, speaker) pairs, words equally likely, with replacement; empty if there are none."""
    by_word: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    by_speaker: dict[str, list[int]] = defaultdict(list)
    for number, (word, speaker) in enumerate(words):
        by_word[word][speaker].append(number)
        by_speaker[speaker].append(number)
    shared = sorted(word for word, speakers in by_word.items() if len(speakers) > 1)
    random = np.random.default_rng(seed)
    triples: list[Triple] = []
    for _ in range(count if shared else 0):
        word = shared[random.integers(len(shared))]
        speakers = sorted(by_word[word])
        first, second = random.choice(len(speakers), 2, replace=False)
        a = int(random.choice(by_word[word][speakers[first]]))
        x = int(random.choice(by_word[word][speakers[second]]))
        others = [n for n in by_speaker[speakers[first]] if words[n][0] != word]
        if others:
            triples.append(Triple(a, int(random.choice(others)), x))
    return triples


def abx_error(segments: Sequence[Segment], triples: Sequence[Triple]) -> float:
    """Share of triples with d(A, X) ≥ d(B, X); d is the DTW path's mean cosine distance."""
    same = distances([(segments[t.a].frames, segments[t.x].frames) for t in triples])
    other = distances([(segments[t.b].frames, segments[t.x].frames) for t in triples])
    return float((same >= other).mean())


def distances(pairs: Sequence[tuple[Floats32, Floats32]]) -> NDArray[np.float64]:
    """(P,) DTW distances of pairs of (T, C): the mean cosine distance along the best path.

    Steps are symmetric (Sakoe and Chiba, 1978): a diagonal step counts twice, so every path of n and m frames has
    weight n + m and none is favoured for being short. All pairs of a batch are walked together.
    """
    return np.concatenate([_distances(pairs[i : i + BATCH]) for i in range(0, len(pairs), BATCH)])


def probe_accuracy(train: tuple[Floats32, Classes], test: tuple[Floats32, Classes]) -> float:
    """Share of test frames whose class a linear softmax classifier predicts.

    Frames (N, C) are standardised by the training frames' mean and deviation; cross entropy with weight decay 1e-4
    is minimised by L-BFGS from zero, so the figure has no seed.
    """
    frames, classes = torch.from_numpy(train[0]), torch.from_numpy(train[1])
    mean, deviation = frames.mean(0), frames.std(0) + 1e-6
    frames = (frames - mean) / deviation
    probe = nn.Linear(frames.shape[1], int(max(train[1].max(), test[1].max())) + 1)
    nn.init.zeros_(probe.weight)
    nn.init.zeros_(probe.bias)
    optimizer = torch.optim.LBFGS(
        probe.parameters(), max_iter=PROBE_STEPS, history_size=10, line_search_fn="strong_wolfe", tolerance_change=1e-7
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(probe(frames), classes) + DECAY * (probe.weight**2).sum()
        torch.autograd.backward(loss)
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    with torch.inference_mode():
        predicted = probe((torch.from_numpy(test[0]) - mean) / deviation).argmax(1).numpy()
    return float((predicted == test[1]).mean())


def _distances(pairs: Sequence[tuple[Floats32, Floats32]]) -> NDArray[np.float64]:
    rows = np.array([len(a) for a, _ in pairs])
    columns = np.array([len(b) for _, b in pairs])
    cost = np.zeros((rows.max(), columns.max(), len(pairs)), np.float32)
    for number, (a, b) in enumerate(pairs):
        cost[: len(a), : len(b), number] = 1 - _unit(a) @ _unit(b).T
    total = np.full((rows.max() + 1, columns.max() + 1, len(pairs)), np.inf)
    total[0, 0] = 0
    for i in range(rows.max()):
        for j in range(columns.max()):
            d = cost[i, j]
            straight = np.minimum(total[i, j + 1], total[i + 1, j]) + d
            total[i + 1, j + 1] = np.minimum(straight, total[i, j] + 2 * d)
    ends: NDArray[np.float64] = total[rows, columns, np.arange(len(pairs))]
    mean: NDArray[np.float64] = ends / (rows + columns)
    return mean


def _unit(frames: Floats32) -> Floats32:
    return np.asarray(frames / np.maximum(np.linalg.norm(frames, axis=1, keepdims=True), 1e-9), np.float32)
