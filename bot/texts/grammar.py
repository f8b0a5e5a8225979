"""What depends on the words that are filled in: Korean particles after names, English plurals, the signs of numbers.

A Korean sentence has both forms of a particle, `“{voice}”을(를)`, an English one `{votes} vote[s]`.
"""

import re
import string
import unicodedata
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
LIQUID, CLOSED = 8, 1
"""The places of ㄹ and of one of the others among the final consonants: 로 follows ㄹ as it follows a vowel."""
SIGNS = re.compile(r"(?:_|[^\w\s%\uff05\u2100-\u2bff\U0001f000-\U0001ffff])+$")
"""What closes a name and is not spoken: quotes, brackets, markdown; no symbols such as ♪ and %, no emoji."""
VOWELS = ("\u1161", "\u1175")
"""ㅏ to ㅣ, as NFKC has each of them alone: such letters are spoken as they are."""
HALF_WIDTH = re.compile("[\uffa1-\uffdc]+$")
"""Letters of old terminals, which Unicode joins to syllables without final consonants."""
LATIN = re.compile(r"[A-Za-z]+$")
MOST_SPELLED = 3
SPELLED = {"l": LIQUID, "r": LIQUID, "m": CLOSED, "n": CLOSED}
ENDS_LIQUID = re.compile(r"le?$")
ENDS_CLOSED = re.compile(r"([mn]|(?<=[a-z])[mn]e|ng|[aiu]g|ck|(?<![aeiou])[aeiou][kpt]|ook|[aeiou]b|[ai]c)$")


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
    final = _final(SIGNS.sub("", unicodedata.normalize("NFC", before)))
    if final is None:
        return both
    after_consonant, after_vowel = FORMS[both]
    return after_vowel if final == 0 or (final == LIQUID and both == "(으)로") else after_consonant


def _final(name: str) -> int | None:
    """The final consonant with which a name is spoken, by its place in Unicode's list; 0: none, None: not known."""
    if half := HALF_WIDTH.search(name):
        name = unicodedata.normalize("NFKC", half[0])
        if "가" <= name[-2:-1] <= "힣" and name[-1] < VOWELS[0]:
            return LIQUID if name[-1] == "ᄅ" else CLOSED
    letter = unicodedata.normalize("NFKC", name[-1:])
    if letter.isdecimal():
        letter = DIGITS[int(letter)]
    if "가" <= letter <= "힣":
        return (ord(letter) - ord("가")) % 28
    if VOWELS[0] <= letter <= VOWELS[1]:
        return 0
    if word := LATIN.search(unicodedata.normalize("NFKC", name)):
        return _of_latin(word[0])
    plain = unicodedata.normalize("NFKD", letter)[:1]
    return 0 if plain and plain in "aeiouyAEIOUY%" else None


def _of_latin(word: str) -> int:
    """The same of a Latin word, as it mostly sounds in Korean: 록, 핑크, 아델. A few capitals are spelled: 엠알."""
    if len(word) == 1 or (len(word) <= MOST_SPELLED and word.isupper()):
        return SPELLED.get(word[-1].lower(), 0)
    if ENDS_LIQUID.search(word.lower()):
        return LIQUID
    return CLOSED if ENDS_CLOSED.search(word.lower()) else 0
