"""Alembic's entry: runs the migrations on the database that the caller configured."""

from alembic import context
from sqlmodel import SQLModel

from store import tables  # noqa: F401
from store.database import connect

url = context.config.get_main_option("sqlalchemy.url") or ""
engine = connect(url)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
