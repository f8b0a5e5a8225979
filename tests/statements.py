"""Statements that are compiled once for all databases of a process, as for the one that an operator's process has."""

from typing import Any

from sqlalchemy import Engine

from store import connection, database, schema


def share_statements() -> None:
    """From here on engines of a kind, also of what this process forks, have one cache of compiled statements."""
    models: dict[str, Engine] = {}

    def connect(url: str, **kinds: Any) -> Engine:
        engine = connection.connect(url, **kinds)
        model = models.get(engine.dialect.name)
        if model is None or model.dialect.server_version_info is None:  # it was never connected to
            models[engine.dialect.name] = engine
        else:
            engine.dialect, engine._compiled_cache = model.dialect, model._compiled_cache
        return engine

    for module in (database, schema):
        vars(module)["connect"] = connect
