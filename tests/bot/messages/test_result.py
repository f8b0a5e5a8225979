"""The message that ends a job."""

from typing import Any

import pytest

from bot.messages import result as results
from bot.messages.post import mark
from bot.messages.result import ABOUT_SOUND
from bot.texts.sentences import Texts, texts
from pipeline.errors import UnreadableSound, UnsuitableSound
from store import Job, JobKind, JobState
from store.tables import now

EN, KO = texts("en"), texts("ko")


def job(kind: JobKind, result: dict[str, Any] | None = None, state: JobState = JobState.RENDERED, **values: Any) -> Job:
    """A job that has ended."""
    return Job(kind=kind, user_id=7, state=state, result=result or {}, **values)


def match(**values: Any) -> str:
    """A match's message."""
    candidates = [{"name": "IU", "share": 0.41}, {"name": "**Bad**", "share": 0.2}]
    return results.compose(job(JobKind.MATCH, {"candidates": candidates, "none": 0.23} | values), EN)


def test_shares_are_called_probabilities_and_none_is_said() -> None:
    text = match(calibration="isotonic", model="ast", range={"low": "A2", "high": "E4"}, notes=1, seconds=9.6)
    assert text.splitlines()[:7] == [
        "**You sound like…**",
        "1. **IU**: 41%",
        "2. **\\*\\*Bad\\*\\***: 20%",
        "",
        "None of them: 23%",
        "Your range in these notes: A2 to E4",
        "Heard: 10 s of voice in one note",
    ]
    assert "isotonic" not in text and "ast" not in text.split()
    told = results.details(job(JobKind.MATCH, {"calibration": "isotonic", "model": "ast"}), EN)
    assert "calibrated probabilities (isotonic)" in told and "Model: ast" in told


def test_a_range_that_is_not_known_is_said_with_what_to_do() -> None:
    assert "Your range is not known" in match(seconds=4.0, notes=1) and "Sing a little" in match(seconds=4.0, notes=1)
    row = job(JobKind.MATCH, {"candidates": [{"name": "IU", "share": 0.4}], "none": 0.6, "seconds": 4.0, "notes": 1})
    assert "음역은 알 수 없었어요." in results.compose(row, KO)
    assert "not known" not in match(range={"low": "A2", "high": "E4"}, seconds=4.0, notes=1)


def test_what_is_named_is_never_said_to_be_impossible() -> None:
    row = job(JobKind.MATCH, {"candidates": [{"name": "IU", "share": 0.004}], "none": 0.996})
    assert "1. **IU**: under 1%" in results.compose(row, EN) and "None of them: over 99%" in results.compose(row, EN)
    assert "1. **IU**: 1% 미만" in results.compose(row, KO) and "이 중에 없음: 99% 이상" in results.compose(row, KO)


def test_a_model_is_named_once() -> None:
    told = results.details(job(JobKind.MATCH, {"model": "R 0.1", "models": {"singer": "R 0.1", "voicing": "S"}}), EN)
    assert told.count("R 0.1") == 1


def test_models_whose_names_have_commas_are_kept_apart() -> None:
    told = results.details(job(JobKind.COVER, {"models": {"voice": "h24, 24 kHz", "separator": "S"}}), KO)
    assert "모델: 목소리: h24, 24 kHz · 분리: S" in told


SONGS = [
    {
        "title": "Slow",
        "singer": "An_na",
        "song_id": 3,
        "key_shift": -3,
        "inside": 0.9,
        "timbre": 0.7,
        "liked": "singer",
    },
    {"title": "밤편지", "key_shift": 0, "inside": 0.5, "timbre": 0.6, "liked": "said"},
    {"title": "Unknown range"},
]


def test_songs_that_suit_are_named_with_their_key_and_why() -> None:
    lines = match(songs=SONGS).splitlines()
    start = lines.index("**Songs for you**, by timbre, range and taste. Sing one with /cover:")
    assert lines[start + 1 : start + 4] == [
        "♪ **Slow** (An\\_na) – key −3, 90% of it in your range · by a singer you like · its voice is the nearest to "
        "yours",
        "♪ **밤편지** – in its own key, 50% of it in your range · you like it",
        "♪ **Unknown range**",
    ]
    korean = results.compose(job(JobKind.MATCH, {"songs": SONGS[:1]}), KO)
    assert korean.splitlines()[2] == "♪ **Slow** · An\\_na – 키 −3, 90%가 편한 음역 안이에요 · 좋아하는 가수의 노래예요"
    assert match(songs=[{"title": "A", "timbre": 0.9, "liked": "?"}]).splitlines()[-2] == "♪ **A**"  # alone, and odd
    assert "Songs for you" not in match()


@pytest.mark.parametrize(
    ("key_shift", "sung", "english", "korean"),
    [
        (-2, "Gm", "key −2 (Am → Gm), 90% of it", "키 −2(Am → Gm), 90%가"),
        (12, "Am", "key +12 (Am), 90% of it", "키 +12(Am), 90%가"),
        (0, "Am", "in its own key (Am), 90% of it", "원래 키(Am), 90%가"),
    ],
)
def test_the_key_that_a_song_is_sung_in_is_named(key_shift: int, sung: str, english: str, korean: str) -> None:
    song = {"title": "Slow", "key_shift": key_shift, "inside": 0.9, "key": "Am", "sung_key": sung}
    assert f"♪ **Slow** – {english}" in results.compose(job(JobKind.MATCH, {"songs": [song]}), EN)
    assert f"♪ **Slow** – {korean}" in results.compose(job(JobKind.MATCH, {"songs": [song]}), KO)


def test_the_workers_own_calibration_is_shown_in_words() -> None:
    fit = {"clips": 120, "error": 0.031, "temperature": 0.1}
    text = results.details(job(JobKind.MATCH, {"calibration": fit, "models": {"speaker": "resemblyzer"}}), EN)
    assert "probabilities, calibrated on 120 held-out clips (mean error 3%)" in text and "speaker: resemblyzer" in text
    assert "temperature" not in results.details(job(JobKind.MATCH, {"calibration": {"temperature": 0.1}}), EN)


def test_probably_nobody_is_said_first() -> None:
    text = match(none=0.7)
    assert text.startswith("**Probably none of our singers sounds like you.**")
    assert "That is usual" in text and "That is usual" not in match(none=0.1)


def test_without_calibration_nothing_is_called_a_probability() -> None:
    assert "probab" not in match()


@pytest.mark.parametrize("kind", sorted(JobKind))
@pytest.mark.parametrize("say", [EN, KO], ids=["en", "ko"])
@pytest.mark.parametrize(
    "result",
    [
        {},
        {"candidates": None, "none": None, "range": None, "models": None, "lufs": None},
        {"candidates": [{}, {"name": None, "share": "x"}, 3], "models": {}, "cosine": float("nan"), "mos_cover": True},
        {"candidates": [{"name": "x" * 999, "share": 1.0}] * 99, "models": {str(n): "y" * 99 for n in range(99)}},
    ],
)
def test_missing_or_odd_figures_are_left_out(kind: JobKind, say: Texts, result: dict[str, Any]) -> None:
    text = results.compose(job(kind, result), say)
    assert "<@" not in text and "None" not in text.replace("None of", "") and "nan" not in text and len(text) <= 2000


def test_one_measured_side_of_a_pair_is_shown_alone() -> None:
    row = job(JobKind.COVER, {"song": "S", "voice": "V", "cosine_cover": 0.8, "mos_source": 3.1})
    text = results.details(row, EN)
    assert "0.80" not in results.compose(row, EN)
    assert "likeness to the voice (cosine): cover 0.80" in text and "predicted MOS: song 3.10" in text


@pytest.mark.parametrize(
    ("kind", "params", "named"),
    [
        (JobKind.MATCH, {}, "Match"),
        (JobKind.TRAIN, {"voice_name": "secret"}, "Training"),
        (JobKind.TRAIN, {"voice_name": "secret", "instant": True}, "Voice at once"),
        (JobKind.COVER, {"song_name": "secret"}, "Cover"),
        (JobKind.LIBRARY, {"entry": "song", "name": "secret"}, "Adding a song"),
        (JobKind.LIBRARY, {"entry": "singer", "name": "secret"}, "Adding a singer"),
    ],
)
@pytest.mark.parametrize("state", [JobState.RENDERED, JobState.FAILED])
def test_a_notice_says_what_ended_and_names_nothing(
    kind: JobKind, params: dict[str, Any], named: str, state: JobState
) -> None:
    row = job(kind, state=state, params=params)
    assert results.notice(row, EN).startswith(f"<@7> {named}: ")
    assert "secret" not in results.notice(row, EN) + results.notice(row, KO)


@pytest.mark.parametrize("kind", sorted(JobKind))
@pytest.mark.parametrize("say", [EN, KO], ids=["en", "ko"])
def test_models_and_their_figures_are_in_the_details_alone(kind: JobKind, say: Texts) -> None:
    named = {"models": {"speaker": "resemblyzer"}, "voice": "V", "base": "h24 base", "minutes": 9.5, "steps": 12}
    row = job(kind, named | {"candidates": [{"name": "IU", "share": 0.4}], "first_mel_loss": 0.9, "mel_loss": 0.5})
    shown, told = results.compose(row, say), results.details(row, say)
    assert results.has_details(row) and "resemblyzer" in told
    assert not [one for one in ("resemblyzer", "h24", "0.90", "12 ") if one in shown]


def test_a_cover_that_was_not_measured_says_so() -> None:
    row = job(JobKind.COVER, {"song": "S", "lufs": -14.0})
    row.ended_at = now()
    assert "was not measured" in results.details(row, EN) and "재지 못했어요" in results.details(row, KO)
    row.lease_until = now() + 10
    assert "still being measured" in results.details(row, EN) and "재는 중" in results.details(row, KO)
    row.lease_until = now() - 10
    assert "was not measured" in results.details(row, EN)
    row.lease_until, row.to_add_since = None, now()
    assert "yet to be measured" in results.details(row, EN) and "아직 재지 못했어요" in results.details(row, KO)
    assert "measured" not in results.details(job(JobKind.COVER, {"song": "S", "mos_model": "x"}), EN)


@pytest.mark.parametrize(
    ("given", "english", "korean"),
    [
        ({"vocals_only": True}, "vocals already, so nothing was separated. Nothing is mixed in.", "반주는 섞지"),
        ({"instrumental": "k_1.mp3"}, "The instrumental is your own: k\\_1.mp3", "직접 보내 주신 반주: k\\_1.mp3"),
        ({"vocals_only": True, "instrumental": "k"}, "separated. The instrumental is your own: k", "나누지 않았어요."),
    ],
)
def test_what_was_given_ready_made_is_said(given: dict[str, Any], english: str, korean: str) -> None:
    row = job(JobKind.COVER, {"song": "S", "voice": "V"} | given)
    assert english in results.compose(row, EN) and korean in results.compose(row, KO)


def test_an_ordinary_cover_says_nothing_of_what_was_given() -> None:
    text = results.compose(job(JobKind.COVER, {"song": "S", "voice": "V", "vocals_only": "odd"}), EN)
    assert "separated" not in text and "instrumental" not in text


@pytest.mark.parametrize(
    ("moved", "english", "korean"),
    [
        ({"key_shift": 3, "instrumental_shift": 3}, "key: voice +3, instrumental +3", "키: 목소리 +3, 반주 +3"),
        ({"key_shift": -10, "instrumental_shift": 2}, "key: voice −10, instrumental +2", "키: 목소리 −10, 반주 +2"),
        ({"key_shift": -12, "instrumental_shift": 0}, "key: voice −12, instrumental unmoved", "반주 그대로"),
        ({"key_shift": 3, "vocals_only": True}, "key +3", "키 +3"),
        ({"vocal_level": -6, "instrumental_shift": 0}, "vocals −6 dB", "보컬 −6 dB"),
    ],
)
def test_what_was_moved_into_another_key_is_said(moved: dict[str, Any], english: str, korean: str) -> None:
    row = job(JobKind.COVER, {"song": "S", "voice": "V"} | moved)
    assert english in results.compose(row, EN) and korean in results.compose(row, KO)
    unmoved = results.compose(job(JobKind.COVER, {"key_shift": 0, "instrumental_shift": 0}), EN)
    assert "key" not in unmoved


@pytest.mark.parametrize(("say", "label"), [(EN, "AI-generated"), (KO, "AI로 만든 커버")], ids=["en", "ko"])
def test_covers_are_labelled(say: Texts, label: str) -> None:
    assert label in results.compose(job(JobKind.COVER, {"song": "S", "voice": "V"}), say)


def test_a_failure_is_said_in_the_jobs_language() -> None:
    values: dict[str, Any] = {
        "error_code": "too_short",
        "error_params": {"name": "a_b_.ogg", "seconds": 0.4, "limit": 3},
        "error_sentence": "a_b_.ogg lasts 0.4 seconds; at least 3 are needed.",
    }
    failed = job(JobKind.TRAIN, state=JobState.FAILED, **values)
    assert "**Training failed.** a\\_b\\_.ogg lasts 0.4 seconds" in results.compose(failed, EN)
    assert "**목소리 학습: 실패했어요.** a\\_b\\_.ogg: 길이가 0.4초예요." in results.compose(failed, KO)


def test_an_unknown_failure_is_said_in_english() -> None:
    failed = job(JobKind.TRAIN, state=JobState.FAILED, error_code="new", error_sentence="It broke.")
    assert "It broke." in results.compose(failed, KO)
    assert "문제가 생겼어요" in results.compose(job(JobKind.TRAIN, state=JobState.FAILED), KO)


def test_expired_unanswered_and_cancelled_differ() -> None:
    late = results.compose(job(JobKind.TRAIN, state=JobState.EXPIRED, queued_at=1.0), EN)
    unanswered = results.compose(job(JobKind.TRAIN, state=JobState.EXPIRED), EN)
    assert "in time" in late and "not confirmed" in unanswered
    assert "Cover cancelled" in results.compose(job(JobKind.COVER, state=JobState.CANCELLED), EN)


def test_the_message_can_be_known_again() -> None:
    one = job(JobKind.MATCH)
    assert mark(one.id) in results.compose(one, EN) and len(mark(one.id)) == 12


@pytest.mark.parametrize(
    ("kind", "english", "korean"),
    [
        (JobKind.COVER, "No octave was chosen", "옥타브를 고르지 못했어요"),
        (JobKind.TRAIN, "choose no octave by themselves", "옥타브를 자동으로 고르지 못해요"),
    ],
)
def test_a_voice_of_unknown_pitch_says_that_no_octave_was_chosen(kind: JobKind, english: str, korean: str) -> None:
    unknown, known = job(kind, {"no_octave": True}), job(kind, {"no_octave": False})
    assert english in results.compose(unknown, EN) and korean in results.compose(unknown, KO)
    assert english not in results.compose(known, EN) and english not in results.compose(job(kind), EN)


@pytest.mark.parametrize("kind", [JobKind.MATCH, JobKind.TRAIN])
def test_a_note_of_telephone_quality_is_said(kind: JobKind) -> None:
    narrow, wide = job(kind, {"narrowband": True}), job(kind, {"narrowband": False})
    assert "telephone quality" in results.compose(narrow, EN) and "전화 음질" in results.compose(narrow, KO)
    assert "telephone" not in results.compose(wide, EN) and "telephone" not in results.compose(job(kind), EN)


def test_a_song_above_full_scale_is_said_to_be_brought_down() -> None:
    loud = job(JobKind.COVER, {"scaled_db": 14.0})
    assert "14.0 dB above full scale" in results.compose(loud, EN) and "14.0 dB" in results.compose(loud, KO)
    assert "full scale" not in results.compose(job(JobKind.COVER, {"scaled_db": 0.0}), EN)


def test_a_job_that_failed_by_what_was_sent_says_how_to_look_at_it() -> None:
    codes = {one.code for root in (UnreadableSound, UnsuitableSound) for one in root.__subclasses__()}
    assert codes - {"sentence_not_read"} == ABOUT_SOUND  # a job begins after its sentence was read
    for kind, step in ((JobKind.MATCH, "/notes"), (JobKind.TRAIN, "/notes"), (JobKind.COVER, "/cover takes")):
        failed = job(kind, state=JobState.FAILED, error_code="silent", error_sentence="x is silent.")
        assert step in results.compose(failed, EN).splitlines()[1]
        assert ("/커버" if kind is JobKind.COVER else "/음성바구니") in results.compose(failed, KO).splitlines()[1]
        ours = job(kind, state=JobState.FAILED, error_code="out_of_memory", error_sentence="No room.")
        assert len(results.compose(ours, EN).splitlines()) == 2


def test_a_cover_in_ones_own_voice_leads_to_the_notes_that_it_was_made_of() -> None:
    own, free = (job(JobKind.COVER, params=params) for params in ({}, {"free_voice": True}))
    assert "/notes" in results.details(own, EN) and "/notes" not in results.details(free, EN)
