"""no id is used twice; media files know which rows name them; jobs by their end

Revision: 0004, after 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

FORGOTTEN = 1000  # ids of rows that were deleted and left no trace
NAMED_BY_JOBS = {"voice": "voice_id", "song": "song_id"}
TABLES = ("audit", "clip", "consent", "outbox", "singer", "song", "voice")


def upgrade() -> None:
    """Rebuild SQLite's tables with AUTOINCREMENT, their next ids above all that were ever given."""
    for table in TABLES if op.get_bind().dialect.name == "sqlite" else ():  # a sequence gives no number twice
        with op.batch_alter_table(table, recreate="always", table_kwargs={"sqlite_autoincrement": True}):
            pass
        _begin_above(table)
    op.create_table(
        "media_reference",
        sa.Column("source", sa.String(), primary_key=True),
        sa.Column("row_id", sa.String(), primary_key=True),
        sa.Column("media_key", sa.String().with_variant(sa.String(collation="C"), "postgresql"), primary_key=True),
    )
    op.create_index("ix_media_reference_media_key", "media_reference", ["media_key"])
    op.create_index("ix_job_ended_at", "job", ["ended_at"])
    op.create_index("ix_clip_expires_at", "clip", ["expires_at"])
    op.create_index("ix_outbox_sent_at", "outbox", ["sent_at"])


def _begin_above(table: str) -> None:
    """Let the next id be above those of rows, those that jobs name, and those of rows that are gone."""
    connection = op.get_bind()
    highest = [connection.exec_driver_sql(f"SELECT max(id) FROM {table}").scalar()]
    if table in NAMED_BY_JOBS:
        named = f"json_extract(params, '$.{NAMED_BY_JOBS[table]}')"
        highest.append(connection.exec_driver_sql(f"SELECT max({named}) FROM job").scalar())
    used = max(number or 0 for number in highest)
    if used or connection.exec_driver_sql("SELECT count(*) FROM job").scalar():
        connection.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
        connection.exec_driver_sql("INSERT INTO sqlite_sequence VALUES (?, ?)", (table, used + FORGOTTEN))
