"""Asks everything in turn and prints what was found."""

from collections.abc import Callable
from functools import partial

from pydantic import ValidationError
from rich.text import Text

from cli.console import console
from cli.doctor import folder, machine, rows, service, settings
from cli.doctor.findings import Finding, Findings, Verdict, wrong
from cli.status import store_that_is_here
from store import StoreError, StoreSettings
from store.use_cases.examination import rebuild as rebuild_derived

COLOURS = {Verdict.WELL: "green", Verdict.NOTE: "yellow", Verdict.WRONG: "red"}


def examine(*, online: bool, every_file: bool, rebuild: bool) -> int:
    """Print every finding; 1 if anything is wrong. Raises DeskError, StoreError: nothing could be rebuilt."""
    if rebuild:
        rebuild_derived(store_that_is_here(StoreSettings()))
    found = []
    for finding in findings(online, every_file):
        found.append(finding)
        _print(finding)
    bad = sum(finding.verdict is Verdict.WRONG for finding in found)
    console.print(f"{bad} to mend." if bad else "All is well.", highlight=False)
    return 1 if bad else 0


def findings(online: bool, every_file: bool) -> Findings:
    """Everything, the quick and the basic first; what needs settings or a database that cannot be read is left out."""
    yield from machine.packages()
    yield from settings.names()
    yield from settings.values()
    yield from _told("settings", settings.together)
    yield from _told("token", partial(settings.token, online))
    try:
        place = StoreSettings()
    except ValidationError:
        return
    yield from _told("settings", partial(settings.needed, place))
    yield from _told("data folder", partial(folder.folder, place))
    rows_found = [*_told("database", partial(rows.database, place))]
    yield from rows_found
    yield from _told("weights", partial(machine.weights, place))
    yield from _told("device", partial(machine.device, place))
    yield from _told("queue", partial(service.queue, place))
    if any(finding.verdict is not Verdict.WELL for finding in rows_found):
        yield from service.clock(None)
        return
    store = store_that_is_here(place)
    yield from _told("media", partial(rows.media, store, every_file))
    yield from _told("processes", partial(service.processes, store))
    yield from _told("clock", partial(service.clock, store))
    store.engine.dispose()  # the last connection takes the log's files along


def _told(about: str, check: Callable[[], Findings]) -> Findings:
    """What a check finds, or why it could not look; nothing where a setting that it needs was refused before."""
    try:
        yield from check()
    except ValidationError:
        return
    except StoreError as error:
        yield wrong(about, str(error))
    except PermissionError as error:
        yield wrong(about, f"{error.filename} cannot be read: run this as the service's user.")
    except (ImportError, OSError) as error:
        yield wrong(about, f"It cannot be looked at ({str(error).splitlines()[0]}): run `make install` again.")


def _print(finding: Finding) -> None:
    verdict = Text(f"{finding.verdict.value:<6}", style=COLOURS[finding.verdict])
    console.print(
        verdict.append(f"{finding.about}: ", style="default").append(finding.sentence, style="default"),
        highlight=False,
        soft_wrap=True,
    )
