"""Names as long as Discord takes them, and of signs that have to be escaped: no message is longer than it takes."""

import pytest
from simcord import ResponseMessage

from bot.messages import result as results
from bot.texts.names import SHOWN_LENGTH
from bot.texts.sentences import texts
from store import BasketNote, Job, JobKind, JobState, NoteState, Store
from store.use_cases import basket_of, next_unheard, refuse_note
from tests.bot.world import MENU, Worker, World, parts_of, response_of, text_of

pytestmark = pytest.mark.usefixtures("quiet")
NAME = "_" * SHOWN_LENGTH
"""A song's, a singer's: each sign is escaped where it is shown."""
LONGEST = 2000
MATCH = {
    "candidates": [{"name": NAME, "share": 0.1}] * 5,
    "none": 0.2,
    "songs": [{"title": NAME, "singer": NAME, "song_id": 1, "key": "Am", "sung_key": "Gm", "inside": 0.5}] * 3,
}


def note_name(number: int) -> str:
    """A recording's."""
    return f"{number}".rjust(SHOWN_LENGTH - 4, "_") + ".ogg"


def refuse_all(store: Store) -> None:
    """A worker hears too much noise in every note."""
    while (waiting := next_unheard(store)) is not None:
        name = waiting.note.name
        sentence = f"{name} is too noisy to learn from."
        refuse_note(store, waiting.note.id or 0, "noisy", {"name": name, "found": 3.0, "needed": 16.0}, sentence)


@pytest.mark.parametrize("language", ["en", "ko"])
async def test_ten_notes_that_are_refused_keep_nobody_from_training(
    world: World, worker: Worker, store: Store, language: str
) -> None:
    world.bot.services.languages[world.guild.id] = language
    say = texts(language)
    sent = {f"note{number}": (note_name(number), b"%d" % number) for number in range(1, 11)}
    asked = await world.alice.slash(world.channel, "train", name="mine", **sent)
    refuse_all(store)
    await world.tick()
    await world.tick()
    assert "1. " in response_of(asked).content and say("basket.title") in response_of(asked).content
    [answer] = asked.followups
    assert ("has no note to train on" if language == "en" else "학습할 음성이") in answer.content


async def test_ten_notes_are_taken_out_at_once_and_named(world: World, store: Store) -> None:
    with store.write() as session:
        for number in range(20):
            key, name = f"{number:064x}.ogg", note_name(number)
            row = BasketNote(user_id=world.alice.id, media_key=key, name=name, bytes=1, source="t", expires_at=9e9)
            row.state, row.seconds = NoteState.GOOD, 20.0
            session.add(row)
    shown = response_of(await world.alice.slash(world.channel, "notes"))
    removed = await world.alice.select(shown, offered(shown))
    assert "Removed: " in shown.content and "10 of 50 notes" in shown.content and removed.followups == []
    await world.alice.select(shown, offered(shown))
    assert len(basket_of(store, world.alice.id)) < 10 and shown.content.count("Removed: ") == 1


async def test_a_result_of_long_names_comes_though_its_file_is_gone(world: World, worker: Worker, store: Store) -> None:
    await world.alice.slash(world.channel, "match", note1=("a.ogg", b"x"))
    worker.render(worker.only(), MATCH, {"a.png": b"picture"})
    store.media.delete(worker.outbox()[0].files[0]["key"])
    await world.tick()
    [card] = world.cards()[:1]
    assert worker.only().state is JobState.DELIVERED and "no longer kept" in card.content
    assert worker.only().id[:12] in card.content


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("missing", ["", "file_gone", "too_large"])
def test_why_a_file_is_missing_fits_below_any_result(language: str, missing: str) -> None:
    job = Job(kind=JobKind.MATCH, user_id=7, state=JobState.RENDERED, result=MATCH)
    text = results.compose(job, texts(language), missing)
    assert len(text) < LONGEST and job.id[:12] in text
    assert text.endswith(texts(language)(f"result.{missing}") if missing else job.id[:12])


async def test_names_that_are_commands_keep_no_list_from_being_shown(world: World, store: Store) -> None:
    name = "/cover " * 14
    params = {"song_name": name, "voice_name": name[:32], "voice_id": 1}
    with store.write() as session:
        for _ in range(20):
            job = Job(kind=JobKind.COVER, user_id=world.alice.id, state=JobState.FAILED, params=params)
            job.error_code, job.error_sentence = "unknown", name * 8
            session.add(job)
    shown = response_of(await world.alice.slash(world.channel, "jobs"))
    assert "Your recent jobs" in text_of(shown)


def offered(message: ResponseMessage) -> list[str]:
    """The values of the one menu in a message."""
    [menu] = parts_of(message, MENU)
    return [option["value"] for option in menu["options"]]
