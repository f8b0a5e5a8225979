"""Songs are suggested by timbre, range and taste, each on members and songs whose answer is known."""

import numpy as np
import pytest

from models.signal import Floats32
from pipeline.listening.vocal_range import VocalRange
from pipeline.matching.recommend import SongTraits, best_shift, suggest


def unit(*values: float) -> Floats32:
    vector = np.array(values, np.float32)
    return vector / np.float32(np.linalg.norm(vector))


def vocals(low: float, high: float) -> VocalRange:
    return VocalRange("", "", low, high)


def tune(*notes: int) -> dict[int, float]:
    return dict.fromkeys(notes, 10.0)


TENOR, SOPRANO = vocals(48, 67), vocals(60, 79)


@pytest.mark.parametrize(
    ("notes", "member", "shift", "inside"),
    [
        (tune(50, 55, 60, 65), TENOR, 0, 1.0),
        (tune(62, 67, 72, 77), TENOR, -12, 1.0),  # an octave is free, and the band stays in its key
        (tune(50, 55, 60, 65), SOPRANO, 12, 1.0),
        (tune(51, 55, 60, 70), TENOR, -3, 1.0),  # the smallest that puts all of it inside
        (tune(45, 55, 60, 64), TENOR, 3, 1.0),
        (tune(50), vocals(45, 48), 0, 1.0),  # who only spoke sings an octave from their lowest note
    ],
)
def test_a_song_is_moved_to_where_it_fits(
    notes: dict[int, float], member: VocalRange, shift: int, inside: float
) -> None:
    _, found, moved = best_shift(notes, member)
    assert moved == shift and found == pytest.approx(inside)


def test_a_song_that_is_too_wide_fits_less_and_without_a_range_nothing_is_moved() -> None:
    whole, wide = best_shift(tune(50, 60), TENOR), best_shift(tune(36, 50, 60, 84), TENOR)
    assert whole[0] == pytest.approx(1) and wide[0] < 0.3
    assert best_shift(tune(50, 60), None) == best_shift({}, TENOR) == (0, 0, 0)


def test_of_equal_songs_the_nearest_timbre_wins_then_the_better_fit_then_taste() -> None:
    me = unit(1, 0, 0)
    near, far = unit(1, 0.2, 0), unit(0.2, 1, 0)
    fits, too_wide = tune(50, 55, 60), tune(30, 50, 60, 90)
    by_timbre = suggest(me, TENOR, [SongTraits(fits, far), SongTraits(fits, near)], [0, 0])
    assert [one.song for one in by_timbre] == [1, 0] and by_timbre[0].timbre > 0.9
    by_fit = suggest(me, TENOR, [SongTraits(too_wide, near), SongTraits(fits, near)], [0, 0])
    assert [one.song for one in by_fit] == [1, 0]
    by_taste = suggest(me, TENOR, [SongTraits(fits, near), SongTraits(fits, near)], [0.1, 0.9])
    assert [one.song for one in by_taste] == [1, 0]


def test_on_a_library_whose_answers_are_known_it_beats_timbre_alone_and_popularity_alone() -> None:
    """Each member likes what is sung by their kind of voice in their range; popular songs are liked a little more."""
    random = np.random.default_rng(4)
    kinds = [unit(*random.normal(size=16)) for _ in range(4)]
    songs, truth = [], []
    for _ in range(60):
        kind, low = int(random.integers(4)), int(random.integers(40, 70))
        width = int(random.choice([7, 12, 19, 26]))
        embedding = unit(*(kinds[kind] + 0.5 * random.normal(size=16) / 4))
        songs.append(SongTraits(tune(*range(low, low + width, 2)), embedding))
        truth.append((kind, width))
    popular = random.random(60)
    gains = {"all": 0.0, "timbre": 0.0, "popularity": 0.0}
    for kind in range(4):
        member, range_ = unit(*(kinds[kind] + 0.3 * random.normal(size=16) / 4)), vocals(50, 64)
        liked = np.array([(own == kind) + (width <= 14) for own, width in truth]) + 0.5 * popular
        picked = [one.song for one in suggest(member, range_, songs, popular.tolist(), limit=5)]
        gains["all"] += liked[picked].mean()
        gains["timbre"] += liked[np.argsort([-float(song.embedding @ member) for song in songs])[:5]].mean()
        gains["popularity"] += liked[np.argsort(-popular)[:5]].mean()
    assert gains["all"] > gains["timbre"] + 1 and gains["all"] > gains["popularity"] + 1


def test_an_empty_library_suggests_nothing() -> None:
    assert suggest(unit(1, 0), TENOR, [], []) == []
