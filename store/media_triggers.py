"""The triggers behind `store.references`, in the words of each database."""

from sqlalchemy import Connection

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
"""The columns of each table in which it names media keys: the keys themselves, but for two of JSON."""
UPLOADS = ("song_key", "instrumental_key")


def forget_sql(table: str) -> str:
    """The statement of a trigger that forgets what the old row named."""
    return f"DELETE FROM media_reference WHERE source = '{table}' AND row_id = CAST(OLD.id AS TEXT);"


def insert_sql(table: str, row: str, keys: str) -> str:
    """The statement that writes what a row names; `keys` is a relation with a column `value`."""
    into = "INSERT INTO media_reference (source, row_id, media_key)"
    return f"{into} SELECT '{table}', CAST({row}.id AS TEXT), named.value FROM {keys} {NAMED} ON CONFLICT DO NOTHING"


def keys_in_sqlite(table: str, row: str) -> str:
    """The media keys that a row names, as a relation."""
    match table:
        case "outbox":
            return f"json_each((SELECT json_group_array(json_extract(value, '$.key')) FROM json_each({row}.files)))"
        case "job":
            listed = ", ".join(f"json_extract({row}.params, '$.{name}')" for name in UPLOADS)
        case _:
            listed = ", ".join(f"{row}.{name}" for name in COLUMNS[table].split(", "))
    return f"json_each(json_array({listed}))"


def keys_in_postgresql(table: str, row: str) -> str:
    """The media keys that a row names, as a relation."""
    match table:
        case "outbox":
            return f"(SELECT file ->> 'key' AS value FROM json_array_elements({row}.files) AS file)"
        case "job":
            listed = ", ".join(f"{row}.params ->> '{name}'" for name in UPLOADS)
        case _:
            listed = ", ".join(f"{row}.{name}" for name in COLUMNS[table].split(", "))
    return f"(SELECT unnest(ARRAY[{listed}]) AS value)"


def create_in_sqlite(connection: Connection, table: str) -> bool:
    """Create a table's triggers, if one is missing or of another version; whether they were."""
    present = {row.name: row.sql for row in connection.exec_driver_sql("SELECT name, sql FROM sqlite_master")}
    keep = f"{insert_sql(table, 'NEW', keys_in_sqlite(table, 'NEW'))};"
    steps = {
        "insert": (f"INSERT ON {table}", keep),
        "update": (f"UPDATE OF {COLUMNS[table]} ON {table}", f"{forget_sql(table)} {keep}"),
        "delete": (f"DELETE ON {table}", forget_sql(table)),
    }
    triggers = {
        (name := f"media_of_{table}_{step}"): f"CREATE TRIGGER {name} AFTER {event} BEGIN {body} END"
        for step, (event, body) in steps.items()
    }
    if all(present.get(name) == sql for name, sql in triggers.items()):
        return False
    for name, sql in triggers.items():
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
        connection.exec_driver_sql(sql)
    return True


def create_in_postgresql(connection: Connection, table: str) -> bool:
    """Create a table's trigger, if it is missing or of another version; whether it was."""
    name = f"media_of_{table}"
    body = f"""BEGIN
    IF TG_OP <> 'INSERT' THEN {forget_sql(table)} END IF;
    IF TG_OP <> 'DELETE' THEN {insert_sql(table, "NEW", keys_in_postgresql(table, "NEW"))}; END IF;
    RETURN NULL;
END"""
    there = (
        "SELECT prosrc FROM pg_proc JOIN pg_trigger ON tgfoid = pg_proc.oid"
        f" WHERE tgname = '{name}' AND tgrelid = '{table}'::regclass"
    )
    if connection.exec_driver_sql(there).scalar() == body:
        return False
    events = f"INSERT OR DELETE OR UPDATE OF {COLUMNS[table]} ON {table}"
    connection.exec_driver_sql(f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $${body}$$")
    connection.exec_driver_sql(
        f"CREATE OR REPLACE TRIGGER {name} AFTER {events} FOR EACH ROW EXECUTE FUNCTION {name}()"
    )
    return True
