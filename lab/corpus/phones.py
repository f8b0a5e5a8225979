"""From a sentence to Kokoro's phones, by the program espeak-ng.

The change from espeak-ng's IPA to Kokoro's symbols follows misaki (hexgrad, Apache-2.0).
"""

import re
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache

from lab.errors import BuildError

TIE = "^"
MERGED = {
    "a^ɪ": "I", "a^ʊ": "W", "d^ʒ": "ʤ", "e^ɪ": "A", "t^ʃ": "ʧ", "ɔ^ɪ": "Y", "ə^l": "ᵊl",
    "d^z": "ʣ", "t^s": "ʦ", "ʲo": "jo", "ʲə": "jə", "ʲ": "", "ɚ": "əɹ",
}  # fmt: skip
ENGLISH = {"e": "A", "r": "ɹ", "x": "k", "ç": "k", "ɐ": "ə", "ɬ": "l", "ʔ": "t", "\u0303": ""}
AMERICAN = {"o^ʊ": "O", "ɜːɹ": "ɜɹ", "ɜː": "ɜɹ", "ɪə": "iə"}
BRITISH = {"e^ə": "ɛː", "iə": "ɪə", "ə^ʊ": "Q"}
SYLLABIC = re.compile("(\\S)\u0329")
PAUSES = re.compile(r"([,.;:!?]+)")


def phonemes(text: str, language: str) -> str:
    """Kokoro's phonemes of a sentence, with a full stop if it has no end. `language` as espeak-ng names it.

    Raises BuildError.
    """
    spoken: list[str] = []
    for piece in PAUSES.split(text):
        if PAUSES.fullmatch(piece):
            spoken.append(piece[0])
        elif piece.strip():
            spoken.append((" " if spoken else "") + _symbols(_espeak(piece.strip(), language), language))
    return "".join(spoken) + ("" if PAUSES.fullmatch(spoken[-1]) else ".")


def tokens(phones: str, vocabulary: Mapping[str, int]) -> list[int]:
    """The model's tokens of phonemes, with its pad (0) on both sides; symbols that it does not know are left out."""
    return [0, *(vocabulary[phone] for phone in phones if phone in vocabulary), 0]


@cache
def _espeak(text: str, language: str) -> str:
    program = shutil.which("espeak-ng")
    if program is None:
        raise BuildError("The program espeak-ng is needed to make synthetic speech, and it is not installed.")
    words = [program, "-q", "--ipa", f"--tie={TIE}", "-v", language, "--", text]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise BuildError(f"espeak-ng cannot read the language {language}: {done.stderr.strip().rstrip('.')}.")
    return " ".join(re.sub(r"\([a-z-]+\)", "", done.stdout).split())


def _symbols(ipa: str, language: str) -> str:
    english = language.startswith("en")
    own = BRITISH if language == "en-gb" else AMERICAN if english else {}
    table = {**own, **MERGED, **(ENGLISH if english else {})}
    for old in sorted(table, key=len, reverse=True):
        ipa = ipa.replace(old, table[old])
    return SYLLABIC.sub("ᵊ\\1", ipa).replace("\u0329", "").replace("ː", "").replace(TIE, "").replace("ɹɹ", "ɹ")
