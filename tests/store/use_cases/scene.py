"""What the tests of the use cases share: a member, saved files, and a count of everything that is there."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlmodel import SQLModel, select

from store import Job, Song, Store, Voice, VoiceState, jobs, library
from store.use_cases import Requester, SavedFile

Row = TypeVar("Row", bound=SQLModel)
MEMBER = Requester(7, guild_id=3, channel_id=5, locale="ko")
OTHER = Requester(8, guild_id=3, channel_id=5)
OPERATOR = Requester(jobs.OPERATOR)
WORKER = "worker"


def as_kept(_: str, __: Mapping[str, Any], sentence: str) -> str:
    """The English sentence of an error, as its row has it."""
    return sentence


@dataclass(frozen=True)
class Scene:
    """A store and the member who asks."""

    store: Store
    folder: Path
    member: Requester

    def save(self, data: bytes, name: str = "a.ogg") -> SavedFile:
        """Put bytes into the media folder, as an attachment of that name."""
        return SavedFile(self.store.media.put_bytes(data, name), name, len(data))

    def file(self, data: bytes, name: str) -> Path:
        """A file outside the store."""
        path = self.folder / name
        path.write_bytes(data)
        return path

    def remains(self) -> dict[str, int]:
        """How many rows each table has, and how many files there are; what has none is left out."""
        counts = {table.__name__: len(self.rows(table)) for table in SQLModel.__subclasses__()}
        counts["files"] = len(self.store.media.keys())
        return {name: number for name, number in counts.items() if number}

    def rows(self, table: type[Row]) -> list[Row]:
        """Every row of a table."""
        with self.store.read() as session:
            return list(session.exec(select(table)).all())

    def job(self, job: Job) -> Job:
        """The job's row as it is now."""
        with self.store.read() as session:
            return jobs.get(session, job.id)

    def age(self, seconds: float) -> None:
        """Make every job older."""
        with self.store.write() as session:
            for job in session.exec(select(Job)).all():
                job.created_at -= seconds
                session.add(job)

    def add_voice(self, name: str, owner: int = 7, **fields: Any) -> Voice:
        """A ready voice with its two files."""
        row: dict[str, Any] = {"owner_id": owner, "name": name, "state": VoiceState.READY}
        for key in ("model_key", "index_key"):
            row[key] = self.store.media.put_bytes(f"{name} {key}".encode())
        with self.store.write() as session:
            voice = Voice(**(row | fields))
            session.add(voice)
            session.flush()
            return voice

    def add_song(self, title: str, singer: str = "") -> Song:
        """A song of the library."""
        key = self.store.media.put_bytes(title.encode(), "x.mp3")
        with self.store.write() as session:
            return library.add_song(session, Song(title=title, singer=singer, media_key=key))
