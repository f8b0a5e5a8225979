"""What happens to files: bits flip, pieces are lost, doubled, moved, cut off, or belong to another file."""

from collections.abc import Sequence
from random import Random

LARGEST = 64
NUMBERS = (0, 1, 0x7F, 0x80, 0xFF)


def mutate(files: Sequence[bytes], seed: int) -> tuple[int, bytes]:
    """One of the files, changed one to four times; the same for the same seed. Its number and its bytes."""
    random = Random(seed)
    number = random.randrange(len(files))
    changed = bytearray(files[number])
    for _ in range(random.randint(1, 4)):
        if len(changed) > 1:
            random.choice(KINDS)(changed, random, files)
    return number, bytes(changed)


def _place(data: bytearray, random: Random) -> int:
    """Half of the places are in the first kilobyte, where headers are."""
    return random.randrange(min(len(data), 1024)) if random.random() < 0.5 else random.randrange(len(data))


def _flip(data: bytearray, random: Random, _: Sequence[bytes]) -> None:
    for _bit in range(random.randint(1, LARGEST)):
        data[_place(data, random)] ^= 1 << random.randrange(8)


def _number(data: bytearray, random: Random, _: Sequence[bytes]) -> None:
    """A field of one to eight bytes becomes an edge: 0, 1, the largest, the smallest."""
    at, width = _place(data, random), random.choice((1, 2, 4, 8))
    data[at : at + width] = bytes([random.choice(NUMBERS)] * len(data[at : at + width]))


def _cut(data: bytearray, random: Random, _: Sequence[bytes]) -> None:
    del data[max(1, _place(data, random)) :]


def _lose(data: bytearray, random: Random, _: Sequence[bytes]) -> None:
    at = _place(data, random)
    del data[at : at + random.randint(1, 2000)]


def _double(data: bytearray, random: Random, _: Sequence[bytes]) -> None:
    at = _place(data, random)
    data[at:at] = data[at : at + random.randint(1, 2000)]


def _blank(data: bytearray, random: Random, _: Sequence[bytes]) -> None:
    at = _place(data, random)
    length = len(data[at : at + random.randint(1, 4000)])
    data[at : at + length] = bytes(length)


def _splice(data: bytearray, random: Random, files: Sequence[bytes]) -> None:
    other = random.choice(files)
    at, begin = _place(data, random), random.randrange(len(other))
    data[at:] = other[begin:]


KINDS = (_flip, _number, _cut, _lose, _double, _blank, _splice)
