"""`discovervoice backup` and `restore`."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cli.console import console, counted
from store import StoreSettings
from store.backup import Copied, Manifest, back_up
from store.use_cases.restore import Restored, restore


def make_backup(target: Path) -> None:
    """Copy the service's data, and print how much."""
    with _files("Copying") as copied:
        manifest = back_up(StoreSettings(), target, copied)
    _say(f"{target}: {_amount(manifest)}. It holds members' voices: keep it private, and no longer than you need it.")
    if manifest.damaged:
        _say(f"Left out, since damaged on this disk: {', '.join(manifest.damaged)}. An earlier backup may have them.")


def put_back(folder: Path, replace: bool) -> None:
    """Restore a backup, and print what is different from it."""
    with _files("Checking and copying") as copied:
        restored = restore(folder, StoreSettings(), replace=replace, copied=copied)
    made = datetime.fromtimestamp(restored.made_at).astimezone()
    _say(f"Restored {counted(restored.files, 'file')} of {made:%Y-%m-%d at %H:%M}.")
    _say(_removed(restored))
    if restored.aside is not None:
        _say(f"What was there before is in {restored.aside}. Remove it when you need it no more.")


def _removed(restored: Restored) -> str:
    if restored.removals is None:
        return (
            "No database told what members have had removed since: remove it again with "
            "`discovervoice forget`, for everybody who asked."
        )
    members, voices = restored.removals.members, restored.removals.voices
    return (
        f"Removed again, as their owners had asked since: everything of {counted(len(members), 'member')}, "
        f"{counted(len(voices), 'voice')}."
    )


def _amount(manifest: Manifest) -> str:
    return f"{counted(len(manifest.files), 'file')}, {sum(file.bytes for file in manifest.files) / 1e6:,.1f} MB"


@contextmanager
def _files(doing: str) -> Iterator[Copied]:
    columns = TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task(doing)
        yield lambda done, number: progress.update(bar, completed=done, total=number)


def _say(sentence: str) -> None:
    console.print(sentence, highlight=False, markup=False, soft_wrap=True)
