"""Every sentence that members read, in English and Korean: `en.toml` and `ko.toml`, filled by name."""

import functools
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.texts.grammar import FILLED, agreeing
from bot.texts.names import SHOWN_LENGTH, safe

LANGUAGES = ("en", "ko")
SENTENCE_LENGTH = 900
CANDIDATES_LENGTH = 600


@dataclass(frozen=True)
class Texts:
    """One language. Call it with a sentence's key and its values."""

    language: str
    sentences: Mapping[str, str]

    def __call__(self, key: str, /, **params: object) -> str:
        """The filled sentence. A name in `params` must already be `safe`."""
        return agreeing(FILLED.vformat(self.sentences[key], (), params), self.language)

    def known(self, key: str, fallback: object) -> str:
        """The sentence of a key that comes from a row, or the safe fallback."""
        return self.sentences.get(key) or safe(fallback)

    def error(self, code: str, params: Mapping[str, Any], english: str, shown: Callable[[str, int], str] = safe) -> str:
        """The sentence of an error: ours if we know its code and it fits, else the English one.

        Names, and the English sentence, are `shown` with at most so many characters.
        """
        template = self.sentences.get(f"errors.{code}")
        if template is not None:
            try:
                values = {name: self._shown(name, value, shown) for name, value in params.items()}
                return agreeing(FILLED.vformat(template, (), values), self.language)
            except (KeyError, ValueError, IndexError, TypeError):
                pass
        return shown(english, SENTENCE_LENGTH)

    def _shown(self, name: str, value: Any, shown: Callable[[str, int], str]) -> Any:
        """Words of the store in our language, names as they are to be shown, numbers as they are."""
        if not isinstance(value, str):
            return value
        table = {"what": "what", "state": "state", "wanted": "state"}.get(name)
        if table:
            return self.known(f"{table}.{value}", value)
        return shown(value, CANDIDATES_LENGTH if name == "candidates" else SHOWN_LENGTH)


@functools.cache
def texts(language: str) -> Texts:
    """The sentences of a language; English for every language that we do not have."""
    language = language if language in LANGUAGES else "en"
    table = tomllib.loads((Path(__file__).parent / f"{language}.toml").read_text("utf-8"))
    return Texts(language, dict(_flat(table, "")))


def _flat(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value
