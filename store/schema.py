"""The tables of a database, brought to the newest revision when it is opened."""

import fcntl
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alembic.config import Config


def migrate(url: str, lock_dir: Path) -> None:
    """Upgrade the tables to the newest revision; processes that start together take turns."""
    from alembic import command  # the child process opens no store, and starts without it

    with (lock_dir / ".migrate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        command.upgrade(alembic_config(url), "head")


def alembic_config(url: str) -> "Config":
    """Alembic's settings for our migrations folder."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config
