"""An installation moves to PostgreSQL and a bucket and back: every row, every file, every number that was given."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from store import Clip, Job, JobKind, JobState, Song, Store, StoreSettings, Voice, open_store
from store.errors import BackupRefused, StoreUnusable
from store.row_copy import digests
from store.tables import Audit
from store.use_cases import copying
from store.use_cases.copying import Destination, copy_store
from store.use_cases.presence import show_life
from tests.postgresql import PostgresServer
from tests.s3_server import S3Server


@pytest.fixture
def settings(tmp_path: Path, s3: S3Server) -> StoreSettings:
    """SQLite and a folder, with a bucket in reach."""
    reach = {name.lower(): value for name, value in s3.environment().items()}
    return StoreSettings.model_validate({"data_dir": tmp_path / "data", **reach})


@pytest.fixture
def home(settings: StoreSettings) -> Iterator[Store]:
    """An installation with something of everything that is difficult to copy."""
    store = open_store(settings)
    with store.write() as session:
        for number in range(3):
            session.add(Song(title=f"노래 {number} 🎤", media_key=store.media.put_bytes(b"song %d" % number, ".mp3")))
        params = {"song_key": store.media.put_bytes(b"sent", ".wav"), "key_shift": None, "x": 0.1 + 0.2, "é": [1, "a"]}
        job = Job(kind=JobKind.COVER, user_id=2**62, state=JobState.QUEUED, params=params, queued_at=1 / 3)
        session.add(job)
        session.flush()
        session.add(
            Clip(job_id=job.id, user_id=5, media_key="a" * 64, name="gone", source="upload", bytes=1, expires_at=1e10)
        )
        session.add(Voice(owner_id=5, name="me", model_key=store.media.put_bytes(b"model", ".safetensors")))
        session.add(Audit(action="forget", user_id=5))
    with store.write() as session:
        gone = Song(title="gone", media_key="b" * 64)
        session.add(gone)
        session.flush()
        session.delete(gone)
    yield store
    store.engine.dispose()


@pytest.fixture
def there(server: PostgresServer, s3: S3Server) -> Iterator[Destination]:
    """An empty database and an empty bucket."""
    name = server.copy("template0")
    yield Destination(server.url(name), f"s3://{s3.bucket()}/house")
    server.drop(name)


def moved(settings: StoreSettings, to: Destination) -> StoreSettings:
    """The settings of where it was copied to."""
    if to.media.startswith("s3:"):
        return settings.model_copy(update={"database_url": to.database_url, "media_url": to.media})
    data = {"database_url": to.database_url, "media_url": "", "data_dir": Path(to.media).parent}
    return settings.model_copy(update=data)


def contents(store: Store) -> dict[str, str]:
    """The hash of every file by its key, as whoever works on it reads it."""
    return {key: hashlib.sha256(store.media.path(key).read_bytes()).hexdigest() for key in sorted(store.media.keys())}


def test_there_and_back_every_row_and_file_is_the_same(
    home: Store, settings: StoreSettings, there: Destination, tmp_path: Path
) -> None:
    with home.read() as session:
        before = digests(session.connection())
    files = contents(home)
    done = copy_store(settings, there)
    assert (done.files, done.damaged) == (5, []) and done.rows == sum(table.rows for table in before.values()) > 10
    back = Destination(f"sqlite:///{tmp_path}/back/rows.db", str(tmp_path / "back" / "media"))
    copy_store(moved(settings, there), back)
    for place in (there, back):
        copy = open_store(moved(settings, place))
        with copy.write() as session:
            assert digests(session.connection()) == before
            session.add(song := Song(title="new", media_key="c" * 64))
            session.flush()
            assert song.id == 5  # the number of the song that is gone is given to no other
            session.rollback()
        assert contents(copy) == files
        copy.engine.dispose()
    assert contents(home) == files


def test_a_copy_that_is_killed_opens_nowhere_and_goes_on(
    home: Store, settings: StoreSettings, there: Destination, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(doing: str, done: int, _: int) -> None:
        if (doing, done) == ("Checking", 2):
            raise Killed

    with pytest.raises(Killed):
        copy_store(settings, there, killed)
    with pytest.raises(StoreUnusable, match="a copy into it was interrupted, so type it again"):
        open_store(moved(settings, there))
    other = settings.model_copy(update={"data_dir": settings.data_dir.with_name("other")})
    open_store(other).engine.dispose()
    with pytest.raises(BackupRefused, match="unfinished copy of"):
        copy_store(other, there)
    new = home.media.put_bytes(b"came meanwhile", ".ogg")
    said: list[tuple[str, int]] = []
    copy_store(settings, there, lambda doing, _, number: said.append((doing, number)))
    assert said[0] == ("Copying", 1) and said[-1] == ("Checking", 6)
    copy = open_store(moved(settings, there))
    assert new in contents(copy)
    copy.engine.dispose()


def test_what_is_damaged_here_is_named_and_what_is_damaged_there_is_no_copy(
    home: Store, settings: StoreSettings, there: Destination, s3: S3Server
) -> None:
    bad = home.media.put_bytes(b"good", ".ogg")
    home.media.path(bad).write_bytes(b"bad!")

    def damage(doing: str, done: int, number: int) -> None:
        if (doing, done) == ("Copying", number):
            path = next((s3.folder / there.media.split("/")[2]).rglob("*.mp3"))
            path.write_bytes(path.read_bytes().swapcase())

    with pytest.raises(BackupRefused, match="1 files arrived damaged"):
        copy_store(settings, there, damage)
    done = copy_store(settings, there)
    assert (done.files, done.damaged) == (5, [bad])


def test_a_service_that_runs_and_a_place_that_holds_something_are_refused(
    home: Store, settings: StoreSettings, there: Destination, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BackupRefused, match="Both ends are the same"):
        copy_store(settings, replace(there, media=str(settings.data_dir / "media")))
    full = settings.model_copy(update={"data_dir": tmp_path / "full"})
    store = open_store(full)
    store.media.put_bytes(b"theirs")
    store.engine.dispose()
    with pytest.raises(BackupRefused, match="is not empty"):
        copy_store(settings, Destination(full.url, str(tmp_path / "full" / "media")))
    show_life(home, "host:1", "bot")
    with pytest.raises(BackupRefused, match="Stop bot and workers first"):
        copy_store(settings, there)
    monkeypatch.setattr(copying, "SILENT_SECONDS", 0.0)
    assert copy_store(settings, there).files == 5


@pytest.mark.parametrize("end", ["database", "media"])
def test_a_file_that_stands_in_the_place_is_named_and_kept(
    home: Store, settings: StoreSettings, tmp_path: Path, end: str
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    places = {"database": tmp_path / "new.db", "media": tmp_path / "media"} | {end: tmp_path / "mine.txt"}
    told = {"database": "is no database of SQLite. Name a new file", "media": "is a file. Name a new folder"}
    with pytest.raises(BackupRefused, match=f"mine.txt {told[end]}"):
        copy_store(settings, Destination(f"sqlite:///{places['database']}", str(places["media"])))
    left = {path.name for path in tmp_path.iterdir() if path != settings.data_dir}
    assert "mine.txt" in left and not {"new.db", "media"} & left and (tmp_path / "mine.txt").read_text() == "mine"


def test_nothing_half_written_is_left_in_a_folder(home: Store, settings: StoreSettings, tmp_path: Path) -> None:
    there = Destination(f"sqlite:///{tmp_path / 'there' / 'new.db'}", str(tmp_path / "there" / "media"))

    def leave_a_draft(doing: str, _: int, number: int) -> None:
        if doing == "Copying":
            draft = tmp_path / "there" / "media" / "ab" / ".x.0f.part"
            draft.parent.mkdir(exist_ok=True)
            draft.write_bytes(b"half")

    copy_store(settings, there, leave_a_draft)
    kept = {path.name for path in (tmp_path / "there" / "media").rglob("*") if path.is_file()}
    assert kept == home.media.keys()
