"""The split: nothing lies on two sides, nobody is missing from any, and what is left out is said."""

from collections import Counter
from pathlib import Path

import pytest

from cli.song_folder import LabelledSong
from lab.classifiers.split import SIDES, Split, check, enough, make_split, without_duplicates
from lab.errors import SingersError


def song(singer: str, title: str, album: str = "") -> LabelledSong:
    return LabelledSong(Path(f"{singer}-{album}-{title}.ogg"), singer, album, title)


def own_sounds(songs: list[LabelledSong]) -> dict[LabelledSong, str]:
    return {song: str(song.path) for song in songs}


def singles(singer: str, count: int) -> list[LabelledSong]:
    return [song(singer, f"title {number}") for number in range(count)]


def albums(singer: str, sizes: list[int]) -> list[LabelledSong]:
    return [song(singer, f"{a}.{n}", f"album {a}") for a, size in enumerate(sizes) for n in range(size)]


def test_every_singer_is_on_every_side_and_every_song_on_one() -> None:
    songs = singles("A", 20) + singles("B", 5) + albums("C", [4, 9, 2, 3])
    split = make_split(songs, 5)
    for side in SIDES:
        assert {song.singer for song in split.sides[side]} == {"A", "B", "C"}
    assert Counter(s for side in split.sides.values() for s in side) == Counter(songs)
    assert Counter(s.singer for s in split.sides["test"])["A"] == 4
    assert Counter(s.singer for s in split.sides["validation"])["A"] == 3
    check(split, own_sounds(songs))


def test_albums_stay_whole_unless_songs_are_asked_for() -> None:
    songs = albums("A", [5, 5, 5, 5]) + albums("B", [5, 5, 5, 5])
    split = make_split(songs, 5)
    for album in {(s.singer, s.album) for s in songs}:
        assert sum(any((s.singer, s.album) == album for s in side) for side in split.sides.values()) == 1
    torn = make_split(songs, 5, by="song")
    with pytest.raises(SingersError, match="The split leaks: the album of"):
        check(torn, own_sounds(songs))
    check(torn, own_sounds(songs), by="song")


def test_one_title_stays_on_one_side_whatever_stands_in_brackets() -> None:
    for seed in range(5):
        versions = [song("A", title) for title in ("Good Day", "Good Day (Live)", "good day [Remaster]", "좋은 날")]
        split = make_split(versions + singles("A", 6) + singles("B", 6), 5, seed=seed)
        sides = [side for side in SIDES if any("ood" in s.title for s in split.sides[side])]
        assert len(sides) == 1


def test_the_same_seed_deals_the_same_and_a_new_singer_moves_nobody() -> None:
    songs = singles("A", 12) + singles("B", 12)
    first, again, more = make_split(songs, 5), make_split(songs, 5), make_split(songs + singles("AB", 9), 5)
    assert first == again
    assert all([s for s in more.sides[side] if s.singer != "AB"] == first.sides[side] for side in SIDES)
    assert make_split(songs, 5, seed=1) != first


def test_a_singer_with_too_few_songs_or_albums_is_left_out_by_name_and_count() -> None:
    songs = singles("A", 6) + singles("B", 6) + singles("C", 4) + albums("D", [6, 6])
    split = make_split(songs, 5)
    assert split.singers == ("A", "B")
    assert split.complaints[0] == "C has 4 songs, fewer than 5; the singer was left out."
    assert "12 songs of D are only 2 separate album(s)" in split.complaints[1] and "--by song" in split.complaints[1]
    assert make_split(songs, 5, by="song").singers == ("A", "B", "D")
    assert enough(songs, 5)[1] == split.complaints[:1]
    with pytest.raises(SingersError, match=r"Fewer than two singers .* C has 4 songs"):
        make_split(singles("A", 6) + singles("C", 4), 5)


def test_one_sound_twice_is_kept_once_and_of_two_singers_not_at_all() -> None:
    songs = [song("A", "x"), song("A", "y"), song("B", "z"), song("B", "w"), song("C", "v")]
    sounds = dict(zip(songs, ["1", "1", "2", "3", "3"], strict=True))
    kept, complaints = without_duplicates(songs, sounds)
    assert kept == [songs[0], songs[2]]
    assert complaints[0] == "A - y is the same sound as A - x; it was left out."
    assert complaints[1].startswith("B - w and C - v are the same sound under several singers")


@pytest.mark.parametrize("what", ["song", "sound", "album"])
def test_a_leak_is_found(what: str) -> None:
    left, right = song("A", "one", "first"), song("A", "two", "second")
    sounds = {left: "1", right: "2"}
    if what == "song":
        right = song("A", "One (Live)", "second")
        sounds[right] = "2"
    elif what == "album":
        right = song("A", "two", "first")
        sounds[right] = "2"
    else:
        sounds[right] = "1"
    with pytest.raises(SingersError, match=f"The split leaks: the {what} of A - "):
        check(Split({"train": [left], "validation": [], "test": [right]}, []), sounds)
