"""Alembic's entry: runs the migrations on the database that the caller configured, all of them or none."""

from alembic import context
from sqlmodel import SQLModel

from store import tables  # noqa: F401
from store.connection import connect
from store.errors import StoreDamaged
from store.references import keep_references

url = context.config.get_main_option("sqlalchemy.url") or ""
engine = connect(url, migrating=True).execution_options(write=True)  # a rebuilt table is dropped and renamed
with engine.connect() as connection:
    context.configure(
        connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True, transactional_ddl=True
    )
    with context.begin_transaction():
        context.run_migrations()
        keep_references(connection)
        checks = connection.dialect.name == "sqlite"
        if checks and (lost := connection.exec_driver_sql("PRAGMA foreign_key_check").first()):
            raise StoreDamaged(place=engine.url.database, reason=f"a row of {lost[0]} names a {lost[2]} that is gone")
engine.dispose()
