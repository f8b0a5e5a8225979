"""What the store refuses, each error with the sentence for its reader; of listening tests: `store/listening_errors.py`.

StoreError
├── NotFound           no such row, or another member's (its kinds: `store/missing.py`)
├── NotYours           the message with the voice note is another member's
├── IllegalMove        the job is in a state from which it cannot be cancelled or queued
├── VoiceNotReady      the voice is still training, or its training failed
├── VoiceUnanswered    its training begins once its owner says yes
├── DuplicateVoiceName the owner has a voice of this name
├── BlankName          a name of which nothing can be seen
├── SeveralFit         a name that several have as a part of theirs
├── TooManyJobs        the member's cap is reached
├── Blocked            the moderators of this server have blocked the member
├── KeptShorter        a server would keep longer than the operator does
├── NoStaffChannel     a report without moderators to tell
├── AlreadyReported    a report of what the moderators know already
├── AlreadyHandled     a second click on a moderator's button
├── ResultRemoved      a result that the moderators have removed after a report
├── LibraryFull        a server's library holds no more
├── TooFewSongs        a singer of fewer songs than it takes
├── SongInUse          a song that is being sung now cannot be removed
├── DownloadFailed     a file that was sent is not in the media folder
├── AlreadySung        a second click: the cover is being sung already
├── KeyTooFar          a key too many semitones away
├── LevelTooFar        vocals too many dB louder or softer
├── NothingMixed       a level for vocals that are mixed with nothing
├── SongOrTitle        neither or both of the two were given
├── AlreadyAnswered    a second answer to a request for consent
├── ConsentOver        the request for consent is past its time
├── ConsentMismatch    the voice notes are not those that the consent names
├── ReadingRefused     a sentence that is read aloud (its kinds: `store/reading_errors.py`)
├── NoteKnown          the note is in the member's basket already
├── BasketFull         a member's basket takes no more notes
├── BasketEmpty        nothing of a basket can be trained on
├── BasketUnheard      notes of a basket were not heard yet
├── BasketShort        too little voice in a basket
├── NotesTakenOut      too little is left in a basket of what a training was to be made of
├── BackupRefused      a backup cannot be made or put back
├── FileDamaged        a file is not what was stored
├── MediaAway          the bucket with the files does not answer
│   └── MediaRefused   it answers that it is not there, or not for us
├── StoreBusy          the database has been locked for too long
└── StoreUnusable      the database or the data folder cannot be opened
    ├── StoreNewer     a newer version of the program has written it
    ├── StoreDamaged   it is no database, or what is in it cannot be read
    └── IndexWrong     an index of it leads to other rows than its table has

AssertionError
└── NoSuchMove         a bug of ours: code moves a job along an edge that `jobs.MOVES` does not have
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
    """What is not there is answered like what is another member's."""

    code = "not_found"
    sentence = "This is not here any more. /help shows what there is."


class NotYours(StoreError):
    """Params: what."""

    code = "not_yours"
    sentence = "{what} belongs to another member. Only its owner can use it; use one of your own."


class IllegalMove(StoreError):
    """It is past what was asked of it."""

    code = "illegal_move"
    sentence = "This job has ended already. /jobs shows how."


class VoiceNotReady(StoreError):
    """Params: name, state."""

    code = "voice_not_ready"
    sentence = "The voice {name} is not ready ({state}). /jobs shows how far its training is; /train begins a new one."


class VoiceUnanswered(StoreError):
    """Params: name."""

    code = "voice_unanswered"
    sentence = (
        "The voice {name} waits for your answer. Answer the question that you were shown, or cancel it in /jobs and "
        "use /train again."
    )


class DuplicateVoiceName(StoreError):
    """Params: name."""

    code = "duplicate_voice_name"
    sentence = "You already have a voice called {name}. Choose another name, or delete it first: /voices."


class BlankName(StoreError):
    """Params: what."""

    code = "blank_name"
    sentence = "A {what} needs a name that can be seen. Choose another name."


class SeveralFit(StoreError):
    """Params: name, candidates."""

    code = "several_fit"
    sentence = "{name} fits more than one: {candidates}. Give the whole name."


class TooManyJobs(StoreError):
    """Params: limit."""

    code = "too_many_jobs"
    sentence = (
        "You have reached the limit of jobs waiting or running ({limit}). Wait for one to end, or cancel one: /jobs."
    )


class Blocked(StoreError):
    """The member may request nothing in this server."""

    code = "blocked"
    sentence = "Moderators of this server have blocked you here, so nothing is made for you. Ask them if that is wrong."


class KeptShorter(StoreError):
    """Params: limit."""

    code = "kept_shorter"
    sentence = "The operator of this bot allows at most {limit:g} (in days). Choose that or less."


class NoStaffChannel(StoreError):
    """Nobody would read the report."""

    code = "no_staff_channel"
    sentence = "This server has no channel for reports yet. Tell a moderator, who can choose one with /settings."


class AlreadyReported(StoreError):
    """One report of a result is enough."""

    code = "already_reported"
    sentence = "The moderators know of this result already. They will look at it."


class AlreadyHandled(StoreError):
    """Another moderator was faster, or the member."""

    code = "already_handled"
    sentence = "This was done already. The message shows what was done, and by whom."


class ResultRemoved(StoreError):
    """Its member can neither see nor share it any more."""

    code = "result_removed"
    sentence = (
        "Moderators of the server removed this result after a report; it cannot be shown or shared any more. Ask them "
        "if that is wrong."
    )


class LibraryFull(StoreError):
    """Params: limit."""

    code = "library_full"
    sentence = "This server's library is full: it holds {limit}. Remove one first."


class TooFewSongs(StoreError):
    """Params: limit."""

    code = "too_few_songs"
    sentence = "A singer needs {limit} different songs at least. Add more songs of theirs."


class SongInUse(StoreError):
    """A cover reads its file."""

    code = "song_in_use"
    sentence = "A cover of this song is being made now. Remove it in a few minutes."


class DownloadFailed(StoreError):
    """Params: name."""

    code = "download_failed"
    sentence = "Discord did not hand over {name}. Nothing was kept; send it again."


class AlreadySung(StoreError):
    """The same cover waits or runs already."""

    code = "already_sung"
    sentence = "This cover is being sung already. /jobs shows how far it is."


class KeyTooFar(StoreError):
    """Params: limit."""

    code = "key_too_far"
    sentence = "A key can be moved by {limit} semitones at most. Move it the other way, or choose another voice."


class LevelTooFar(StoreError):
    """Params: limit."""

    code = "level_too_far"
    sentence = "Vocals can be {limit} dB louder or softer than in the song at most. Go the other way, or leave it so."


class NothingMixed(StoreError):
    """Vocals alone have no level of their own."""

    code = "nothing_mixed"
    sentence = "Vocals alone are mixed with nothing: leave out vocal_level, or give an instrumental."


class SongOrTitle(StoreError):
    """Exactly one of the two is needed."""

    code = "song_or_title"
    sentence = "Give either a song file or a title from the library to /cover, and not both."


class AlreadyAnswered(StoreError):
    """A second click on the consent card."""

    code = "already_answered"
    sentence = "You have answered this already. /jobs shows how it goes on."


class ConsentOver(StoreError):
    """The fifteen minutes for an answer are over."""

    code = "consent_over"
    sentence = "This request is over. Your notes are still in your basket: use /train again."


class ConsentMismatch(StoreError):
    """What would be trained on is not what the member agreed to."""

    code = "consent_mismatch"
    sentence = "These voice notes are not the ones that you agreed to. Nothing was trained; use /train again."


class NoteKnown(StoreError):
    """A second click."""

    code = "note_known"
    sentence = "This note is in your basket already. /notes shows it; /train makes a voice of your notes."


class BasketFull(StoreError):
    """Params: limit."""

    code = "basket_full"
    sentence = (
        "A basket holds at most {limit} notes. Remove some with /notes, or train with those that are in it: /train."
    )


class BasketEmpty(StoreError):
    """Neither a good note nor one that is still to be heard."""

    code = "basket_empty"
    sentence = (
        "Your basket has no note to train on. Add some with /notes, or use “Apps ▸ Add to my voice” on a note of yours."
    )


class BasketUnheard(StoreError):
    """Params: number."""

    code = "basket_unheard"
    sentence = (
        "Still to be listened to: {number} of your notes. They stay in your basket; use /train again in a minute."
    )


class BasketShort(StoreError):
    """Params: seconds, limit."""

    code = "basket_short"
    sentence = (
        "Your basket holds {seconds:.0f} s of voice; at least {limit:.0f} s are needed, and ten minutes are best. "
        "Add notes: /notes, or “Apps ▸ Add to my voice” on a note of yours."
    )


class StoreUnusable(StoreError):
    """Params: place, reason."""

    code = "store_unusable"
    sentence = "{place} cannot be used: {reason}. Check DATA_DIR and DATABASE_URL."


class StoreNewer(StoreUnusable):
    """Params: place."""

    code = "store_newer"
    sentence = (
        "{place} was written by a newer version of DiscoverVoice. Install that version, or restore an older backup."
    )


class StoreDamaged(StoreUnusable):
    """Params: place, reason."""

    code = "store_damaged"
    sentence = "{place} is damaged: {reason}. Stop the service and restore the last backup: discovervoice restore."


class IndexWrong(StoreUnusable):
    """Params: place, names."""

    code = "index_wrong"
    sentence = (
        "{place} has an index that differs from its table: {names}. Nothing is lost: stop the service and run "
        "`discovervoice doctor --rebuild`."
    )


class StoreBusy(StoreError):
    """Another process has held the write lock for longer than anybody waits."""

    code = "store_busy"
    sentence = (
        "The service is too busy just now. Try again in a minute; if it stays so, the operator has to restart it."
    )


class MediaAway(StoreError):
    """It may pass by itself."""

    code = "media_away"
    sentence = "The file storage does not answer. Try again in a minute; if it stays so, tell the operator."


class MediaRefused(MediaAway):
    """There is no such bucket, or its key is wrong."""

    code = "media_refused"
    sentence = (
        "The file storage refuses access, so nothing new was kept. Tell the operator to check MEDIA_URL and its key."
    )


class FileDamaged(StoreError):
    """Params: name."""

    code = "file_damaged"
    sentence = (
        "{name} is damaged on the machine that keeps it. Send it again, and tell the operator: a disk may be failing."
    )


class NotesTakenOut(StoreError):
    """Its member has removed notes before they have agreed to the training."""

    code = "notes_taken_out"
    sentence = (
        "You have removed notes that it was to be made of, and too little voice is left of them. Use /train again."
    )


class BackupRefused(StoreError):
    """Params: reason."""

    code = "backup_refused"
    sentence = "{reason}."


class NoSuchMove(AssertionError):
    """A state transition that `store.jobs.MOVES` does not have; no member ever reads it."""

    def __init__(self, state: str, wanted: str) -> None:
        super().__init__(f"jobs.MOVES has no edge from {state} to {wanted}.")
