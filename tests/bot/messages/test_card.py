"""The text of a card."""

from typing import Any

import pytest

from bot.messages import card as cards
from bot.texts.sentences import texts
from store import Job, JobKind, JobState

SAY = texts("en")


def job(**values: Any) -> Job:
    """A cover that is under way."""
    params = {"song_name": "**Palette**", "voice_name": "mine"}
    known: dict[str, Any] = {
        "kind": JobKind.COVER,
        "user_id": 7,
        "state": JobState.RUNNING,
        "params": params,
        "stage": "converting",
    }
    return Job(**known | values)


def test_a_running_card() -> None:
    card = cards.render(job(progress=0.5, seconds_left=100.0), 0, SAY)
    assert card == (
        "**Cover** of “\\*\\*Palette\\*\\*” with the voice “mine”\n"
        "▰▰▰▰▰▰▱▱▱▱▱▱ 50 % · converting the voice · about 2 min left"
    )


def test_cards_of_one_song_in_several_keys_are_told_apart() -> None:
    params = {"song_name": "Palette", "voice_name": "mine"}
    headings = [cards.heading(job(params={**params, "key_shift": shift}), SAY) for shift in (None, 0, 1, -12)]
    assert [one.partition("“mine”")[2] for one in headings] == ["", "", ", key +1", ", key −12"]


def test_cards_of_one_song_in_several_balances_are_told_apart() -> None:
    params = {"song_name": "Palette", "voice_name": "mine", "key_shift": 1, "vocal_level": -3}
    assert cards.heading(job(params=params), SAY).endswith("“mine”, key +1, vocals −3 dB")
    assert cards.heading(job(params=params), texts("ko")).endswith(", 키 +1, 보컬 −3 dB")


def test_a_waiting_card() -> None:
    waiting = job(state=JobState.QUEUED, stage=None)
    shown = [cards.render(waiting, 3, SAY, seconds).rpartition("\n")[2] for seconds in (59, 61, 7200)]
    assert shown == [
        f"Waiting: place 3 in line · begins in {when}" for when in ("less than a minute", "about 2 min", "about 2.0 h")
    ]
    begun = job(state=JobState.QUEUED, stage=None, kind=JobKind.TRAIN, progress=0.5)
    shown = [cards.render(begun, 2, texts(language), 5).rpartition("\n")[2] for language in ("en", "ko")]
    assert shown == [
        "▰▰▰▰▰▰▱▱▱▱▱▱ 50 % · paused: place 2 in line · begins in less than a minute",
        "▰▰▰▰▰▰▱▱▱▱▱▱ 50% · 잠시 멈춤: 2번째 · 1분 안에 시작해요",
    ]
    assert cards.render(waiting, 3, texts("ko"), 61).endswith("대기 중: 3번째 · 약 2분 뒤에 시작해요")


def test_starting_stopping_and_an_unknown_stage() -> None:
    assert cards.render(job(stage=None), 0, SAY).endswith("Starting")
    assert cards.render(job(cancel_requested=True), 0, SAY).endswith("Stopping, as you asked")
    assert "0 % · \\*x\\*" in cards.render(job(stage="*x*"), 0, SAY)


def test_a_cover_listens_to_the_song_and_everything_else_to_the_voice() -> None:
    said = {
        kind: [cards.status(job(kind=kind, stage="listening"), 0, texts(language)) for language in ("en", "ko")]
        for kind in (JobKind.COVER, JobKind.MATCH, JobKind.TRAIN)
    }
    assert said.pop(JobKind.COVER) == ["▱▱▱▱▱▱▱▱▱▱▱▱ 0 % · listening to the song", "▱▱▱▱▱▱▱▱▱▱▱▱ 0% · 노래를 듣는 중"]
    assert {one[0].rpartition(" · ")[2] for one in said.values()} == {"listening to the voice"}
    assert {one[1].rpartition(" · ")[2] for one in said.values()} == {"목소리를 듣는 중"}


def test_the_last_word_says_where_the_job_goes_on() -> None:
    for language, command in (("en", "/jobs"), ("ko", "/작업")):
        shown = cards.farewell(job(progress=0.5), texts(language))
        assert "Palette" in shown and command in shown and "50" not in shown


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0, ""),
        (float("nan"), ""),
        (-3.0, ""),
        (3, "about 10 s left"),
        (61, "about 70 s left"),
        (91, "about 2 min left"),
        (7200, "about 2.0 h left"),
    ],
)
def test_time_left(seconds: float, text: str) -> None:
    assert cards.time_left(seconds, SAY) == text


@pytest.mark.parametrize(("progress", "percent"), [(-1, 0), (0, 0), (0.999, 99), (1, 100), (7, 100)])
def test_progress_stays_on_the_bar(progress: float, percent: int) -> None:
    text = cards.render(job(progress=progress), 0, SAY)
    assert f" {percent} %" in text and sum(text.count(cell) for cell in "▰▱") == cards.CELLS


def test_korean_card() -> None:
    text = cards.render(job(progress=0.25, seconds_left=30), 0, texts("ko"))
    assert "25% · 목소리를 바꾸는 중 · 약 30초 남음" in text


def test_long_names_fit() -> None:
    text = cards.render(job(params={"song_name": "x" * 5000, "voice_name": "*" * 5000}), 0, SAY)
    assert len(text) < 1000
