"""Commands named in sentences can be clicked, in both languages."""

import re

import pytest

from bot.texts.mentions import clickable
from bot.texts.sentences import texts
from tests.bot.world import World, response_of, text_of

MENTIONS = {"train": "</train:1>", "목소리학습": "</train:1>", "mos stop": "</mos stop:2>"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/train makes one.", "</train:1> makes one."),
        ("Use /train.", "Use </train:1>."),
        ("/목소리학습 으로 만들어요", "</train:1> 으로 만들어요"),
        ("first /mos stop, then /mos start", "first </mos stop:2>, then /mos start"),
        ("</train:1> and a/train and /trains and “/train”", "</train:1> and a/train and /trains and “/train”"),
        ("https://train/train", "https://train/train"),
    ],
)
def test_a_command_becomes_a_mention(text: str, shown: str) -> None:
    assert clickable(text, MENTIONS) == shown and clickable(shown, MENTIONS) == shown


def test_a_text_that_would_be_too_long_stays_as_it_was() -> None:
    text = "/train ".ljust(1999, ".")
    assert clickable(text, MENTIONS) == text and clickable("/train", {}) == "/train"


async def test_every_command_that_a_sentence_names_can_be_clicked(world: World) -> None:
    mentions = world.bot.services.mentions
    for language in ("en", "ko"):
        for key, sentence in texts(language).sentences.items():
            left = re.findall(r"(?<![\w/<:>])/\w[^ ]*", clickable(sentence, mentions))
            assert not left, (language, key)


async def test_an_answer_has_mentions(world: World) -> None:
    text = text_of(response_of(await world.alice.slash(world.channel, "voices")))
    assert re.search(r"</train:\d+>", text)
