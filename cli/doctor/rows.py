"""The database, and the media files against its rows."""

from collections.abc import Mapping

from sqlalchemy.exc import DBAPIError

from cli.console import counted
from cli.doctor.findings import Findings, note, well, wrong
from store import Store, StoreSettings, refusal_of, schema
from store.integrity import integrity
from store.use_cases.examination import SAMPLE, compare_files

CALLED = {
    "clip": "voice notes",
    "basket_note": "notes of baskets",
    "song": "songs",
    "singer": "singers",
    "voice": "voices",
    "job": "songs of jobs",
    "listening_clip": "clips of listening tests",
    "outbox": "results",
}
RESTORE = "stop the service and restore the last backup (discovervoice restore)"
AGAIN = "Put them back from a backup, or remove and add anew what they belong to"


def database(settings: StoreSettings) -> Findings:
    """Its version, and everything that SQLite can find in it."""
    if settings.on_server:
        yield from _on_server(settings)
        return
    path = settings.database
    if not path.is_file():
        if schema.files_of(path)[1].exists():
            yield wrong("database", f"{path} is gone, but its log is there: {RESTORE}.")
        else:
            yield note("database", f"{path} is not there yet: the first start makes it.")
        return
    if path.stat().st_size == 0:
        yield wrong("database", f"{path} is empty: {RESTORE}.")
        return
    found = integrity(path)
    if found.damage:
        yield wrong("database", f"{path} is damaged ({found.damage[-1]}): {RESTORE}.")
        return
    yield from _version(settings)
    if found.indices:
        names = ", ".join(found.indices)
        yield wrong(
            "database",
            f"An index differs from its table ({names}). Nothing is lost: stop the service and run "
            f"`discovervoice doctor --rebuild`.",
        )
    if found.dangling:
        yield wrong("database", f"Rows name rows that are gone ({', '.join(found.dangling)}): {RESTORE}.")
    if found.sound:
        yield well("database", "Every page, row and index is sound.")


def media(store: Store, every_file: bool) -> Findings:
    """Files that are missing, damaged or without a row."""
    found = compare_files(store, None if every_file else SAMPLE)
    if found.missing:
        yield wrong("media", f"Files are missing: {_counted(found.missing)}. {AGAIN}.")
    if found.damaged:
        yield wrong("media", f"Files are damaged: {_counted(found.damaged)}. {AGAIN}, and look at the disk.")
    if found.forgotten:
        yield wrong(
            "media",
            f"The table of references lacks files, so that a clean-up would remove them: {_counted(found.forgotten)}. "
            f"Stop the service and run `discovervoice doctor --rebuild`.",
        )
    if found.unnamed:
        yield note(
            "media",
            f"No row names {counted(found.unnamed, 'file')}: a worker removes what no row names within an hour.",
        )
    if not found.bad:
        yield well(
            "media", f"Of {counted(found.named, 'file')} that rows name none is missing; {found.hashed} of them hashed."
        )


def _on_server(settings: StoreSettings) -> Findings:
    """Its version, if it can be reached."""
    place = schema.place_of(settings.url)
    try:
        found = schema.revision_at(settings.url)
    except DBAPIError as error:
        yield wrong("database", str(refusal_of(error, place)))
        return
    if found is None:
        yield note("database", f"{place} has no tables yet: the first start makes them.")
    else:
        yield from _version(settings)
        yield well("database", f"{place} answers. Its server's own tools look into it.")


def _version(settings: StoreSettings) -> Findings:
    found, ours = schema.revision_at(settings.url), schema.newest_revision()
    if found is None:
        yield wrong("database", f"{settings.database} holds none of our tables: set DATABASE_URL or DATA_DIR.")
    elif found > ours:
        yield wrong("database", f"Its tables are of version {found}, this program's {ours}: install the newer program.")
    elif found < ours:
        yield note(
            "database",
            f"Its tables are of version {found}, this program's {ours}: make a backup; the next start migrates them.",
        )


def _counted(tables: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {CALLED[table]}" for table, count in tables.items())
