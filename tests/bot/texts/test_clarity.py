"""What a stranger can read: no words of the house, buttons that exist, numbers of one, every code in both languages."""

import re
from pathlib import Path

import pytest

from bot.texts.sentences import texts
from tests.bot.markdown import swallowed
from tests.bot.texts.test_sentences import every_error, fields

ROOT = Path(__file__).resolve().parents[3]
EN, KO = texts("en").sentences, texts("ko").sentences
ERRORS = {f"errors.{error.code}": EN.get(f"errors.{error.code}", error.sentence) for error in every_error()}
"""Of each error what an English member reads."""
OPERATORS = {
    "errors.backup_refused",
    "errors.crew_lost",
    "errors.index_wrong",
    "errors.no_token",
    "errors.store_damaged",
    "errors.store_newer",
    "errors.store_unusable",
    "errors.unequal_shares",
    "errors.unreachable",
    "errors.wrong_token",
}
"""Errors of the command line, which the bot logs under a reference."""
DETAILS = re.compile(
    r"result\.cover\.(cosine|mos|f0|loudness|peak)|result\.train\.(cosine|steps|held_out|ended)|role\."
)
"""What only *Details*, or the card of one's own voice, shows."""
HOUSE = re.compile(
    r"worker|queue|\blease|embedding|checkpoint|cosine|epoch|log-mel|\bf0\b|LUFS|dBTP|database|backend|timeout|"
    r"워커|코사인|임베딩|데이터베이스|스텝|null|undeliverable|rendered",
    re.IGNORECASE,
)
OF_THE_DESK = re.compile(r"discovervoice [a-z]|\b[A-Z]+_[A-Z]+\b")
"""A command line, and a setting of the operator's."""
ALWAYS_SEVERAL = {
    "errors.basket_full",
    "errors.key_too_far",
    "errors.nothing_to_rate",
    "errors.too_few_songs",
    "errors.too_many_channels",
    "errors.too_many_clips",
    "errors.unequal_shares",
    "result.library.singer",
}
"""Sentences whose number is a constant above one, or is more than one whenever they are said."""
COUNTED = {"channels", "clips", "files", "jobs", "limit", "messages", "notes", "number", "parts", "raters", "rows"} | {
    "songs",
    "voices",
    "votes",
}
"""Values that count things, where a sentence gives no format."""
NAMED = re.compile(r"(?<![*\w])\*([^*\n]+)\*(?![*\w])|“((?:Apps|앱) ▸ [^”]+|Voice message|음성 메시지)”")


def labels(language: str) -> set[str]:
    """What stands on buttons, menus and forms, and what may be chosen of a message."""
    return set(texts(language).sentences.values())


def test_no_sentence_has_words_of_the_house() -> None:
    keys = [key for key in {*EN, *KO, *ERRORS} - OPERATORS if not DETAILS.match(key)]
    sentences = [one[key] for one in (EN, KO, ERRORS) for key in keys if key in one]
    assert len(sentences) > 1000
    bare = [re.sub(r"\{[^}]*\}", "", sentence) for sentence in sentences]
    assert [said for said in bare if HOUSE.search(said) or OF_THE_DESK.search(said)] == []


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_button_that_a_sentence_names_is_there_under_that_name(language: str) -> None:
    sentences = [*texts(language).sentences.values(), *(ERRORS.values() if language == "en" else ())]
    named = [found[0] or found[1] for one in sentences for found in NAMED.findall(one)]
    assert len(named) >= 5
    menus = {one.removeprefix("Apps ▸ ").removeprefix("앱 ▸ ") for one in named}
    assert menus <= labels(language)


def of_one(key: str) -> str:
    """The English sentence, filled with one of everything that it counts."""
    template = EN.get(key) or ERRORS[key]
    values: dict[str, object] = {name: 1 if spec or name in COUNTED else "x" for name, spec in fields(template)}
    return texts("en")(key, **values) if key in EN else template.format(**values)


def test_one_of_a_thing_is_not_called_several() -> None:
    said = [of_one(key) for key in {*EN, *ERRORS} - ALWAYS_SEVERAL]
    assert [one for one in said if re.search(r"(?<![\w.,:])1 (?!(?:s|is|has|as)\b)[a-z]+s\b", one)] == []


def test_an_english_error_is_shown_as_it_was_written() -> None:
    """Its names may hold markdown, so all of it is made harmless: what is meant as markdown would show its signs."""
    assert [sentence for sentence in ERRORS.values() if "*" in sentence or "[s]" in sentence] == []


def test_every_code_that_a_row_is_given_has_a_korean_sentence() -> None:
    source = "".join(path.read_text("utf-8") for room in ("store", "worker") for path in (ROOT / room).rglob("*.py"))
    codes = set(re.findall(r'"(\w+)", \{\}, [A-Z_]+\)', source))
    assert {"worker_lost", "unheard", "unprepared"} <= codes and {f"errors.{code}" for code in codes} <= set(KO)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_no_sentence_goes_on_below_a_list(language: str) -> None:
    assert {key: below for key, one in texts(language).sentences.items() if (below := swallowed(one))} == {}
