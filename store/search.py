"""Finding a title or a name by what somebody types: whole or in part, by its initials, or with a slip.

Texts are compared without case, accents, spaces and punctuation, and Hangul by its letters in the order of the keys:
so a syllable that is still being typed fits (밤펴, 밤편지), and a file name from a Mac (NFD), too. Consonants alone are
the initials of syllables (초성: ㅂㅍㅈ). Slips are told by the part that fits best (RapidFuzz's `partial_ratio`).
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from rapidfuzz import fuzz, process

INITIALS = [chr(code) for code in range(0x1100, 0x1113)]
FINALS = "ᄀ ᄁ ᄀᄉ ᄂ ᄂᄌ ᄂᄒ ᄃ ᄅ ᄅᄀ ᄅᄆ ᄅᄇ ᄅᄉ ᄅᄐ ᄅᄑ ᄅᄒ ᄆ ᄇ ᄇᄉ ᄉ ᄊ ᄋ ᄌ ᄎ ᄏ ᄐ ᄑ ᄒ"
VOWELS = {"ᅪ": "ᅩᅡ", "ᅫ": "ᅩᅢ", "ᅬ": "ᅩᅵ", "ᅯ": "ᅮᅥ", "ᅰ": "ᅮᅦ", "ᅱ": "ᅮᅵ", "ᅴ": "ᅳᅵ"}
TYPED = str.maketrans({chr(0x11A8 + place): keys for place, keys in enumerate(FINALS.split())} | VOWELS)
ALIKE_FROM = 80.0
"""Of 100: a slip in a word of five letters."""
ALIKE_LENGTH = 4
"""Shorter texts are like too much."""


class Fit(IntEnum):
    """How a text fits, the best first."""

    WHOLE = 0
    BEGINNING = 1
    PART = 2
    ALIKE = 3


@dataclass(frozen=True)
class Hit:
    """Which row fits, and how."""

    row: int
    fit: Fit


def search(text: str, rows: Sequence[Sequence[str]], limit: int | None = None) -> list[Hit]:
    """The rows that fit, best first, then in their order; slips only where nothing else fits.

    A row is what something is called: its name, then whatever stands before or after it (a singer). A text without a
    letter or digit fits where it stands as it is.
    """
    wanted = typed(text)
    if not wanted:
        return _as_it_is(text.strip(), rows)[:limit]
    called = [_called(*row) for row in rows]
    hits = _initials(wanted, called) if _are_initials(wanted) else _parts(wanted, called)
    return (hits or _alike(wanted, called))[:limit]


@lru_cache(maxsize=1 << 16)
def typed(text: str) -> str:
    """The letters and digits of a text as they are typed."""
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(sign for sign in letters if sign.isalnum()).translate(TYPED)


@dataclass(frozen=True)
class _Called:
    """The ways in which a row can be typed, and the initials of all of it."""

    names: tuple[str, ...]
    whole: str
    initials: str


@lru_cache(maxsize=1 << 16)
def _called(*names: str) -> _Called:
    """`whole` has the name between what else there is, so that they can be typed in any order."""
    name, *others = map(typed, names)
    beside = "".join(others)
    ways = (name, *others, beside + name, name + beside) if beside else (name,)
    first, *rest = map(_initials_of, names)
    return _Called(ways, beside + name + beside, "".join(rest) + first + "".join(rest))


def _as_it_is(text: str, rows: Sequence[Sequence[str]]) -> list[Hit]:
    return [Hit(row, Fit.PART) for row, names in enumerate(rows) if text and any(text in name for name in names)]


def _initials_of(text: str) -> str:
    signs = unicodedata.normalize("NFC", text)
    return "".join(typed(sign)[:1] if "가" <= sign <= "힣" else typed(sign) for sign in signs)


def _are_initials(wanted: str) -> bool:
    return any(sign in INITIALS for sign in wanted) and not any("\u1161" <= sign <= "\u1175" for sign in wanted)


def _initials(wanted: str, called: Iterable[_Called]) -> list[Hit]:
    return [Hit(row, Fit.PART) for row, one in enumerate(called) if wanted in one.initials]


def _parts(wanted: str, called: Sequence[_Called]) -> list[Hit]:
    found = []
    for row, one in enumerate(called):
        if wanted in one.whole:
            begins = one.names[0].startswith(wanted)
            fit = Fit.WHOLE if wanted in one.names else Fit.BEGINNING if begins else Fit.PART
            found.append((fit, len(one.names[0]) if begins else 0, row))
    return [Hit(row, fit) for fit, _, row in sorted(found)]


def _alike(wanted: str, called: Sequence[_Called]) -> list[Hit]:
    """Only rows that hold a piece of the text whole are measured: so few slips cannot touch each of the pieces."""
    if len(wanted) < ALIKE_LENGTH:
        return []
    slips = int(len(wanted) * (1 - ALIKE_FROM / 100))
    size = len(wanted) // (slips + 1)
    pieces = [wanted[start : start + size] for start in range(0, size * (slips + 1), size)]
    near = {row: one.whole for row, one in enumerate(called) if any(piece in one.whole for piece in pieces)}
    long = {row: whole for row, whole in near.items() if len(whole) >= len(wanted) - slips}
    found = process.extract(wanted, long, scorer=fuzz.partial_ratio, score_cutoff=ALIKE_FROM, limit=None)
    return [Hit(row, Fit.ALIKE) for _, row in sorted((-score, row) for _, score, row in found)]
