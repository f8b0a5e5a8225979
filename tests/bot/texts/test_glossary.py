"""One glossary and one register in Korean, particles that agree with any name, and English plurals of one."""

import re
import unicodedata

import pytest

from bot.texts.grammar import agreeing
from bot.texts.sentences import Texts, texts
from store import errors as store_errors
from store.errors import NotFound

EN, KO = texts("en").sentences, texts("ko").sentences
GLOSSARY = {
    r"\boperator\b": "운영자",
    r"\bmoderators?\b": "관리자",
    r"\bmembers?\b": "멤버",
    r"\bvoice model\b": "목소리 모델",
    r"\blistening tests?\b": "청취 테스트",
    r"\binstrumental\b": "반주",
    r"\bbasket\b": "바구니",
    r"\bworking\b": "작업",
    r"\bAI-generated\b": "AI",
}
"""What a word of an English sentence is in the Korean one of the same key."""
ONLY_WORD = {"회원": "멤버", "음성 모델": "목소리 모델", "유저": "멤버", "사용자": "멤버", "콘서트": "청취 테스트"}
FREE = {"listening.question", "my_data.left_out", "command.settings.moderator_role_about"}
FILLED = re.compile(r"\{[^}]*\}")
FORMAL = re.compile(r"(니다|십시오|시오|습니까|이다|한다)(?=[.!?\s”]|$)")
DOUBLED = re.compile(r"목소리 [“*]*\{(voice|name)\}|\{(voice|name)\}[”*]* 목소리")


@pytest.mark.parametrize("word", GLOSSARY)
def test_a_word_has_one_translation(word: str) -> None:
    shared = [
        key for key in EN if key in KO and re.search(word, FILLED.sub("", EN[key]), re.IGNORECASE) and key not in FREE
    ]
    assert {key for key in shared if GLOSSARY[word] not in KO[key]} == set()


def test_korean_has_one_word_for_a_thing_one_register_and_says_nothing_twice() -> None:
    for key, sentence in KO.items():
        assert not [word for word in ONLY_WORD if word in sentence], key
        assert not FORMAL.search(sentence), key
        assert not DOUBLED.search(sentence), key
        assert "}: 없어요" not in sentence, key


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("“팔레트”을(를) 삭제", "“팔레트”를 삭제"),
        ("“밤편”을(를) 삭제", "“밤편”을 삭제"),
        ("**내 목소리**이(가) 부른", "**내 목소리**가 부른"),
        ("Palette은(는)", "Palette는"),
        ("Motion은(는)", "Motion은"),
        ("song 3(으)로", "song 3으로"),
        ("song 1(으)로", "song 1로"),
        ("서울(으)로", "서울로"),
        ("10이(가)", "10이"),
        ("2과(와)", "2와"),
        ("(AI)을(를)", "(AI)를"),
        ("🎤을(를)", "🎤을(를)"),
        ("٣을(를)", "٣을"),
        ("m²을(를)", "m²를"),
        ("“100%”을(를)", "“100%”를"),
        ("(50％)은(는)", "(50％)는"),
        ("Adele이(가)", "Adele이"),
        ("Apple(으)로", "Apple로"),
        ("Time(으)로", "Time으로"),
        ("me을(를)", "me를"),
        ("Rock은(는)", "Rock은"),
        ("Pink은(는)", "Pink는"),
        ("Pop Up을(를)", "Pop Up을"),
        ("Beat을(를)", "Beat를"),
        ("Music과(와)", "Music과"),
        ("voice.ogg은(는)", "voice.ogg는"),
        ("Sting은(는)", "Sting은"),
        ("G이(가)", "G가"),
        ("RM(으)로", "RM으로"),
        ("MR(으)로", "MR로"),
        ("IU이(가)", "IU가"),
        ("Beyoncé을(를)", "Beyoncé를"),
        ("René은(는)", "René는"),
        ("Ａ１을(를)", "Ａ１을"),
        ("x\\_을(를)", "x\\_를"),
        ("바다~!을(를)", "바다~!를"),
        (unicodedata.normalize("NFD", "밤") + "을(를)", unicodedata.normalize("NFD", "밤") + "을"),
        ("**AI로 만든 커버:** **🎤**이(가)", "**AI로 만든 커버:** **🎤**이(가)"),
        ("다른 이름 !!!은(는)", "다른 이름 !!!은(는)"),
        ("東京을(를)", "東京을(를)"),
        ("ﾤￌﾩￃ이(가)", "ﾤￌﾩￃ가"),
        ("ﾡￂﾱ이(가)", "ﾡￂﾱ이"),
        ("ﾲￂﾩ(으)로", "ﾲￂﾩ로"),
        ("ﾡￂﾱ(으)로", "ﾡￂﾱ으로"),
        ("ﾡￂﾴ과(와)", "ﾡￂﾴ과"),
        ("ㅠㅠ이(가)", "ㅠㅠ가"),
        ("ㅋㅋㅋ이(가)", "ㅋㅋㅋ이(가)"),
        ("ﾻﾻﾻ이(가)", "ﾻﾻﾻ이(가)"),
    ],
)
def test_a_particle_agrees_with_the_name_before_it(sentence: str, shown: str) -> None:
    assert agreeing(sentence, "ko") == shown


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("1 vote[s] of 2 rater[s]", "1 vote of 2 raters"),
        ("3 of 1 clip[s]", "3 of 1 clip"),
        ("0 voice note[s], 1 voice note[s], 21 voice note[s]", "0 voice notes, 1 voice note, 21 voice notes"),
        ("1,001 file[s]", "1,001 files"),
    ],
)
def test_one_is_singular(sentence: str, shown: str) -> None:
    assert agreeing(sentence, "en") == shown


def test_sentences_and_errors_agree() -> None:
    assert Texts("ko", {"a": "“{voice}”을(를)"})("a", voice="밤") == "“밤”을"
    assert texts("ko").error("voice_not_ready", {"name": "밤", "state": "training"}, "").startswith("밤은 지금")
    assert texts("ko").error(NotFound.code, {}, "") == KO["errors.not_found"]
    assert store_errors.NotYours(what="This voice note").params
