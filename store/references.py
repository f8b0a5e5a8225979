"""Which media files the rows name: one indexed table that triggers keep, so that a question costs no history."""

from collections.abc import Iterable

from sqlalchemy import Connection, select
from sqlmodel import Session

from store.tables import MEDIA_REFERENCE

BATCH = 500
KEYS = {
    "clip": "json_array({row}.media_key)",
    "basket_note": "json_array({row}.media_key)",
    "song": "json_array({row}.media_key)",
    "singer": "json_array({row}.embeddings_key)",
    "voice": "json_array({row}.model_key, {row}.index_key)",
    "job": "json_array(json_extract({row}.params, '$.song_key'), json_extract({row}.params, '$.instrumental_key'))",
    "listening_clip": "json_array({row}.source_key, {row}.media_key)",
    "outbox": "(SELECT json_group_array(json_extract(value, '$.key')) FROM json_each({row}.files))",
}
"""The media keys that a row of each table names: an SQL expression of a JSON list, in which a NULL is no key."""
NAMED = "AS named WHERE named.value IS NOT NULL"
COLUMNS = {
    "clip": "media_key",
    "basket_note": "media_key",
    "song": "media_key",
    "singer": "embeddings_key",
    "voice": "model_key, index_key",
    "job": "params",
    "listening_clip": "source_key, media_key",
    "outbox": "files",
}


def unnamed(session: Session, keys: Iterable[str]) -> set[str]:
    """Those of the keys that no row names."""
    wanted, named = sorted(set(keys)), MEDIA_REFERENCE.c.media_key
    found: set[str] = set()
    for start in range(0, len(wanted), BATCH):
        found |= set(session.scalars(select(named).where(named.in_(wanted[start : start + BATCH]))))
    return set(wanted) - found


def names_sound(session: Session, sha256: str) -> bool:
    """Whether a row names a file of this content, whatever its suffix."""
    named = MEDIA_REFERENCE.c.media_key
    same = select(named).where(named >= sha256, named < f"{sha256}/")  # "/" is the character after "."
    return session.scalars(same.limit(1)).first() is not None


def forgotten(session: Session) -> dict[str, int]:
    """How many files each table's rows name without a row of `media_reference`, so that a clean-up would remove them.

    Tables without such rows are left out. Triggers see to it that there are none.
    """
    counts = {}
    for table, key in KEYS.items():
        kept = f"source = '{table}' AND row_id = CAST({table}.id AS TEXT) AND media_key = named.value"
        lost = f"{NAMED} AND NOT EXISTS (SELECT 1 FROM media_reference WHERE {kept})"
        count = f"SELECT count(*) FROM {table}, json_each({key.format(row=table)}) {lost}"
        counts[table] = session.connection().exec_driver_sql(count).scalar_one()
    return {table: count for table, count in counts.items() if count}


def write_references_anew(connection: Connection) -> None:
    """Write what the rows of every table name, whatever stood there."""
    for table in KEYS:
        _write_anew(connection, table)


def keep_references(connection: Connection) -> None:
    """Create the triggers that are missing or of another version (a migration that rebuilds a table drops its own).

    What such a table's rows name is written anew.
    """
    present = {row.name: row.sql for row in connection.exec_driver_sql("SELECT name, sql FROM sqlite_master")}
    for table in KEYS if MEDIA_REFERENCE.name in present else ():
        triggers = _triggers(table)
        if all(present.get(name) == sql for name, sql in triggers.items()):
            continue
        for name, sql in triggers.items():
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
            connection.exec_driver_sql(sql)
        _write_anew(connection, table)


def _write_anew(connection: Connection, table: str) -> None:
    connection.exec_driver_sql(f"DELETE FROM media_reference WHERE source = '{table}'")
    everything = f"FROM {table}, json_each({KEYS[table].format(row=table)}) {NAMED}"
    connection.exec_driver_sql(f"{_insert(table, table)} {everything}")


def _insert(table: str, row: str) -> str:
    into = "INSERT OR IGNORE INTO media_reference (source, row_id, media_key)"
    return f"{into} SELECT '{table}', {row}.id, named.value"


def _triggers(table: str) -> dict[str, str]:
    """Name and statement of the three triggers of a table."""
    forget = f"DELETE FROM media_reference WHERE source = '{table}' AND row_id = CAST(OLD.id AS TEXT);"
    keep = f"{_insert(table, 'NEW')} FROM json_each({KEYS[table].format(row='NEW')}) {NAMED};"
    steps = {
        "insert": (f"INSERT ON {table}", keep),
        "update": (f"UPDATE OF {COLUMNS[table]} ON {table}", f"{forget} {keep}"),
        "delete": (f"DELETE ON {table}", forget),
    }
    return {
        (name := f"media_of_{table}_{step}"): f"CREATE TRIGGER {name} AFTER {event} BEGIN {body} END"
        for step, (event, body) in steps.items()
    }
