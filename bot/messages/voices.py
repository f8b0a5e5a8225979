"""What a voice is called where one is chosen."""

from bot.texts.sentences import Texts
from store import Voice
from store.results import quality_of
from store.voices import PUBLIC


def marked(voice: Voice, say: Texts) -> str:
    """The voice's name, with what a member has to know of it: `Emma · free`, `mine · untrained`."""
    return " · ".join((voice.name, *marks(voice, say)))


def marks(voice: Voice, say: Texts) -> list[str]:
    """What stands behind its name: `free`, `untrained`, or nothing."""
    if voice.owner_id == PUBLIC:
        return [say("command.cover.free")]
    return [say("command.cover.untrained")] if quality_of(voice).untrained else []
