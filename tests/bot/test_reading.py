"""Before a voice is made its sentence is read aloud, and who reads is compared with every note."""

import re
from collections.abc import Callable

import pytest
from simcord import InteractionResult

from bot.app import DiscoverBot
from bot.settings import BotSettings
from bot.texts.sentences import texts
from bot.training.question import WORDS, consent_view, sentence_to_read
from store import BasketNote, Consent, Job, JobState, NoteState, Store, Voice, basket, clips, jobs, use_cases
from store.params import train_params
from store.reading_errors import SentenceUnread
from store.tables import Clip
from store.use_cases import agree, refuse_note
from tests.bot.test_training import age, rows
from tests.bot.world import Worker, World, response_of

SEND, MENU = "Send the recording", "Agree with this recording"
NOTES = (("a.ogg", b"one"), ("b.ogg", b"two"))
READ = ("read.ogg", b"read aloud")
pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
def read_aloud() -> bool:
    """As it is unless the operator says otherwise."""
    return bool(BotSettings.model_fields["read_aloud"].get_default())


@pytest.fixture
async def asked(world: World, worker: Worker) -> InteractionResult:
    """Alice has used /train, her notes were heard, and she sees a sentence."""
    return await world.train(worker, "mine", NOTES)


async def send(world: World, asked: InteractionResult, file: tuple[str, bytes] = READ) -> InteractionResult:
    """Alice sends the recording by the form of the question."""
    form = await world.alice.click(response_of(asked), label=SEND)
    return await world.alice.submit_modal(form, {"files": [file]})


async def hear(world: World, worker: Worker, seconds: float = 8.0, strangers: tuple[str, ...] = ()) -> None:
    """A worker hears the recording, and the bot sees it."""
    worker.hear(seconds, strangers)
    await world.tick()
    await world.tick()


def read_notes(store: Store) -> list[BasketNote]:
    """The recordings of sentences."""
    return [note for note in rows(store, BasketNote) if note.reads_for]


def test_sentences_are_new_each_time_and_of_words_that_are_listed() -> None:
    for language in ("en", "ko"):
        say = texts(language)
        drawn = {sentence_to_read(say) for _ in range(20)}
        assert len(drawn) == 20
        for sentence in drawn:
            words = re.split(r"[:.] ", sentence.rstrip("."))[-1].split(", ")
            assert len(words) == len(set(words)) == WORDS and set(words) <= set(say("consent.words").split())


async def test_the_question_has_a_sentence_and_a_yes_alone_does_nothing(
    asked: InteractionResult, world: World, worker: Worker, store: Store
) -> None:
    sentence = train_params(worker.only()).sentence
    assert sentence in response_of(asked).content and "read this aloud" in response_of(asked).content
    form = await world.alice.click(response_of(asked), label=SEND)
    assert form.modal is not None and worker.only().state is JobState.ACCEPTED
    with pytest.raises(SentenceUnread):
        agree(store, worker.only().id, world.alice.id, "yes")
    assert rows(store, Consent) == []


async def test_a_reading_records_the_consent_and_begins_the_training(
    asked: InteractionResult, world: World, worker: Worker, store: Store
) -> None:
    await send(world, asked)
    assert "is being listened to" in response_of(asked).content and worker.only().state is JobState.ACCEPTED
    await hear(world, worker)

    job, (given,) = worker.only(), rows(store, Consent)
    assert job.state is JobState.QUEUED and train_params(job).left_out == ()
    assert (given.phrase, given.speaker_score) == (train_params(job).sentence, 0.9)
    trained = clips.fingerprint(rows(store, Clip))
    assert given.clip_hash == trained and len(rows(store, Clip)) == 3  # the reading is a note, too
    (card,) = world.cards()
    assert card.id == response_of(asked).id and "Training" in card.content and "Left out" not in card.content


async def test_notes_of_somebody_else_are_named_and_left_out(
    asked: InteractionResult, world: World, worker: Worker, store: Store
) -> None:
    await send(world, asked)
    await hear(world, worker, strangers=("b.ogg",))

    job, (card,) = worker.only(), world.cards()
    assert job.state is JobState.QUEUED and [clip.name for clip in rows(store, Clip)] == ["a.ogg", "read.ogg"]
    assert "Left out" in card.content and "b.ogg" in card.content and "a.ogg" not in card.content
    (refused,) = [note for note in rows(store, BasketNote) if note.state is NoteState.REFUSED]
    assert (refused.name, refused.error_code) == ("b.ogg", "note_not_of_reader")
    listed = response_of(await world.alice.slash(world.channel, "notes")).content
    assert "b.ogg: this is not the voice that read the sentence aloud" in listed


async def test_a_note_that_was_removed_meanwhile_is_not_trained_on_and_nobody_elses_voice(
    asked: InteractionResult, world: World, worker: Worker, store: Store
) -> None:
    (gone, _) = rows(store, BasketNote)
    use_cases.remove_notes(store, world.alice.id, [gone.id or 0])
    await send(world, asked)
    assert "one recording (0.7 min of voice)" in response_of(asked).content
    await hear(world, worker)
    job, (card,) = worker.only(), world.cards()
    assert job.state is JobState.QUEUED and [clip.name for clip in rows(store, Clip)] == ["b.ogg", "read.ogg"]
    assert "Left out" not in card.content and train_params(job).left_out == ()


async def test_a_reading_that_is_removed_while_it_is_heard_can_be_sent_anew(
    asked: InteractionResult, world: World, worker: Worker, store: Store
) -> None:
    await send(world, asked)
    use_cases.remove_notes(store, world.alice.id, [note.id or 0 for note in read_notes(store)])
    await world.tick()
    assert "is being listened to" not in response_of(asked).content
    await send(world, asked, ("again.ogg", b"again"))
    await hear(world, worker)
    assert worker.only().state is JobState.QUEUED


async def test_what_is_left_out_are_refused_notes_and_no_reading_nor_a_note_that_came_later(
    world: World, worker: Worker, store: Store
) -> None:
    await world.alice.slash(world.channel, "notes", note1=("c.ogg", b"three"))
    refuse_note(store, rows(store, BasketNote)[0].id or 0, "noisy", {"name": "c.ogg"}, "too noisy")
    asked = await world.train(worker, "mine", NOTES)
    said = "Left out of your basket: 1 note;"
    assert said in response_of(asked).content
    await world.alice.slash(world.channel, "notes", note1=("d.ogg", b"four"))
    worker.hear()
    await send(world, asked)
    assert "is being listened to" in response_of(asked).content and said in response_of(asked).content
    await hear(world, worker, strangers=("a.ogg", "b.ogg"))
    assert "Not accepted" in response_of(asked).content
    (note,) = read_notes(store)
    await send(world, asked, ("again.ogg", b"again"))
    assert note.state is NoteState.REFUSED and said in response_of(asked).content


async def test_a_full_basket_takes_no_reading_and_one_note_less_makes_room(
    asked: InteractionResult, world: World, worker: Worker, store: Store
) -> None:
    with store.write() as session:
        for number in range(basket.MOST_NOTES - len(NOTES)):
            row = BasketNote(
                user_id=world.alice.id, media_key=f"{number:064x}.ogg", name="n", bytes=1, source="t", expires_at=9e9
            )
            row.state, row.seconds = NoteState.GOOD, 20.0
            session.add(row)
    full = await send(world, asked)
    assert "at most 50 notes" in full.followups[0].content and "</notes:" in full.followups[0].content
    assert worker.only().state is JobState.ACCEPTED and len(store.media.keys()) == len(NOTES)
    use_cases.remove_notes(store, world.alice.id, [rows(store, BasketNote)[-1].id or 0])
    await send(world, asked)
    await hear(world, worker)
    assert worker.only().state is JobState.QUEUED and len(rows(store, Consent)) == 1


async def test_who_speaks_in_no_note_is_refused_and_can_read_again(
    asked: InteractionResult, world: World, worker: Worker, store: Store
) -> None:
    await send(world, asked)
    await hear(world, worker, strangers=("a.ogg", "b.ogg"))
    shown = response_of(asked).content
    assert "Not accepted" in shown and "a.ogg, b.ogg" in shown and train_params(worker.only()).sentence in shown
    assert worker.only().state is JobState.ACCEPTED and rows(store, Consent) == []
    assert [note.state for note in rows(store, BasketNote)] == [NoteState.GOOD, NoteState.GOOD, NoteState.REFUSED]

    await send(world, asked, ("again.ogg", b"again"))
    await hear(world, worker)
    assert worker.only().state is JobState.QUEUED and len(rows(store, Consent)) == 1


async def test_silence_is_refused_with_its_sentence(asked: InteractionResult, world: World, store: Store) -> None:
    await send(world, asked)
    (note,) = read_notes(store)
    sentence = "read.ogg holds 0.0 s of voice. Send another one."
    refuse_note(store, note.id or 0, "voice_missing", {"name": "read.ogg", "seconds": 0.0, "limit": 2.0}, sentence)
    await world.tick()
    await world.tick()
    assert "Not accepted" in response_of(asked).content and "read.ogg" in response_of(asked).content


async def test_an_old_recording_and_a_second_click_are_one_sentence(
    asked: InteractionResult, world: World, worker: Worker, store: Store
) -> None:
    old = await send(world, asked, NOTES[0])
    assert "in your basket already" in old.followups[0].content and read_notes(store) == []
    form = await world.alice.click(response_of(asked), label=SEND)
    await send(world, asked)
    twice = await world.alice.submit_modal(form, {"files": [READ]})
    assert "in your basket already" in twice.followups[0].content and len(read_notes(store)) == 1
    copied = await world.post("copied", consent_view(worker.only().id, texts("en"), reads=True))
    await hear(world, worker)
    late = await world.alice.click(copied, label=SEND)
    assert "answered this already" in response_of(late).content
    assert worker.only().state is JobState.QUEUED and len(rows(store, Consent)) == 1


async def test_a_sentence_is_over_after_its_time(
    asked: InteractionResult, world: World, worker: Worker, store: Store
) -> None:
    form = await world.alice.click(response_of(asked), label=SEND)
    age(store, 15 * 60 + 1)
    late = await world.alice.submit_modal(form, {"files": [READ]})
    assert "This request is over" in late.followups[0].content
    assert read_notes(store) == [] and len(store.media.keys()) == 2 and rows(store, Consent) == []


async def test_a_recording_that_was_sent_in_time_counts_however_late_it_is_heard(
    asked: InteractionResult, world: World, worker: Worker, store: Store
) -> None:
    await send(world, asked)
    age(store, 15 * 60 + 1)
    use_cases.sweep_jobs(store)
    assert worker.only().state is JobState.ACCEPTED
    await hear(world, worker)
    assert worker.only().state is JobState.QUEUED and len(rows(store, Consent)) == 1


async def test_a_recording_that_is_refused_late_ends_the_question_kindly(
    asked: InteractionResult, world: World, worker: Worker, store: Store
) -> None:
    await send(world, asked)
    age(store, 15 * 60 + 1)
    await hear(world, worker, strangers=("a.ogg", "b.ogg"))
    use_cases.sweep_jobs(store)
    await world.tick()
    assert worker.only().state is JobState.EXPIRED and rows(store, Consent) == []
    assert "your notes stay in your basket" in world.cards()[-1].content and len(rows(store, BasketNote)) == 3


async def test_a_voice_message_agrees_by_its_menu(
    asked: InteractionResult, world: World, worker: Worker, store: Store
) -> None:
    message = await world.alice.send(world.channel, attachments=[READ])
    theirs = await world.bob.context_menu(world.channel, MENU, message)
    assert "belongs to another member" in response_of(theirs).content
    text = await world.alice.send(world.channel, "no sound")
    assert "audio" in response_of(await world.alice.context_menu(world.channel, MENU, text)).content
    await world.alice.context_menu(world.channel, MENU, message)
    await hear(world, worker)
    assert worker.only().state is JobState.QUEUED and "Training" in world.cards()[-1].content
    again = await world.alice.context_menu(world.channel, MENU, message)
    assert "No voice of yours waits" in response_of(again).content and len(rows(store, Consent)) == 1


async def test_somebody_elses_question_takes_no_reading(asked: InteractionResult, world: World, worker: Worker) -> None:
    copied = await world.post("copied", consent_view(worker.only().id, texts("en"), reads=True))
    click = await world.bob.click(copied, label=SEND)
    assert response_of(click).content.startswith("There is no such job.") and response_of(click).ephemeral


async def test_a_voice_at_once_is_made_of_the_reading_alone(world: World, worker: Worker, store: Store) -> None:
    asked = await world.alice.slash(world.channel, "train", name="mine", at_once=True)
    assert "the recording of the sentence below" in response_of(asked).content
    await send(world, asked)
    await hear(world, worker, 6.0)
    assert "6 s of voice" in response_of(asked).content and worker.only().state is JobState.ACCEPTED
    await send(world, asked, ("slowly.ogg", b"slowly"))
    await hear(world, worker, 12.0)
    (given,) = rows(store, Consent)
    assert worker.only().state is JobState.QUEUED and given.speaker_score is None
    assert [clip.name for clip in rows(store, Clip)] == ["slowly.ogg"]


async def test_the_form_and_the_reading_outlive_the_bot(
    asked: InteractionResult, world: World, worker: Worker, store: Store, make_bot: Callable[[], DiscoverBot]
) -> None:
    await world.env.restart_bot(make_bot())
    await send(world, asked)
    assert len(read_notes(store)) == 1
    await world.env.restart_bot(make_bot())  # while a worker hears
    worker.hear(8.0)
    await world.tick(5)
    (card,) = world.cards()
    assert worker.only().state is JobState.QUEUED and "Training" in card.content


async def test_a_question_of_before_gets_its_sentence_when_it_is_answered(
    asked: InteractionResult, world: World, worker: Worker, store: Store
) -> None:
    with store.write() as session:
        job = session.get(Job, worker.only().id)
        assert job is not None
        job.params = {name: value for name, value in job.params.items() if name != "sentence"}
        session.add(job)
    old = await world.post("old", consent_view(worker.only().id, texts("en")))
    await world.alice.click(old, label="This is my voice, train it")
    sentence = train_params(worker.only()).sentence
    assert sentence and rows(store, Consent) == [] and worker.only().state is JobState.ACCEPTED
    assert any(sentence in message.content for message in world.public())


async def test_what_was_forgotten_declined_or_deleted_meanwhile_begins_nothing(
    asked: InteractionResult, world: World, worker: Worker, store: Store
) -> None:
    await send(world, asked)
    with store.write() as session:
        jobs.cancel(session, worker.only().id, world.alice.id)
    worker.hear(8.0)
    (note,) = read_notes(store)
    assert note.state is NoteState.GOOD and rows(store, Consent) == []
    await world.alice.slash(world.channel, "mydata")
    use_cases.forget(store, world.alice.id)
    await world.tick()
    assert not rows(store, BasketNote) and not rows(store, Voice) and store.media.keys() == set()
