"""What depends on the words that are filled in: Korean particles after names, English plurals, the signs of numbers.

A Korean sentence has both forms of a particle, `“{voice}”을(를)`, an English one `{votes} vote[s]`.
"""

import re
import string
from typing import Any

FORMS = {
    "은(는)": ("은", "는"),
    "이(가)": ("이", "가"),
    "을(를)": ("을", "를"),
    "과(와)": ("과", "와"),
    "(으)로": ("으로", "로"),
}
"""After a consonant, and after a vowel."""
PARTICLE = re.compile("|".join(map(re.escape, FORMS)))
PLURAL = re.compile(r"(?<![\d.,])(\d[\d.,]*)((?: [A-Za-z]+){1,3})\[s\]")
DIGITS = "영일이삼사오육칠팔구"
LIQUID = 8
"""The place of ㄹ among the final consonants: 로 follows it as it follows a vowel."""


class NumbersFilled(string.Formatter):
    """Fills numbers in as the buttons write them: −3 with a minus sign, and 0 without any."""

    def format_field(self, value: Any, format_spec: str) -> str:
        """The value by its format."""
        written = str(super().format_field(value, format_spec))
        if not isinstance(value, int | float):
            return written
        bare = written.lstrip("+-")
        return written.replace("-", "−") if bare.strip("0.,%") else bare


FILLED = NumbersFilled()


def agreeing(text: str, language: str) -> str:
    """The text with the form of each particle or noun that agrees with what stands before it."""
    if language == "ko":
        return PARTICLE.sub(lambda found: _particle(text[: found.start()], found[0]), text)
    return PLURAL.sub(lambda found: f"{found[1]}{found[2]}{'' if found[1] == '1' else 's'}", text)


def _particle(before: str, both: str) -> str:
    """The form after a name, whatever signs close it; both where its sound is not known (an emoji)."""
    letter = next((sign for sign in reversed(before) if sign.isalnum()), "")
    final = _final(letter)
    if final is None:
        return both
    after_consonant, after_vowel = FORMS[both]
    return after_vowel if final == 0 or (final == LIQUID and both == "(으)로") else after_consonant


def _final(letter: str) -> int | None:
    """The final consonant with which a letter is spoken, by its place in Unicode's list; 0: none, None: not known.

    Of a Latin word the last letter is taken as it mostly sounds in Korean: l, m, n and a g (of -ng) close it.
    """
    if letter.isdecimal():
        letter = DIGITS[int(letter)]
    if "가" <= letter <= "힣":
        return (ord(letter) - ord("가")) % 28
    if letter.isascii() and letter:
        return {"l": LIQUID, "m": 16, "n": 4, "g": 21}.get(letter.lower(), 0)
    return None
