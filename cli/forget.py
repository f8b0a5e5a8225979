"""`discovervoice forget`: a member who cannot ask the bot, for instance because they have left the server."""

from dataclasses import asdict

from cli.console import DeskError, agreed, console, counted
from store import open_store
from store.use_cases import forget

DIGITS = 20


def forget_member(typed: str, yes: bool) -> None:
    """Remove everything of a member, once it is meant. Raises DeskError."""
    member = int(typed) if typed.isdecimal() and len(typed) < DIGITS else 0
    if not 0 < member < 1 << 63:
        raise DeskError("A Discord id is a number of 17 to 19 digits: in Discord, Copy User ID.")
    store = open_store()
    if not agreed(f"Remove every note, voice, job and message of {member}? This cannot be undone.", yes):
        raise DeskError("Nothing was removed.")
    forgotten = forget(store, member)
    nothing = not any(asdict(forgotten).values())
    doubt = " If there should be some, check the id (in Discord, Copy User ID) and DATA_DIR." if nothing else ""
    console.print(
        f"Removed of {member}: {counted(forgotten.clips, 'note')}, {counted(forgotten.voices, 'voice')}, "
        f"{counted(forgotten.jobs, 'job')}, {counted(forgotten.files, 'file')}. "
        f"The bot deletes {counted(forgotten.messages, 'message')}.{doubt}",
        highlight=False,
        soft_wrap=True,
    )
