"""Both languages say the same things, and every error of every room has a Korean sentence."""

import re
import string
from pathlib import Path
from typing import Any

import pytest

from bot import errors as bot_errors
from bot.texts.sentences import Texts, texts
from files.disk import DiskFull
from pipeline import errors as sound_errors
from pipeline.pool.selection import Role
from store import JobState, ListeningState, Question, ReportReason, VoiceState
from store import errors as store_errors
from store.jobs import WORKER_LOST
from store.listening_tables import ClipRole
from store.params import LibraryEntry
from store.taste import Liking

ROOT = Path(bot_errors.__file__).parent
EN, KO = texts("en").sentences, texts("ko").sentences
Refused = store_errors.StoreError | sound_errors.SoundError | bot_errors.BotError | DiskFull
VALUES = {"bar": "▰", "reference": "ab12"}


def fields(template: str) -> set[tuple[str, str | None]]:
    """The placeholders of a template, with their formats."""
    return {(name, spec) for _, name, spec, _ in string.Formatter().parse(template) if name}


def formats(template: str) -> dict[str, str]:
    """The placeholders of a template, with the kind of their formats."""
    return {name: (spec or "")[-1:] for name, spec in fields(template)}


def tree(error: type[Refused]) -> set[type[Refused]]:
    """The class and everything below it."""
    return {error}.union(*(tree(below) for below in error.__subclasses__()))


def every_error() -> list[type[Refused]]:
    """Each error class of the rooms whose sentences members may read."""
    roots: tuple[type[Refused], ...] = (store_errors.StoreError, sound_errors.SoundError, bot_errors.BotError, DiskFull)
    return sorted(
        set[type[Refused]]().union(*(tree(root) for root in roots)), key=lambda e: (e.code, e.__module__, e.__name__)
    )


def sample(template: str) -> dict[str, object]:
    """A value for each placeholder: numbers where the format wants one."""
    return {name: 12.345 if spec and spec[-1] in "feg%," else 3 if spec else "x" for name, spec in fields(template)}


def test_both_languages_have_the_same_keys() -> None:
    ours = {key for key in KO if not key.startswith(("errors.", "what."))}
    assert ours == {key for key in EN if not key.startswith("errors.")}


def test_both_languages_take_the_same_values() -> None:
    assert {key: fields(KO[key]) for key in EN} == {key: fields(EN[key]) for key in EN}


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_sentence_can_be_filled(language: str) -> None:
    for key, sentence in texts(language).sentences.items():
        values = {"key_shift": 3} | sample(sentence)
        if key == "result.cover.key_shift":
            values["key_shift"] = 3
        assert sentence.format(**values).strip(), key


RETOLD = {error.code for error in every_error() if f"errors.{error.code}" in EN}
"""Errors that name to their operator what no member can do anything with: members read another sentence."""


def test_what_the_operator_has_to_provide_is_told_to_members_without_its_reason() -> None:
    assert {error.code for error in sound_errors.NotProvided.__subclasses__()} | {"media_refused"} == RETOLD
    for error in every_error():
        if error.code in RETOLD:
            told = [KO[f"errors.{error.code}"], EN[f"errors.{error.code}"]]
            assert {name for one in told for name, _ in fields(one)} <= {"name"}
            assert "moderators" in told[1] and "관리자" in told[0]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_no_reason_of_the_operators_reaches_a_member(language: str) -> None:
    reason = "There is no file /srv/models/rmvpe.pt; run `discovervoice models pull rmvpe`."
    given = {"reason": reason, "model": "contentvec@ab12", "name": "Emma"}
    for error in (sound_errors.ModelUnusable, sound_errors.EncoderMissing, sound_errors.EmptyLibrary):
        raised = error(**given)
        assert reason in str(raised) or "contentvec" in str(raised)
        said = texts(language).error(raised.code, raised.params, str(raised))
        assert not re.search(r"rmvpe|contentvec|discovervoice|srv", said) and said.endswith(".")
    assert "MEDIA_URL" not in texts(language).error("media_refused", {}, str(store_errors.MediaRefused()))


def test_every_error_has_a_korean_sentence_with_the_same_values() -> None:
    errors = {error: KO[f"errors.{error.code}"] for error in every_error() if error.code not in RETOLD}
    assert len(errors) > 50
    assert {error: formats(korean) for error, korean in errors.items()} == {
        error: formats(error.sentence) for error in errors
    }


def test_what_only_a_job_row_can_say_has_a_korean_sentence() -> None:
    assert fields(KO["errors.worker_lost"]) == fields(WORKER_LOST) == set()
    assert {n for n, _ in fields(KO["errors.internal"])} == {"reference"}


def test_every_korean_error_belongs_to_a_class() -> None:
    known = {e.code for e in every_error()} | {"worker_lost", "unheard", "unprepared", "internal"}
    assert {key.removeprefix("errors.") for key in KO if key.startswith("errors.")} == known


def test_every_thing_that_the_store_cannot_find_has_a_korean_word() -> None:
    source = "".join(p.read_text() for p in Path(store_errors.__file__).parent.rglob("*.py"))
    source += "".join(p.read_text() for room in (ROOT, ROOT.parent / "worker") for p in room.rglob("*.py"))
    assert {f"what.{w}" for w in re.findall(r'what="([^"]+)"', source)} == {k for k in KO if k.startswith("what.")}


def test_every_key_in_the_code_exists() -> None:
    source = "".join(p.read_text() for p in ROOT.rglob("*.py"))
    used = set(re.findall(r'\bsay\(\s*"([a-z_.]+)"', source)) | set(
        re.findall(r'\)\(\s*"([a-z_.]+\.[a-z_.]+)"', source)
    )
    used |= {f"command.{key}" for key in re.findall(r'label\("([a-z_.]+)"', source)}
    assert len(used) > 40
    assert used <= set(EN)


WORDS: dict[str, set[str]] = {
    "state": {*JobState, *VoiceState},
    "role": {*Role},
    "report.reason": {*ReportReason},
    "mos.about": {*Question},
    "mos.question": {*Question},
    "mos.state": {*ListeningState},
    "mos.role": {*ClipRole},
    "result.match.why": {*Liking, "timbre"},
    "kind": {"match", "train", "instant", "cover", *LibraryEntry},
}
"""Values of rows, which sentences are asked for by."""


@pytest.mark.parametrize("table", WORDS)
def test_every_value_of_a_row_has_a_sentence_and_no_other(table: str) -> None:
    assert {key.removeprefix(f"{table}.") for key in EN if key.rpartition(".")[0] == table} == WORDS[table]


def test_every_stage_of_the_work_has_a_sentence_and_no_other() -> None:
    files = [path for room in ("pipeline", "worker") for path in (ROOT.parent / room).rglob("*.py")]
    stages = set(re.findall(r'\breport[(,]\s*"(\w+)"', "".join(path.read_text() for path in files)))
    assert len(stages) > 5 and {key.rpartition(".")[2] for key in EN if key.startswith("stage.")} == stages


def test_english_is_the_language_of_everybody_else() -> None:
    assert texts("fr") == texts("en")


def test_an_error_of_a_row_is_filled_in_korean() -> None:
    shown = texts("ko").error("too_short", {"name": "a.ogg", "seconds": 0.4, "limit": 3}, "English")
    assert shown == "a.ogg: 길이가 0.4초예요. 적어도 3초가 필요하니 더 긴 것을 보내 주세요."


def test_words_of_the_store_are_translated() -> None:
    assert (
        texts("ko").error("not_yours", {"what": "This voice note"}, "")
        == "이 음성은 다른 멤버의 것이라서 본인만 쓸 수 있어요. 내 음성에서 써 주세요."
    )
    assert "학습 중" in texts("ko").error("voice_not_ready", {"name": "x", "state": "training"}, "")


@pytest.mark.parametrize(
    ("code", "params"),
    [("nobody_knows", {}), ("too_short", {"name": "x"}), ("too_short", {"name": "x", "seconds": "y", "limit": 1})],
)
def test_what_cannot_be_filled_is_said_in_english(code: str, params: dict[str, Any]) -> None:
    assert texts("ko").error(code, params, "It failed.") == "It failed."


@pytest.mark.parametrize(("shift", "shown"), [(-12, "−12"), (-1, "−1"), (0, "0"), (1, "+1")])
def test_a_key_has_the_sign_of_the_buttons(shift: int, shown: str) -> None:
    assert KO["again.down"] == "키 −1" and EN["again.up"] == "Key +1"
    assert texts("en")("result.cover.key_shift", key_shift=shift) == f"key {shown}"
    assert texts("ko")("result.cover.key_shift", key_shift=shift) == f"키 {shown}"


@pytest.mark.parametrize("language", ["en", "ko"])
def test_decibels_have_a_minus_sign_and_names_keep_their_hyphens(language: str) -> None:
    say = texts(language)
    assert "−9.3 LUFS" in say("result.cover.loudness", lufs=-9.31)
    assert " 0.0 dBTP" in say("result.cover.peak", peak=-0.04)
    error = sound_errors.Noisy(name="a-1.ogg", found=-2.5, needed=16.0)
    noisy = say.error(error.code, error.params, str(error))
    assert "a-1.ogg" in noisy and " −2.5 dB" in noisy
    assert not [key for key, sentence in say.sentences.items() if re.search(r"(?<!\w)-\d", sentence)]


def test_names_in_errors_are_harmless() -> None:
    for language in ("en", "ko"):
        shown = texts(language).error("silent", {"name": "@everyone **x**"}, "@everyone **x** is silent.")
        assert "@everyone" not in shown and "**x**" not in shown


def test_texts_are_called_by_key() -> None:
    assert Texts("en", {"a.b": "{n} things"})("a.b", n=2) == "2 things"
