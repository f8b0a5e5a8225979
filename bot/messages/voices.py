"""What a voice is called where one is chosen."""

from bot.texts.sentences import Texts
from store import Voice
from store.results import quality_of
from store.voices import PUBLIC


def marked(voice: Voice, say: Texts) -> str:
    """The voice's name, with what a member has to know of it: `Emma · free`, `mine · untrained`."""
    if voice.owner_id == PUBLIC:
        return f"{voice.name} · {say('command.cover.free')}"
    return f"{voice.name} · {say('command.cover.untrained')}" if quality_of(voice).untrained else voice.name
