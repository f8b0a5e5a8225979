"""The recommender's figures on made singers, whose right answers are known."""

import math

import numpy as np
import pytest

from lab.evaluate.recommender import HeardSinger, measure_recommender, ndcg, outside_share
from models.signal import Floats32
from pipeline.listening.vocal_range import VocalRange


def sung(note: float, seconds: float = 4.0) -> tuple[Floats32, Floats32]:
    """One held note, as SwiftF0 would hear it."""
    frames = round(seconds / 0.016)
    return np.full(frames, 440 * 2 ** ((note - 69) / 12), np.float32), np.ones(frames, np.float32)


def singer(place: int, notes: list[float], spread: float = 0.05) -> HeardSinger:
    random = np.random.default_rng(place)
    vectors = np.eye(8, dtype=np.float32)[place] + spread * random.normal(size=(len(notes), 8)).astype(np.float32)
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return HeardSinger(unit, [sung(note) for note in notes])


def test_who_is_recognised_gets_their_own_songs_and_who_is_popular_gets_listed() -> None:
    voices = {f"{place}": singer(place, [60, 62, 64] * (4 if place == 0 else 2)) for place in range(6)}
    ours, timbre, popular = measure_recommender(voices)
    assert (ours.method, timbre.method, popular.method) == ("recommender", "timbre alone", "popularity alone")
    assert ours.hit == timbre.hit == 1 and timbre.ndcg == pytest.approx(1)
    assert popular.hit == pytest.approx(1 / 6, abs=0.01)  # the one with most songs is all that it lists
    assert ours.hit_interval == (1, 1) and popular.ndcg_interval is not None


def test_equally_popular_songs_are_drawn_by_chance() -> None:
    voices = {f"{place}": singer(place, [60.0] * 6) for place in range(5)}
    (*_, popular) = measure_recommender(voices)
    missed = math.comb(24, 5) / math.comb(28, 5)  # four of 28 songs are right
    assert popular.hit == pytest.approx(1 - missed, abs=0.08)


def test_songs_that_are_moved_are_in_range_and_those_that_are_listed_are_not() -> None:
    """Who holds a 45 sings from 43 to 61; songs of 46 and 62 fit a semitone lower, and by no octave."""
    asks = singer(0, [45.0] * 6)
    f0, sure = (np.concatenate(part) for part in zip(sung(46), sung(62), strict=True))
    wide = HeardSinger(singer(1, [0.0] * 6).embeddings, [(f0, sure)] * 6)
    for voices in ({"a": asks, "b": wide}, {"a": HeardSinger(wide.embeddings, asks.pitches), "b": wide}):
        ours, timbre, popular = measure_recommender(voices)
        assert ours.out_of_range < 0.01
    assert timbre.out_of_range > 0.1 and popular.out_of_range > 0.1
    assert outside_share({40: 1.0, 50: 3.0}, VocalRange("", "", 48, 60), 0) == 0.25
    assert outside_share({40: 1.0, 50: 3.0}, VocalRange("", "", 48, 60), 12) == 0


def test_ndcg_is_that_of_the_textbook() -> None:
    assert ndcg(np.array([True, False, True, False, False])) == pytest.approx((1 + 0.5) / (1 + 1 / math.log2(3)))
    assert math.isnan(ndcg(np.array([False, False])))
    assert ndcg(np.array([True])) == 1
