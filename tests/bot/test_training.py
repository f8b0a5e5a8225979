"""`/train`: notes, consent, and what each answer does."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from simcord import InteractionResult
from sqlmodel import SQLModel, select

from bot.app import DiscoverBot
from bot.covers import voice_choices
from bot.texts.sentences import texts
from bot.training.question import consent_view, question
from store import (
    BasketNote,
    Clip,
    Consent,
    Job,
    JobKind,
    JobState,
    Lane,
    NotFound,
    Store,
    Voice,
    clips,
    jobs,
    use_cases,
    voices,
)
from store.errors import AlreadyAnswered, ConsentOver
from store.use_cases import BasketTraining, agree, decline
from tests.bot.world import Worker, World, response_of, text_of

Row = TypeVar("Row", bound=SQLModel)
YES, NO = "This is my voice, train it", "No"
NOTES = (("a.ogg", b"one"), ("b.ogg", b"two"))
pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
async def asked(world: World, worker: Worker) -> InteractionResult:
    """Alice has used /train, her notes were heard, and she looks at the consent card."""
    return await world.train(worker, "  mine ", NOTES)


def rows(store: Store, table: type[Row]) -> list[Row]:
    """Every row of a table."""
    with store.read() as session:
        return list(session.exec(select(table)).all())


def age(store: Store, seconds: float) -> None:
    """Make every job older."""
    with store.write() as session:
        for job in session.exec(select(Job)).all():
            job.created_at -= seconds
            session.add(job)


async def test_the_card_says_what_is_trained_and_nothing_is_queued(
    asked: InteractionResult, world: World, worker: Worker, store: Store, rung: Callable[[], list[str]]
) -> None:
    text = response_of(asked).content
    assert response_of(asked).ephemeral
    for part in (
        "mine",
        "2 recordings (1.3 min of voice)",
        "of you",
        "only you can use it",
        "/forget-me",
        voices.POLICY_VERSION,
        "30 days",
    ):
        assert part in text
    job, (voice,) = worker.only(), rows(store, Voice)
    assert job.state == JobState.ACCEPTED and len(rung()) == 1 and world.public() == []
    assert (voice.name, voice.state, voice.job_id, voice.consent_id) == ("mine", "training", job.id, None)
    assert job.params == {"voice_id": voice.id, "voice_name": "mine"}
    assert [clip.source for clip in rows(store, Clip)] == ["basket", "basket"]


async def test_yes_records_the_consent_to_these_clips_and_queues(
    asked: InteractionResult, world: World, worker: Worker, store: Store, rung: Callable[[], list[str]]
) -> None:
    question = response_of(asked).content
    await world.alice.click(response_of(asked), label=YES)

    job, (given,), (voice,) = worker.only(), rows(store, Consent), rows(store, Voice)
    assert job.state == JobState.QUEUED and len(rung()) == 2
    assert voice.consent_id == given.id
    assert given.user_id == world.alice.id and given.policy_version == voices.POLICY_VERSION
    assert given.phrase == texts("en")("consent.phrase") and given.phrase in question
    assert given.clip_hash == clips.fingerprint(rows(store, Clip))
    (card,) = world.cards()  # the question became it
    assert card.id == response_of(asked).id and "Training" in card.content and "mine" in card.content
    assert len(card.components) == 1 and world.public() == []


async def test_a_trained_voice_is_delivered(asked: InteractionResult, world: World, worker: Worker) -> None:
    await world.alice.click(response_of(asked), label=YES)
    job = worker.only()
    result = {"voice": "mine", "voice_id": 1, "minutes": 9.5, "steps": 10000, "base": "rvc-v2-40k", "cosine": 0.87}
    worker.render(job, {**result, "models": {"speaker": "resemblyzer"}})
    await world.tick()

    (message,) = world.cards()  # its sample is nobody else's
    text = message.content
    assert world.public() == world.dms(world.alice) == []
    assert "mine" in text and "9.5 min" in text
    opened = text_of(response_of(await world.alice.click(message, label="Details")))
    for part in ("10,000 steps", "rvc-v2-40k", "0.87", "resemblyzer"):
        assert part in opened and part not in text


async def test_no_trains_nothing_and_keeps_the_notes(
    asked: InteractionResult, world: World, worker: Worker, store: Store, rung: Callable[[], list[str]]
) -> None:
    await world.alice.click(response_of(asked), label=NO)

    assert "Nothing is trained" in response_of(asked).content and response_of(asked).components == []
    assert worker.only().state == JobState.CANCELLED and len(rung()) == 1
    assert rows(store, Clip) == [] and rows(store, Voice) == [] and rows(store, Consent) == []
    assert len(rows(store, BasketNote)) == 2 and len(store.media.keys()) == 2
    await world.tick()
    assert "cancelled" in world.cards()[0].content and "stay in your basket" in world.cards()[0].content


async def test_without_an_answer_it_expires_and_the_notes_stay(
    asked: InteractionResult, world: World, worker: Worker, store: Store
) -> None:
    copied = await world.post("copied", consent_view(worker.only().id, texts("en")))
    age(store, 15 * 60 + 1)
    with store.write() as session:
        jobs.sweep(session)
    await world.tick()

    assert worker.only().state == JobState.EXPIRED
    (card,) = world.cards()
    assert "not confirmed within 15 minutes" in card.content and card.components == []
    assert rows(store, Clip) == [] and rows(store, Voice) == [] and len(store.media.keys()) == 2
    click = await world.alice.click(copied, label=YES)
    assert "This request is over" in response_of(click).content
    assert rows(store, Consent) == []


async def test_a_late_yes_before_the_sweep_trains_nothing(
    asked: InteractionResult, world: World, worker: Worker, store: Store
) -> None:
    age(store, 15 * 60 + 1)
    click = await world.alice.click(response_of(asked), label=YES)

    assert "This request is over" in response_of(click).content
    assert worker.only().state == JobState.ACCEPTED and rows(store, Consent) == []


async def test_a_second_click_is_one_sentence(
    asked: InteractionResult, world: World, worker: Worker, store: Store
) -> None:
    other = await world.post("again", consent_view(worker.only().id, texts("en")))
    await world.alice.click(response_of(asked), label=YES)
    click = await world.alice.click(other, label=NO)

    assert "answered this already" in click.followups[0].content
    assert worker.only().state == JobState.QUEUED and len(rows(store, Consent)) == 1


async def test_somebody_else_cannot_answer(
    asked: InteractionResult, world: World, worker: Worker, store: Store
) -> None:
    view = consent_view(worker.only().id, texts("en"))
    copied = await world.post("copied", view)
    for label in (YES, NO):
        click = await world.bob.click(copied, label=label)
        answer = click.followups[0] if label == NO else response_of(click)
        assert answer.content.startswith("There is no such job.") and answer.ephemeral

    assert worker.only().state == JobState.ACCEPTED and rows(store, Consent) == []


async def test_the_buttons_work_after_a_restart(
    asked: InteractionResult, world: World, worker: Worker, store: Store, make_bot: Callable[[], DiscoverBot]
) -> None:
    await world.env.restart_bot(make_bot())
    await world.alice.click(response_of(asked), label=YES)

    assert worker.only().state == JobState.QUEUED and len(rows(store, Consent)) == 1


async def test_a_forgotten_request_is_one_sentence(asked: InteractionResult, world: World, store: Store) -> None:
    use_cases.forget(store, world.alice.id)
    click = await world.alice.click(response_of(asked), label=YES)
    assert response_of(click).content.startswith("There is no such job.")


@pytest.mark.parametrize("name", [" ", "x" * 300, "a\nb"])
async def test_hostile_names_are_refused_before_anything_is_kept(world: World, store: Store, name: str) -> None:
    answer = await world.alice.slash(world.channel, "train", name=name, note1=NOTES[0])
    assert "1 to 32 visible characters" in response_of(answer).content
    assert store.media.keys() == set() and rows(store, Voice) == []


async def test_a_voice_of_markdown_and_mentions_is_shown_plain(world: World, worker: Worker) -> None:
    answer = await world.train(worker, "**@everyone**", NOTES)
    assert "@everyone" not in response_of(answer).content and "\\*\\*" in response_of(answer).content


async def test_a_second_training_of_the_same_voice_is_refused_and_keeps_the_first(
    asked: InteractionResult, world: World, worker: Worker, store: Store
) -> None:
    again: dict[str, Any] = {"name": "MINE", "note1": ("c.ogg", b"three")}
    answer = await world.alice.slash(world.channel, "train", **again)
    assert "The voice mine waits for your answer. Answer the question" in response_of(answer).content
    cover = await world.alice.slash(world.channel, "cover", voice="mine", song=("a.mp3", b"x"))
    assert "The voice mine waits for your answer." in response_of(cover).content
    assert len(store.media.keys()) == 2 and len(rows(store, Clip)) == 2
    await world.alice.click(response_of(asked), label=YES)
    answer = await world.alice.slash(world.channel, "train", **again)
    assert "The voice mine is not ready (training)" in response_of(answer).content
    assert len(store.media.keys()) == 2 and len(rows(store, Clip)) == 2


async def test_a_question_that_was_lost_is_cancelled_in_the_list_and_asked_again(
    asked: InteractionResult, world: World
) -> None:
    listed = response_of(await world.alice.slash(world.channel, "jobs"))
    await world.alice.click(listed, label="Cancel")
    await world.tick()
    answer = await world.alice.slash(world.channel, "train", name="mine")
    assert "Train the voice “mine”?" in response_of(answer).content


async def test_a_note_that_is_removed_before_the_yes_is_not_trained_on(
    asked: InteractionResult, world: World, worker: Worker, store: Store
) -> None:
    gone, kept = rows(store, BasketNote)
    use_cases.remove_notes(store, world.alice.id, [gone.id or 0])
    assert store.media.keys() == {kept.media_key}
    await world.alice.click(response_of(asked), label=YES)
    (given,) = rows(store, Consent)
    assert worker.only().state is JobState.QUEUED and given.clip_hash == clips.fingerprint(rows(store, Clip))
    assert [clip.name for clip in rows(store, Clip)] == ["b.ogg"]


@pytest.mark.parametrize("language", ["en", "ko"])
async def test_a_question_ends_with_a_sentence_when_too_few_of_its_notes_are_left(
    asked: InteractionResult, world: World, worker: Worker, store: Store, language: str
) -> None:
    with store.write() as session:
        session.get_one(Job, worker.only().id).locale = language
    await world.alice.slash(world.channel, "notes", note1=("later.ogg", b"later"))
    worker.hear(8.0)
    use_cases.remove_notes(store, world.alice.id, [note.id or 0 for note in rows(store, BasketNote)[:2]])
    await world.tick()
    card = next(card for card in world.cards() if card.id == response_of(asked).id)
    told = ("too little voice is left", "stays there: <") if language == "en" else ("모자라요", "그대로 있어요")
    assert all(part in card.content for part in told) and card.components == []
    assert worker.only().state is JobState.CANCELLED and rows(store, Clip) == [] == rows(store, Voice)
    assert [note.name for note in rows(store, BasketNote)] == ["later.ogg"] and len(store.media.keys()) == 1


async def test_ten_notes_are_taken(world: World, worker: Worker, store: Store) -> None:
    await world.train(worker, "mine", [(f"{n}.ogg", bytes([n])) for n in range(1, 11)])
    assert [clip.name for clip in rows(store, Clip)] == [f"{n}.ogg" for n in range(1, 11)]


async def test_the_rules_as_functions(asked: InteractionResult, world: World, worker: Worker, store: Store) -> None:
    job, alice = worker.only(), world.alice.id
    with pytest.raises(NotFound):
        agree(store, "0" * 32, alice, "x")
    with pytest.raises(NotFound):
        agree(store, job.id, alice + 1, "x")
    agree(store, job.id, alice, "x")
    with pytest.raises(AlreadyAnswered):
        agree(store, job.id, alice, "x")
    with pytest.raises(AlreadyAnswered):
        decline(store, job.id, alice)


async def test_a_consent_without_its_voice_trains_nothing(
    asked: InteractionResult, world: World, worker: Worker, store: Store
) -> None:
    with store.write() as session:
        voices.drop_untrained(session, worker.only().id)
    with pytest.raises(ConsentOver):
        agree(store, worker.only().id, world.alice.id, "x")
    assert rows(store, Consent) == []


def test_the_korean_question_says_the_same(store: Store) -> None:
    job = Job(kind=JobKind.TRAIN, user_id=1)
    shown = question(store.clip_days, texts("ko"), BasketTraining(job, "내 목소리", 1, 90.0, 2, anew=True))
    parts = (
        "내 목소리",
        "녹음 한 개(목소리 1.5분)",
        "다시 학습",
        "2개는 쓰지 않아요",
        "본인",
        "나만",
        "/음성바구니",
        "15분",
    )
    assert [part for part in (*parts, voices.POLICY_VERSION) if part not in shown] == []


async def test_a_second_voice_of_the_same_accented_name_is_refused(world: World, worker: Worker, store: Store) -> None:
    await world.train(worker, "É", [("a.ogg", b"x")])
    answer = await world.alice.slash(world.channel, "train", name="é", note1=("a.ogg", b"y"))
    assert "waits for your answer" in response_of(answer).content and len(rows(store, Voice)) == 1


async def test_a_voice_at_once_is_asked_for_made_marked_and_says_what_is_better(
    world: World, worker: Worker, store: Store
) -> None:
    answer = response_of(await world.train(worker, "mine", NOTES[:1], at_once=True))
    for part in ("at once", "without training", "one recording", "of you", voices.POLICY_VERSION):
        assert part in answer.content
    await world.alice.click(answer, label=YES)
    assert "place 1 in line" in answer.content and len(rows(store, Consent)) == 1
    job = worker.only()
    assert (job.state, job.lane) == (JobState.QUEUED, Lane.QUICK) and job.params["instant"] is True

    worker.render(job, {"voice": "mine", "voice_id": 1, "minutes": 0.2, "steps": 0})
    with store.write() as session:
        voices.finish(session, session.exec(select(Voice)).one(), "model", "index", {"minutes": 0.2, "steps": 0})
    await world.tick()
    (message,) = world.cards()
    for part in ("can sing already", "not trained", "made from 12 s of voice", "A trained voice sounds more like you"):
        assert part in message.content
    assert re.search(r"</train:\d+>", message.content) and re.search(r"</cover:\d+>", message.content)
    listed = text_of(response_of(await world.alice.slash(world.channel, "voices")))
    assert "mine" in listed and "not trained" in listed
    assert voice_choices(store, world.alice.id, "", texts("en"))[0][0] == "mine · not trained"


@pytest.mark.parametrize(
    ("language", "again"), [("en", "within 10 minutes, use </train:"), ("ko", "10분 안에 묻지 않으면 </train:")]
)
async def test_what_to_do_is_said_before_a_restart_that_loses_the_question(
    world: World, worker: Worker, store: Store, make_bot: Callable[[], DiscoverBot], language: str, again: str
) -> None:
    world.bot.services.languages[world.guild.id] = language
    asked = await world.alice.slash(world.channel, "train", name="mine", note1=("a.ogg", b"one"))
    assert again in response_of(asked).content
    await world.env.restart_bot(make_bot())
    worker.hear()
    await world.tick()
    assert len(rows(store, BasketNote)) == 1
    anew = await world.alice.slash(world.channel, "train", name="mine")
    assert "Train the voice “mine”?" in response_of(anew).content


async def test_the_question_comes_anew_to_whom_dismissed_the_answer_while_notes_were_heard(
    world: World, worker: Worker
) -> None:
    await world.alice.slash(world.channel, "train", name="mine", note1=("a.ogg", b"one"))
    world.env.inject_error("PATCH", "/webhooks/*", status=404, code=10008, times=None)
    await world.tick()
    assert rows(worker.store, Job) == []
    worker.hear()
    await world.tick()
    assert "Train the voice “mine”?" in world.cards()[-1].content and len(world.cards()) == 2


async def test_trouble_at_discord_while_notes_are_heard_ends_nothing(world: World, worker: Worker) -> None:
    asked = await world.alice.slash(world.channel, "train", name="mine", note1=("a.ogg", b"one"))
    world.env.inject_error("PATCH", "/webhooks/*", status=503)
    worker.hear()
    await world.tick(4)
    assert "Train the voice “mine”?" in response_of(asked).content and len(world.cards()) == 1
