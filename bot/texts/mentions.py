"""Commands that a sentence names (`/train`), made such that they can be clicked (`</train:123>`)."""

import re
from collections.abc import Iterator, Mapping, Sequence

from discord.app_commands import AppCommand, AppCommandGroup

from bot.texts.sentences import texts

LONGEST = 2000
"""Discord takes so many characters."""


def mentions_of(commands: Sequence[AppCommand]) -> dict[str, str]:
    """The mention of every command, by its name in each language: `train`, `목소리학습`, `mos stop`."""
    found: dict[str, str] = {}
    for command in commands:
        below = [option for option in command.options if isinstance(option, AppCommandGroup)]
        for name, mention in [(one.qualified_name, one.mention) for one in below] or [(command.name, command.mention)]:
            found |= dict.fromkeys(_names(name), mention)
    return found


def clickable(text: str, mentions: Mapping[str, str]) -> str:
    """The text with a mention for each command in it; as it was if Discord would not take it."""
    if not mentions:
        return text
    names = "|".join(re.escape(name) for name in sorted(mentions, key=len, reverse=True))
    shown = re.sub(rf"(?<![\w/<“])/({names})(?![\w-])", lambda found: mentions[found[1]], text)
    return shown if len(shown) <= LONGEST else text


def _names(name: str) -> Iterator[str]:
    """A command's name, and the Korean one if the texts have it."""
    yield name
    english, korean = texts("en").sentences, texts("ko").sentences
    first, *rest = name.split()
    for key, word in english.items():
        if word == first and re.fullmatch(r"command\.\w+\.name", key):
            keys = [key, *(f"{key.removesuffix('name')}{part}" for part in rest)]
            if all(one in korean for one in keys):
                yield " ".join(korean[one] for one in keys)
