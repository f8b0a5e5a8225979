"""Names that people give to songs, voices and singers: one form to keep, one to compare by, one way to choose.

The form that is kept is Unicode's NFC, what keyboards type; macOS writes file names in NFD. Names are compared without
case (The Unicode Standard, D145: canonical caseless matching).
"""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from store.errors import BlankName, SeveralFit
from store.search import Fit, search

HIDDEN = frozenset({"Cc", "Cf", "Cs"})
"""Categories of signs that show nothing, or turn what is around them: controls, formats, halves of signs."""
BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that show nothing: the fillers of Hangul, and Braille without a dot."""
JOINERS = frozenset("\u200c\u200d")
"""They show nothing themselves, and are needed within words and emoji."""
MARKS = frozenset({"\u034f", *(chr(code) for code in range(0xFE00, 0xFE10))})
"""They show nothing themselves either: the grapheme joiner, and what asks for one shape of a sign."""
UNCOMPARED = dict.fromkeys(map(ord, JOINERS | MARKS))
SHOWN = 5
"""Candidates that a refusal names."""

Row = TypeVar("Row")


def tidy(text: str) -> str:
    """The form that is kept: NFC, on one line, without spaces at its ends and without signs that show nothing."""
    signs = (" " if _is_space(sign) else sign for sign in unicodedata.normalize("NFC", text))
    shown = (sign for sign in signs if sign in JOINERS or unicodedata.category(sign) not in HIDDEN)
    return " ".join("".join(shown).split())


def is_blank(text: str) -> bool:
    """Whether nothing of a text can be seen."""
    kinds = ((sign, unicodedata.category(sign)) for sign in text)
    return all(sign in BLANK or kind in HIDDEN or kind[0] in "MZ" for sign, kind in kinds)


def named(text: str, *, what: str) -> str:
    """The form to keep of a name; `what`: "voice", "song", "singer". Raises BlankName."""
    name = tidy(text)
    if is_blank(name):
        raise BlankName(what=what)
    return name


def folded(text: str) -> str:
    """The form to compare by; the same for names that look alike but for case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold().translate(UNCOMPARED))


def fitting(text: str, rows: Sequence[Row], names: Callable[[Row], Sequence[str]]) -> list[Row]:
    """The rows that a text fits, the best first; all of them without one. `names` are what a row is called by."""
    return list(rows) if is_blank(text) else [rows[hit.row] for hit in search(text, [names(row) for row in rows])]


def chosen(
    text: str, rows: Iterable[Row], names: Callable[[Row], Sequence[str]], show: Callable[[Row], str]
) -> Row | None:
    """The one row that has this name, else the one that it fits, with slips only if it fits none; None if none.

    `names` are what a row is called by, `show` what a refusal calls it, which can be typed then. Raises SeveralFit.
    """
    needle = folded(tidy(text))
    if is_blank(needle):
        return None
    listed = list(rows)
    found = [row for row in listed if needle in [folded(name) for name in (*names(row), show(row))]]
    if not found:
        hits = search(text, [names(row) for row in listed])
        whole = [hit for hit in hits if hit.fit is Fit.WHOLE]
        found = [listed[hit.row] for hit in whole or hits]
    if len(found) > 1:
        more = ", …" if len(found) > SHOWN else ""
        raise SeveralFit(name=tidy(text), candidates=", ".join(map(show, found[:SHOWN])) + more)
    return found[0] if found else None


def _is_space(sign: str) -> bool:
    return sign in "\t\n\v\f\r\x85" or unicodedata.category(sign)[0] == "Z"
