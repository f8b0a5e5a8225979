"""What `/match` suggests to sing, beside popularity alone and timbre alone.

Protocol. Every recording stands for a song. A singer asks with a fold of their recordings; the songs are all others.
Right are the songs of their own voice: a stand-in for taste, which nobody has measured. A song is as popular as its
singer has recordings. Equal songs are ranked by chance, as the mean over draws.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.evaluate.intervals import Interval, bootstrap
from lab.evaluate.match_trials import FOLDS
from models.signal import Floats32
from pipeline.listening.vocal_range import VocalRange, held_seconds, vocal_range
from pipeline.matching.recommend import ABOVE, BELOW, LEAST_TESSITURA, SongTraits, suggest

Numbers = NDArray[np.float64]
FIRST = 5
"""k of hit@k and nDCG@k."""
DRAWS = 50
RECOMMENDER, TIMBRE, POPULARITY = "recommender", "timbre alone", "popularity alone"
Pitch = tuple[Floats32, Floats32]
"""f0 in Hz and confidence, every 16 ms."""


@dataclass(frozen=True)
class HeardSinger:
    """A singer's recordings: unit embeddings (n, C), and the pitch of each."""

    embeddings: Floats32
    pitches: Sequence[Pitch]


@dataclass(frozen=True, kw_only=True)
class RecommenderFigures:
    """Of the first five songs, means over the singers who ask."""

    method: str
    hit: float
    """Share of singers who are given at least one right song."""
    hit_interval: Interval | None
    ndcg: float
    ndcg_interval: Interval | None
    out_of_range: float
    """Share of the sung time outside the member's range: moved as suggested, or by octaves where only listed."""


@dataclass(frozen=True)
class _Question:
    """Who asks, of which songs."""

    singer: int
    embedding: Floats32
    vocals: VocalRange | None
    songs: list[SongTraits]
    owners: NDArray[np.int64]
    """(songs,) whose voice sings."""
    popular: Numbers
    """(songs,) 0…1, on a logarithmic scale: how many recordings the singer has."""


def measure_recommender(singers: Mapping[str, HeardSinger], seed: int = 0) -> list[RecommenderFigures]:
    """The recommender, timbre alone and popularity alone; nothing of an asking recording is among the songs."""
    draw = np.random.default_rng(seed)
    questions = [
        _question(list(singers.values()), place, fold) for fold in range(FOLDS) for place in range(len(singers))
    ]
    rows: dict[str, list[tuple[int, Numbers]]] = {RECOMMENDER: [], TIMBRE: [], POPULARITY: []}
    for question in questions:
        if question is None:
            continue
        popular = question.popular
        suggested = suggest(question.embedding, question.vocals, question.songs, list(popular), len(question.songs))
        moved = {one.song: one.key_shift for one in suggested}
        order = np.array([one.song for one in suggested])
        timbre = np.array([float(song.embedding @ question.embedding) for song in question.songs])
        rows[RECOMMENDER].append((question.singer, _judge(order, question, moved)))
        for method, value in ((TIMBRE, timbre), (POPULARITY, popular)):
            drawn = [
                _judge(np.lexsort((draw.random(len(value)), -value)), question, None)
                for _ in range(DRAWS if method == POPULARITY else 1)
            ]
            rows[method].append((question.singer, np.mean(drawn, axis=0)))
    return [_figures(method, judged) for method, judged in rows.items()]


def outside_share(notes: Mapping[int, float], vocals: VocalRange, shift: int) -> float:
    """Share of the sung time that lies outside the range after a shift in semitones."""
    seconds = np.array(list(notes.values()), np.float64)
    moved = np.array(list(notes), np.float64) + shift
    high = max(vocals.high_note, vocals.low_note + LEAST_TESSITURA)
    outside = (moved < vocals.low_note - BELOW) | (moved > high + ABOVE)
    return float(seconds[outside].sum() / seconds.sum())


def ndcg(right: NDArray[np.bool_], first: int = FIRST) -> float:
    """Of a ranking (songs,) by whether each song is right (Järvelin and Kekäläinen 2002); NaN if none is."""
    gains = 1 / np.log2(np.arange(2, first + 2))
    best = gains[: int(right.sum())].sum()
    return float(gains[: len(right)] @ right[:first] / best) if best else float("nan")


def _question(singers: Sequence[HeardSinger], place: int, fold: int) -> _Question | None:
    asking = singers[place]
    mine = np.arange(len(asking.embeddings)) % FOLDS == fold
    if not mine.any():
        return None
    mean = asking.embeddings[mine].mean(0)
    songs, owners = list[SongTraits](), list[int]()
    for number, singer in enumerate(singers):
        for song, (embedding, pitch) in enumerate(zip(singer.embeddings, singer.pitches, strict=True)):
            if number != place or song % FOLDS != fold:
                songs.append(SongTraits(held_seconds([pitch]), embedding))
                owners.append(number)
    vocals = vocal_range([pitch for pitch, own in zip(asking.pitches, mine, strict=True) if own])
    unit = (mean / max(float(np.linalg.norm(mean)), 1e-9)).astype(np.float32)
    counts = np.log1p([len(singer.embeddings) for singer in singers])
    return _Question(place, unit, vocals, songs, np.array(owners), counts[owners] / counts.max())


def _judge(order: NDArray[np.intp], question: _Question, moved: Mapping[int, int] | None) -> Numbers:
    """Hit, nDCG and share out of range (NaN where no range or note is known) of a ranking."""
    right = question.owners[order] == question.singer
    outside = []
    for song in order[:FIRST]:
        notes = question.songs[song].notes
        if notes and question.vocals is not None:
            shifts = (-12, 0, 12) if moved is None else (moved[int(song)],)
            outside.append(min(outside_share(notes, question.vocals, shift) for shift in shifts))
    share = float(np.mean(outside)) if outside else float("nan")
    return np.array([float(right[:FIRST].any()), ndcg(right), share])


def _figures(method: str, judged: Sequence[tuple[int, Numbers]]) -> RecommenderFigures:
    singers = sorted({singer for singer, _ in judged})
    table = np.array([np.mean([row for other, row in judged if other == singer], axis=0) for singer in singers])
    outside = np.array([row[2] for _, row in judged])
    return RecommenderFigures(
        method=method,
        hit=float(table[:, 0].mean()),
        hit_interval=bootstrap(list(table[:, 0])),
        ndcg=float(table[:, 1].mean()),
        ndcg_interval=bootstrap(list(table[:, 1])),
        out_of_range=float(np.nanmean(outside)) if np.isfinite(outside).any() else float("nan"),
    )
