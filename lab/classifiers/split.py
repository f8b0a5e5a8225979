"""Training, validation and test: albums stay whole where there are albums, songs everywhere.

A group stays on one side: an album, and files of one singer with one title (a live version, a remaster). Each singer's
groups are assigned by a random generator of the singer's own, so a new singer moves no other's songs.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cli.song_folder import LabelledSong
from lab.errors import SingersError

By = Literal["album", "song"]
SIDES = ("train", "validation", "test")
SHARES = {"validation": 0.15, "test": 0.2}
EXTRA = re.compile(r"\s*[(\[][^)\]]*[)\]]\s*|[^\w]+")
"""Removed from a title: what is in brackets, and everything but letters and digits."""


@dataclass(frozen=True)
class Split:
    """Songs by side, and a sentence for each singer that was left out."""

    sides: dict[str, list[LabelledSong]]
    complaints: list[str]

    @property
    def singers(self) -> tuple[str, ...]:
        """In the order of their names."""
        return tuple(sorted({song.singer for songs in self.sides.values() for song in songs}))


def enough(songs: Sequence[LabelledSong], min_songs: int) -> tuple[list[LabelledSong], list[str]]:
    """The songs of singers with at least so many, and a sentence for each other singer."""
    counts = {singer: sum(song.singer == singer for song in songs) for singer in sorted({s.singer for s in songs})}
    few = {singer: count for singer, count in counts.items() if count < min_songs}
    complaints = [
        f"{name} has {_songs(n)}, fewer than {min_songs}; the singer was left out." for name, n in few.items()
    ]
    return [song for song in songs if song.singer not in few], complaints


def without_duplicates(
    songs: Sequence[LabelledSong], sounds: Mapping[LabelledSong, str]
) -> tuple[list[LabelledSong], list[str]]:
    """Songs with a sound of their own, and a sentence for each that is left out.

    The second file of a sound goes; if two singers have it, its label is unknown, and every file of it goes.
    """
    owners: dict[str, list[LabelledSong]] = {}
    for song in songs:
        owners.setdefault(sounds[song], []).append(song)
    unique, complaints = [], []
    for same in owners.values():
        if len({song.singer for song in same}) > 1:
            names = " and ".join(song.name for song in same)
            complaints.append(f"{names} are the same sound under several singers; all of them were left out.")
            continue
        unique.append(same[0])
        complaints += [f"{song.name} is the same sound as {same[0].name}; it was left out." for song in same[1:]]
    order = {song: number for number, song in enumerate(songs)}
    return sorted(unique, key=order.__getitem__), complaints


def make_split(songs: Sequence[LabelledSong], min_songs: int, by: By = "album", seed: int = 0) -> Split:
    """Deal every singer's songs out; with `by="song"` albums may be torn apart, titles not.

    A singer with fewer than `min_songs` songs, or with fewer than three groups, is left out. Raises SingersError if
    fewer than two singers remain.
    """
    sides: dict[str, list[LabelledSong]] = {side: [] for side in SIDES}
    songs, complaints = enough(songs, min_songs)
    for singer in sorted({song.singer for song in songs}):
        own = [song for song in songs if song.singer == singer]
        groups = _groups(own, by)
        if len(groups) < len(SIDES):
            complaints.append(
                f"The {_songs(len(own))} of {singer} are only {len(groups)} separate album(s) or title(s), fewer than "
                f"{len(SIDES)}; the singer was left out."
                + (" `--by song` may tear albums apart." if by == "album" and any(song.album for song in own) else "")
            )
        else:
            for side, dealt in _deal(groups, _draw(singer, seed)).items():
                sides[side] += dealt
    split = Split(sides, complaints)
    if len(split.singers) < 2:
        raise SingersError(f"Fewer than two singers have at least {min_songs} usable songs. {' '.join(complaints)}")
    return split


def check(split: Split, sounds: Mapping[LabelledSong, str], by: By = "album") -> None:
    """Raise SingersError if a song, an album or a sound is on two sides."""
    keys: dict[str, Callable[[LabelledSong], str]] = {"song": _title, "sound": lambda song: sounds[song]}
    if by == "album":
        keys["album"] = lambda song: f"{song.singer}/{song.album}" if song.album else _title(song)
    for what, key in keys.items():
        where: dict[str, str] = {}
        for side, songs in split.sides.items():
            for song in songs:
                if where.setdefault(key(song), side) != side:
                    raise SingersError(
                        f"The split leaks: the {what} of {song.name} is in {where[key(song)]} and {side}."
                    )


def _groups(songs: Sequence[LabelledSong], by: By) -> list[list[LabelledSong]]:
    """Songs of one singer that share a title or, with `by="album"`, an album, directly or over others."""
    groups: list[tuple[set[str], list[LabelledSong]]] = []
    for song in songs:
        keys = {_title(song)} | ({f"album {song.album}"} if by == "album" and song.album else set())
        touched = [group for group in groups if group[0] & keys]
        groups = [group for group in groups if not group[0] & keys]
        groups.append((keys.union(*(g[0] for g in touched)), [*(s for g in touched for s in g[1]), song]))
    return [own for _, own in groups]


def _deal(groups: list[list[LabelledSong]], draw: np.random.Generator) -> dict[str, list[LabelledSong]]:
    """At least one group to every side; test and validation take on until they have their share of the songs."""
    waiting = [groups[index] for index in draw.permutation(len(groups))]
    waiting.sort(key=len)  # the small ones are held out: a large album is worth more as training data
    total = sum(map(len, groups))
    sides: dict[str, list[LabelledSong]] = {side: [] for side in SIDES}
    for side in ("test", "validation"):
        while len(waiting) > (2 if side == "test" else 1):
            if sides[side] and len(sides[side]) + len(waiting[0]) / 2 > SHARES[side] * total:
                break
            sides[side] += waiting.pop(0)
    sides["train"] = [song for group in waiting for song in group]
    return sides


def _draw(singer: str, seed: int) -> np.random.Generator:
    digest = hashlib.sha256(f"{seed} {singer}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def _title(song: LabelledSong) -> str:
    """A singer's title without case, brackets and signs."""
    return f"{song.singer}/{EXTRA.sub('', song.title.casefold()) or song.title.casefold()}"


def _songs(count: int) -> str:
    return f"{count} song" if count == 1 else f"{count} songs"
