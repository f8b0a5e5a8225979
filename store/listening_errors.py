"""What is refused of a listening test, each with the step that helps.

StoreError
├── ListeningOff       the server has listening tests off
├── AlreadyListening   a listening test runs in this server
├── NothingToRate      too few clips for a listening test
├── TooManyClips       too many clips for a listening test
├── SameClip           two files of one listening test hold the same sound
├── ReferenceNeeded    a similarity test without its one reference
├── ListeningOver      a vote in a test that does not run
└── OwnClip            a vote on a clip of one's own
"""

from store.errors import StoreError


class ListeningOff(StoreError):
    """The moderators have set it so."""

    code = "listening_off"
    sentence = "Listening tests are off in this server. Use /settings to turn them on."


class AlreadyListening(StoreError):
    """One test at a time in a server."""

    code = "already_listening"
    sentence = "A listening test runs in this server already. Use /mos stop first."


class NothingToRate(StoreError):
    """Params: limit."""

    code = "nothing_to_rate"
    sentence = (
        "There are fewer than {limit} clips to rate. Upload clips, or ask members to agree with /listening-tests: only "
        "covers and voices of members who agreed are used."
    )


class TooManyClips(StoreError):
    """Params: limit."""

    code = "too_many_clips"
    sentence = "A listening test has at most {limit} clips. Ask for fewer covers or voices."


class SameClip(StoreError):
    """Params: name, other."""

    code = "same_clip"
    sentence = "{name} and {other} hold the same sound. Send each clip and each reference once."


class ReferenceNeeded(StoreError):
    """A similarity test compares with one recording."""

    code = "reference_needed"
    sentence = "A similarity test needs exactly one reference: a recording of whom the clips should sound like."


class ListeningOver(StoreError):
    """A vote before or after a test."""

    code = "listening_over"
    sentence = "This listening test does not run any more, so your vote was not counted. Vote in the next one."


class OwnClip(StoreError):
    """The rater knows what this clip is."""

    code = "own_clip"
    sentence = "This clip is your own, so you cannot rate it. Rate the others."
