"""The operator has the rows and files compared, and what is derived from rows made anew."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel

from store import references
from store.clips import DAY
from store.database import Store
from store.errors import FileDamaged, NotFound, StoreDamaged
from store.references import MEDIA_REFERENCE
from store.tables import Clip, Job, Outbox, SignOfLife, now

SAMPLE = 50
"""Files that are hashed if not all are asked for."""


@dataclass(frozen=True)
class FilesFound:
    """Media files against the rows that name them."""

    named: int
    """How many files rows name."""
    hashed: int
    missing: Mapping[str, int]
    """Files that are not there, by the table whose rows name them."""
    damaged: Mapping[str, int]
    """Files that are not what was stored."""
    forgotten: Mapping[str, int]
    """Files that rows name and the table of references does not."""
    unnamed: int
    """Files older than a day that no row names."""

    @property
    def bad(self) -> bool:
        """Whether a row names a file that cannot be used."""
        return bool(self.missing or self.damaged)


def compare_files(store: Store, sample: int | None = SAMPLE) -> FilesFound:
    """Look for every file that a row names, and hash so many of them (None: all). Raises StoreDamaged."""
    cited = MEDIA_REFERENCE.c
    with store.read() as session:
        rows = session.connection().execute(select(cited.media_key, cited.source)).all()
        forgotten = references.forgotten(session)
        unnamed = references.unnamed(session, store.media.older_than(DAY))
    sources: dict[str, str] = {row.media_key: row.source for row in rows}
    present = store.media.keys()
    here = sorted(sources.keys() & present)
    chosen = here if sample is None or sample >= len(here) else random.sample(here, sample)
    return FilesFound(
        named=len(sources),
        hashed=len(chosen),
        missing=Counter(source for key, source in sources.items() if key not in present),
        damaged=Counter(sources[key] for key in chosen if not _is_whole(store, key)),
        forgotten=forgotten,
        unnamed=len(unnamed),
    )


def clock_back(store: Store) -> float:
    """Seconds by which the newest time in the rows lies ahead of the clock; below 0 as it has to be."""
    with store.read() as session:
        columns = Job.created_at, Clip.created_at, Outbox.created_at, SignOfLife.seen_at
        newest = [session.scalar(select(func.max(column))) for column in columns]
    return max((at for at in newest if at is not None), default=0.0) - now()


def rebuild(store: Store) -> None:
    """Make indices and the table of references anew from the rows. Raises StoreDamaged: two rows are one."""
    try:
        with store.write() as session:
            for table in SQLModel.metadata.sorted_tables:
                session.connection().exec_driver_sql(f"REINDEX {'TABLE ' if store.on_server else ''}{table.name}")
            references.write_references_anew(session.connection())
    except IntegrityError as error:
        raise StoreDamaged(place=store.place, reason=error.orig) from error


def _is_whole(store: Store, key: str) -> bool:
    try:
        store.media.verify(key)
    except FileDamaged:
        return False
    except NotFound:  # removed meanwhile
        return True
    return True
