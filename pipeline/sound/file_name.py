"""Names of files that somebody sent, as sentences may show them."""

import unicodedata
from pathlib import PurePosixPath

MARKUP = str.maketrans("{}[]@_", "()()＠ ", "*~`|<>\\#:")  # what Discord reads: replaced, removed


def display_name(name: str, limit: int = 40) -> str:
    """A user's file name, safe to print: the last part of the path, at most `limit` characters.

    Control, direction and other invisible characters go, and what Discord reads as markup, mention or link.
    """
    last = unicodedata.normalize("NFC", name[-4096:]).replace("\\", "/").rstrip("/").rpartition("/")[2]
    shown: list[str] = []
    marks = 0
    for char in last:
        kind = " " if char in "\t\r\n" else unicodedata.category(char)
        marks = marks + 1 if kind[0] == "M" else 0
        if marks <= 2 and kind[0] != "C":  # Z: spaces of any kind
            shown.append(" " if kind[0] in "Z " else char)
    text = " ".join("".join(shown).translate(MARKUP).split()).lstrip(".-+ ") or "This file"
    suffix = PurePosixPath(text).suffix[:8]
    return text if len(text) <= limit else text[: limit - 1 - len(suffix)].rstrip() + "…" + suffix


def name_of_title(title: str) -> str:
    """A song's title as a name for `display_name`, which takes the last part of a path: a title has no folders."""
    return title.replace("/", "\u2215").replace("\\", "\u2216")
