"""What the store refuses, each error with the sentence for its reader.

StoreError
├── NotFound           no such row
├── NotYours           the row belongs to somebody else
├── IllegalMove        a state transition that does not exist
├── VoiceNotReady      the voice is still training, or its training failed
├── DuplicateVoiceName the owner has a voice of this name
├── TooManyJobs        the member's cap is reached
└── StoreUnusable      the database or the data folder cannot be opened
"""

from typing import Any, ClassVar


class StoreError(Exception):
    """`code` names the sentence (the bot keeps a translation under it), `params` fill it."""

    code: ClassVar[str] = "store_error"
    sentence: ClassVar[str] = "This cannot be done now."

    def __init__(self, **params: Any) -> None:
        self.params = params
        super().__init__(self.sentence.format(**params))


class NotFound(StoreError):
    """Params: what."""

    code = "not_found"
    sentence = "There is no {what}."


class NotYours(StoreError):
    """Params: what."""

    code = "not_yours"
    sentence = "{what} belongs to another member. Only its owner can use it."


class IllegalMove(StoreError):
    """Params: state, wanted."""

    code = "illegal_move"
    sentence = "This job is already {state} and cannot become {wanted}."


class VoiceNotReady(StoreError):
    """Params: name, state."""

    code = "voice_not_ready"
    sentence = "The voice {name} is not ready (it is {state}). Wait for its training, or train it again."


class DuplicateVoiceName(StoreError):
    """Params: name."""

    code = "duplicate_voice_name"
    sentence = "You already have a voice called {name}. Choose another name, or delete it first."


class TooManyJobs(StoreError):
    """Params: limit."""

    code = "too_many_jobs"
    sentence = "You already have {limit} jobs waiting or running. Wait for one to end, or cancel one."


class StoreUnusable(StoreError):
    """Params: place, reason."""

    code = "store_unusable"
    sentence = "{place} cannot be used: {reason}. Check DATA_DIR and DATABASE_URL."
