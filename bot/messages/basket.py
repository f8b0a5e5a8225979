"""The text of a basket: one line a note, and how far its voice is from the ten minutes of a good training."""

from collections.abc import Sequence
from math import floor

from bot.messages.card import bar
from bot.texts.names import numbered_list, safe, shorten
from bot.texts.sentences import Texts
from store import BasketNote, NoteState
from store.basket import MOST_NOTES, OF_THE_MACHINE, WANTED_SECONDS, least_seconds, seconds_of

NAME_LENGTH = 40
SENTENCE_LENGTH = 300
Numbered = tuple[int, BasketNote]


def basket_lines(notes: Sequence[BasketNote], shown: Sequence[Numbered], say: Texts, days: float) -> str:
    """The bar of the whole basket, these of its notes, and what can be done next."""
    seconds = seconds_of(notes)
    head = say(
        "basket.bar",
        bar=bar(min(1.0, seconds / WANTED_SECONDS)),
        minutes=seconds / 60,
        wanted=WANTED_SECONDS / 60,
        notes=len(notes),
        limit=MOST_NOTES,
    )
    least, instant = least_seconds(instant=False), least_seconds(instant=True)
    after = say("basket.enough") if seconds >= least else say("basket.more", limit=least, instant=instant)
    listed = numbered_list([note_line(number, note, say) for number, note in shown])
    lines = [say("basket.title"), head, listed, after, f"-# {say('basket.kept', days=days)}"]
    return "\n".join(line for line in lines if line)


def note_line(number: int, note: BasketNote, say: Texts) -> str:
    """`2. a.ogg: 18 s of voice · 5 minutes ago`, or why it cannot be used."""
    when = f"<t:{int(note.created_at)}:R>"
    if note.state is NoteState.REFUSED and note.error_code in OF_THE_MACHINE:
        return say("basket.later", number=number, name=safe(note.name, NAME_LENGTH), when=when)
    if note.state is NoteState.REFUSED:
        sentence = say.error(note.error_code or "", note.error_params, note.error_sentence or "")
        return say("basket.refused", number=number, sentence=shorten(sentence, SENTENCE_LENGTH), when=when)
    key = "basket.good" if note.state is NoteState.GOOD else "basket.waiting"
    return say(key, number=number, name=safe(note.name, NAME_LENGTH), seconds=floor(note.seconds), when=when)
