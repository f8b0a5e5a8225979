"""The laboratory's commands: they join `discovervoice` by entry points, and are imported when they are used.

A package announces a command in the group `discovervoice.commands`; a dot in its name puts it into a group of ours:
`corpus = "lab.desk.corpus:corpus"`, `singers.train = "lab.desk.singers:train"`. The value is a Typer or a function.
"""

from importlib.metadata import EntryPoint, entry_points
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

from cli.console import DeskError

GROUP = "discovervoice.commands"
ROOMS = ("files", "models", "pipeline", "store", "metrics", "worker", "bot", "cli", "lab")
INSTALL = "This command needs the laboratory's packages; install them with: pip install 'discovervoice[lab]'"


class LaboratoryGroup(TyperGroup):
    """A group whose own commands stand beside those that entry points add to it; theirs are imported on use."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of the group's own commands, then of those that entry points add; nothing is imported."""
        return [*super().list_commands(ctx), *sorted(added_commands(_prefix(ctx)))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name; imports it where an entry point adds it."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        entry = added_commands(_prefix(ctx)).get(cmd_name)
        return None if entry is None else _load(entry, cmd_name)

    def invoke(self, ctx: Any) -> Any:
        """Run a command. Raises DeskError if a package of the laboratory's is not installed."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            if ctx.invoked_subcommand in self.commands or not is_foreign(error):
                raise
            raise DeskError(INSTALL) from error


def added_commands(prefix: str = "") -> dict[str, EntryPoint]:
    """The entry points of a group's commands by their names; `prefix`: "" for the root, "singers." for a group."""
    below = (entry for entry in entry_points(group=GROUP) if entry.name.startswith(prefix))
    names = {entry.name.removeprefix(prefix): entry for entry in below}
    return {name: entry for name, entry in names.items() if "." not in name}


def is_foreign(error: ModuleNotFoundError) -> bool:
    """Whether the missing module is another distribution's, not one of our rooms."""
    return (error.name or "").partition(".")[0] not in ROOMS


def _prefix(ctx: Any) -> str:
    """What the names of a group's entry points begin with."""
    return "" if ctx.parent is None else f"{ctx.info_name}."


def _load(entry: EntryPoint, name: str) -> Any:
    """The command of an entry point, or a substitute that raises DeskError(INSTALL)."""
    try:
        target = entry.load()
    except ModuleNotFoundError as error:
        if not is_foreign(error):
            raise
        target = _uninstalled
    host = typer.Typer(add_completion=False)
    if isinstance(target, typer.Typer):
        host.add_typer(target, name=name)
        return get_group(host).commands[name]
    host.command(name, context_settings=_ANYTHING if target is _uninstalled else None)(target)
    return get_command(host)


_ANYTHING = {"ignore_unknown_options": True, "allow_extra_args": True}


def _uninstalled() -> None:
    """Not installed: it needs the laboratory's packages."""
    raise DeskError(INSTALL)
