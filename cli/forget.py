"""`discovervoice forget`: a member who cannot ask the bot, for instance because they have left the server."""

import typer

from cli.console import DeskError, console, counted
from store import open_store
from store.use_cases import forget


def forget_member(member: int, yes: bool) -> None:
    """Remove everything of a member, once it is meant. Raises DeskError."""
    if not 0 < member < 1 << 63:
        raise DeskError("A Discord id is a number of 17 to 19 digits: in Discord, Copy User ID.")
    store = open_store()
    if not yes and not typer.confirm(f"Remove every note, voice, job and message of {member}? This cannot be undone."):
        raise DeskError("Nothing was removed.")
    forgotten = forget(store, member)
    console.print(
        f"Removed of {member}: {counted(forgotten.clips, 'note')}, {counted(forgotten.voices, 'voice')}, "
        f"{counted(forgotten.jobs, 'job')}, {counted(forgotten.files, 'file')}. "
        f"The bot deletes {counted(forgotten.messages, 'message')}.",
        highlight=False,
        soft_wrap=True,
    )
