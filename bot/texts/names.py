"""Names that people give: checked, shortened, and made harmless where they are shown, also in lists."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from discord.utils import escape_markdown

from bot.errors import BadVoiceName
from store.names import is_blank, tidy

VOICE_NAME_LENGTH = 32
SHOWN_LENGTH = 100
MESSAGE_LENGTH = 1900  # Discord takes 2 000 characters
NUMBERED = re.compile(r"^(\d+)([.)]) ")
"""How an entry of a numbered list begins, and also some names of files: `1. Intro.mp3`."""


def voice_name(text: str) -> str:
    """The name in the form that is kept. Raises BadVoiceName."""
    name = tidy(text)
    if is_blank(name) or len(name) > VOICE_NAME_LENGTH or not text.strip().isprintable():
        raise BadVoiceName(limit=VOICE_NAME_LENGTH)
    return name


def file_name(text: str) -> str:
    """A plain file name: no folders, no control characters, at most 100 characters, its suffix kept."""
    last = text.replace("\\", "/").rsplit("/", 1)[-1]
    stem, dot, suffix = last.rpartition(".")
    base = tidy(f"file.{suffix}" if stem and is_blank(stem) else last).lstrip(".")
    base = "file" if is_blank(base) else base
    stem, dot, suffix = base.rpartition(".")
    if len(base) <= SHOWN_LENGTH or not dot or len(suffix) > 11:
        return base[:SHOWN_LENGTH]
    return f"{stem[: SHOWN_LENGTH - len(suffix) - 1]}.{suffix}"


def song_name(text: str) -> str:
    """A song file's name without its suffix."""
    name = file_name(text)
    return name.rpartition(".")[0] or name


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, with an ellipsis where something is missing."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def choice_name(name: str, number: int | None) -> str:
    """What a menu shows for a row's name: Discord refuses blank and long ones."""
    return f"#{number}" if is_blank(name) else shorten(name, SHOWN_LENGTH)


def choice_names(rows: Iterable[tuple[str, int | None]]) -> list[str]:
    """What a menu shows for rows (name, number): the number beside those that could not be told apart."""
    shown = [(choice_name(name, number), number) for name, number in rows]
    alike = Counter(name.casefold() for name, _ in shown)
    return [_beside(name, f" (#{number})") if alike[name.casefold()] > 1 else name for name, number in shown]


def _beside(name: str, suffix: str) -> str:
    return shorten(name, SHOWN_LENGTH - len(suffix)) + suffix


def safe(text: object, limit: int = SHOWN_LENGTH) -> str:
    """Text for a message: no markdown, no mention, no link, one line, not longer than `limit`."""
    line = " ".join(str(text).split())
    shown: str = escape_markdown(shorten(line, limit), ignore_links=False)
    shown = NUMBERED.sub(r"\1\\\2 ", shown)
    for sign in ("@", "<", ":/"):
        shown = shown.replace(sign, f"{sign[0]}\u200b{sign[1:]}")
    return shown


def numbered_list(entries: Sequence[str]) -> str:
    """Lines that each begin with a number, and the empty line without which Discord adds the next to the last entry."""
    return "\n".join([*entries, ""]) if entries else ""
