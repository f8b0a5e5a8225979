"""A basket: notes come by `/notes` and by the menu of a message, are heard, shown and taken out."""

from collections.abc import Callable

import pytest

from bot import notes
from bot.app import DiscoverBot
from bot.interactions import arrival
from bot.interactions.components import view_of
from bot.messages.basket import basket_lines
from bot.texts.sentences import texts
from store import BasketNote, NoteState, Store, basket
from store.use_cases import basket_of, forget, keep_heard, next_unheard, refuse_note
from tests.bot.world import Worker, World, response_of

MENU = "Add to my voice"
pytestmark = pytest.mark.usefixtures("quiet")


def good(world: World, number: int) -> BasketNote:
    """A note that was heard."""
    key = f"{number}"
    row = BasketNote(user_id=world.alice.id, media_key=key, name=f"n{key}", bytes=1, source="t", expires_at=9e9)
    row.state, row.seconds = NoteState.GOOD, 20.0
    return row


def refuse(store: Store, code: str, params: dict[str, object], sentence: str) -> None:
    waiting = next_unheard(store)
    assert waiting is not None
    refuse_note(store, waiting.note.id or 0, code, params, sentence)


async def test_a_message_goes_into_the_basket_and_its_answer_follows_the_worker(
    world: World, worker: Worker, store: Store, rung: Callable[[], list[str]]
) -> None:
    message = await world.alice.send(world.channel, attachments=[("voice-message.ogg", b"sound"), ("cat.png", b"png")])
    added = await world.alice.context_menu(world.channel, MENU, message)
    assert response_of(added).ephemeral and "voice-message.ogg: is being listened to" in response_of(added).content
    assert len(rung()) == 1 and world.public() == []

    worker.hear(150.0)
    await world.tick()
    text = response_of(added).content
    assert "▰▰▰▱▱▱▱▱▱▱▱▱ 2.5 of 10 min of voice · 1 of 50 notes" in text
    assert "1. voice-message.ogg: 150 s of voice" in text and "/train" in text and "30 days at most" in text
    [note] = basket_of(store, world.alice.id)
    assert (note.source, store.media.path(note.media_key).read_bytes()) == ("message", b"sound")


async def test_each_note_gets_its_sentence_in_the_members_language(world: World, store: Store) -> None:
    answer = await world.alice.slash(world.channel, "notes", note1=("a.ogg", b"one"), note2=("b.ogg", b"two"))
    refuse(store, "noisy", {"name": "a.ogg", "found": 3.0, "needed": 16.0}, "a.ogg is too noisy.")
    await world.tick()
    text = response_of(answer).content
    assert "2. Not used: a.ogg is too noisy." in text and "1. b.ogg: is being listened to" in text
    assert "at least 30 s of voice" in text and "at_once, and without training, 10 s are enough" in text
    rows = basket_of(store, world.alice.id)
    korean = basket_lines(rows, list(enumerate(rows, start=1)), texts("ko"), 30)
    assert "적어도 30초" in korean and "“바로”는 10초면" in korean
    assert "1. 쓰지 않아요. a.ogg: 소음이나 음악이 커서" in korean and "듣고 있어요" in korean


async def test_notes_are_taken_out_one_by_one_or_several_and_by_nobody_else(
    world: World, worker: Worker, store: Store, make_bot: Callable[[], DiscoverBot]
) -> None:
    sent = {f"note{n}": (f"{n}.ogg", b"%d" % n) for n in range(1, 5)}
    await world.alice.slash(world.channel, "notes", **sent)
    worker.hear()
    await world.env.restart_bot(make_bot())
    shown = response_of(await world.alice.slash(world.channel, "notes"))
    ids = {note.name: str(note.id) for note in basket_of(store, world.alice.id)}
    await world.alice.select(shown, [ids["2.ogg"], ids["3.ogg"]])
    assert "Removed: 2.ogg, 3.ogg" in shown.content and "2 of 50 notes" in shown.content
    assert len(store.media.keys()) == 2

    view = notes.listing(basket_of(store, world.alice.id), texts("en"), 30.0)[1]
    assert view is not None
    copied = await world.post("copied", view)
    click = await world.bob.select(copied, [ids["1.ogg"]])
    assert click.followups[0].content.startswith("There is no such note any more. <") and click.followups[0].ephemeral
    await world.alice.select(copied, [ids["1.ogg"]])
    again = await world.alice.select(await world.post("again", view), [ids["1.ogg"]])
    assert again.followups[0].content.startswith("There is no such note any more. <")
    assert [note.name for note in basket_of(store, world.alice.id)] == ["4.ogg"]


async def test_several_notes_come_by_a_form_also_after_a_restart(
    world: World, worker: Worker, store: Store, make_bot: Callable[[], DiscoverBot]
) -> None:
    shown = response_of(await world.alice.slash(world.channel, "notes"))
    assert "Your basket is empty" in shown.content
    form = await world.alice.click(shown, label="Add notes…")
    await world.env.restart_bot(make_bot())
    await world.alice.submit_modal(form, {"files": [(f"{n}.ogg", b"%d" % n) for n in range(10)]})
    assert "9. 1.ogg: is being listened to" in shown.content and "10 of 50 notes" in shown.content
    worker.hear()
    await world.tick()
    assert "1. 9.ogg: 40 s of voice" in shown.content
    form = await world.alice.click(shown, label="Add notes…")
    again = await world.alice.submit_modal(form, {"files": [("0.ogg", b"0")]})
    assert "in your basket already" in again.followups[0].content and len(basket_of(store, world.alice.id)) == 10
    copied = await world.post("copied", notes.listing([], texts("en"), 30.0)[1] or view_of())
    empty = await world.bob.submit_modal(await world.bob.click(copied, label="Add notes…"), {"files": [("e.ogg", b"")]})
    assert empty.followups[0].content.startswith("e.ogg is empty.") and basket_of(store, world.bob.id) == []


async def test_what_cannot_be_taken_is_one_sentence_and_leaves_nothing(
    world: World, worker: Worker, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = await world.bob.send(world.channel, attachments=[("voice-message.ogg", b"sound")])
    text = await world.alice.send(world.channel, "hi", attachments=[("cat.png", b"png")])
    empty = await world.alice.send(world.channel, attachments=[("a.ogg", b"")])
    for message, sentence in (
        (theirs, "This voice note belongs to another member. Only its owner can use it; use one of your own."),
        (text, "There is no voice note or audio file here. Choose a message that has one, or send a file:"),
        (empty, "a.ogg is empty. Record or upload it again."),
    ):
        answer = await world.alice.context_menu(world.channel, MENU, message)
        assert response_of(answer).content.startswith(sentence) and response_of(answer).ephemeral
    own = await world.alice.send(world.channel, attachments=[("a.ogg", b"sound")])
    with monkeypatch.context() as gone:  # deleted meanwhile
        gone.setattr(world.env.backend.cdn, "get", lambda url: None)
        answer = await world.alice.context_menu(world.channel, MENU, own)
    assert "Discord did not hand over a.ogg" in response_of(answer).content
    assert store.media.keys() == set() and basket_of(store, world.alice.id) == []

    await world.alice.context_menu(world.channel, MENU, own)
    worker.hear()
    again = await world.alice.context_menu(world.channel, MENU, own)
    assert "is in your basket already" in response_of(again).content and len(store.media.keys()) == 1
    with store.write() as session:
        for number in range(basket.MOST_NOTES - 1):
            session.add(good(world, number))
    full = await world.alice.slash(world.channel, "notes", note1=("b.ogg", b"more"))
    assert "at most 50 notes" in response_of(full).content and len(store.media.keys()) == 1


async def test_a_training_asks_again_for_what_is_missing_and_keeps_the_notes(
    world: World, worker: Worker, store: Store
) -> None:
    nothing = await world.alice.slash(world.channel, "train", name="mine")
    assert "Your basket has no note" in nothing.followups[0].content
    asked = await world.alice.slash(world.channel, "train", name="mine", note1=("a.ogg", b"one"))
    worker.hear(12.0)
    await world.tick()
    assert "1. a.ogg: 12 s of voice" in response_of(asked).content
    assert "Your basket holds 12 s of voice; at least 30 s" in asked.followups[0].content
    await world.alice.slash(world.channel, "notes", note1=("b.ogg", b"two"))
    worker.hear(20.0)
    asked = await world.alice.slash(world.channel, "train", name="mine")
    assert "2 recordings (0.5 min of voice)" in response_of(asked).content
    again = await world.alice.slash(world.channel, "train", name="other", note1=("a.ogg", b"one"))
    assert "Train the voice “other”" in response_of(again).content  # a note that is there already is no fault


async def test_without_a_worker_the_notes_wait_in_the_basket(
    world: World, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrival, "FOLLOW_SECONDS", 4.0)
    asked = await world.alice.slash(world.channel, "train", name="mine", note1=("a.ogg", b"one"))
    await world.tick(6)
    assert "Still to be listened to: 1 of your notes." in asked.followups[0].content
    assert len(basket_of(store, world.alice.id)) == 1


async def test_a_member_who_is_forgotten_meanwhile_is_shown_an_empty_basket(world: World, store: Store) -> None:
    answer = await world.alice.slash(world.channel, "notes", note1=("a.ogg", b"one"))
    waiting = next_unheard(store)
    assert waiting is not None
    forget(store, world.alice.id)
    keep_heard(store, waiting.note.id or 0, 10.0, [], "m")
    await world.tick()
    assert "Your basket is empty" in response_of(answer).content and basket_of(store, world.alice.id) == []


async def test_a_long_basket_is_paged(world: World, store: Store) -> None:
    with store.write() as session:
        for number in range(25):
            session.add(good(world, number))
    shown = response_of(await world.alice.slash(world.channel, "notes"))
    assert "1. n24" in shown.content and "n14" not in shown.content and "Page 1 of 3" in shown.content
    await world.alice.click(shown, label="More ▶")
    assert "11. n14" in shown.content and "Page 2 of 3" in shown.content
