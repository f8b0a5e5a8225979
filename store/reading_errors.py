"""What is refused of a sentence that a member reads aloud before a voice is made, each with the step that helps.

ReadingRefused
├── SentenceUnread   a yes to a training whose sentence has to be read aloud first
├── NothingToRead    a reading, and no training waits for one
├── ReadBefore       a reading that was in the basket before it could be read
├── ReadingShort     too little voice in a reading and the notes
├── OtherReader      somebody else read than who speaks in the notes
└── NoteNotOfReader  a note in which somebody else speaks than who read
"""

from store.errors import StoreError


class ReadingRefused(StoreError):
    """The sentence was not read as it has to be."""

    code = "reading_refused"
    sentence = "This recording cannot be used. Read the sentence aloud again, and send the new recording."


class SentenceUnread(ReadingRefused):
    """A card of before, or a forged click."""

    code = "sentence_unread"
    sentence = "This begins once you have read its sentence aloud. Use /train again to see one."


class NothingToRead(ReadingRefused):
    """No training of the member waits for a reading."""

    code = "nothing_to_read"
    sentence = "No voice of yours waits for a sentence that is read aloud. /train shows you one."


class ReadBefore(ReadingRefused):
    """The recording is a note of the basket already, so it is older than the sentence, or was sent twice."""

    code = "read_before"
    sentence = "This recording is in your basket already. Read the sentence aloud now, and send the new recording."


class ReadingShort(ReadingRefused):
    """Params: seconds, limit."""

    code = "reading_short"
    sentence = (
        "Together that is {seconds:.0f} s of voice, and at least {limit:.0f} s are needed. Read the sentence again, "
        "more slowly or twice, and send the new recording."
    )


class OtherReader(ReadingRefused):
    """Params: names."""

    code = "other_reader"
    sentence = (
        "The voice in {names} is not the one that read the sentence. If both are you, read it again in a quiet place; "
        "if not, remove those notes: /notes"
    )


class NoteNotOfReader(ReadingRefused):
    """Params: name."""

    code = "note_not_of_reader"
    sentence = (
        "{name}: this is not the voice that read the sentence aloud. Remove the note here, or send another recording "
        "of you."
    )
