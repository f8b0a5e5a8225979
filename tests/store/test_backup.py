"""A backup of a running service is whole, holds what was written, and says what it cannot copy."""

import contextlib
import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from files.disk import DiskFull
from store import Job, JobKind, Store, StoreSettings, open_store
from store.backup import DATABASE, MANIFEST, back_up, read_backup, sha256_of
from store.errors import BackupRefused
from store.integrity import ALONE, integrity


@pytest.fixture
def settings(tmp_path: Path) -> StoreSettings:
    return StoreSettings(data_dir=tmp_path / "data of somebody")


@pytest.fixture
def store(settings: StoreSettings) -> Store:
    opened = open_store(settings)
    opened.media.put_bytes(b"a note", ".ogg")
    opened.media.put_bytes(b"a song", ".mp3")
    return opened


def add_job(store: Store) -> str:
    with store.write() as session:
        session.add(job := Job(kind=JobKind.MATCH, user_id=1))
    return job.id


def jobs_in(database: Path) -> set[str]:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return {row[0] for row in connection.execute("SELECT id FROM job")}


def test_it_holds_what_still_lies_in_the_write_ahead_log(store: Store, settings: StoreSettings, tmp_path: Path) -> None:
    with contextlib.closing(store.engine.raw_connection()) as held:
        held.execute("BEGIN").execute("SELECT 1 FROM job").fetchall()  # no checkpoint
        added = {add_job(store) for _ in range(3)}
        manifest = back_up(settings, tmp_path / "backup")
    assert jobs_in(tmp_path / "backup" / DATABASE) == added
    assert sorted(path.name for path in (tmp_path / "backup").iterdir()) == [DATABASE, MANIFEST, "media"]
    assert len(manifest.files) == 3 and read_backup(tmp_path / "backup") == manifest
    for file in manifest.files:
        assert sha256_of(tmp_path / "backup" / file.name) == file.sha256
    for key in store.media.keys():  # noqa: SIM118
        copy = tmp_path / "backup" / "media" / key[:2] / key
        assert copy.read_bytes() == store.media.path(key).read_bytes()
        assert copy.stat().st_mtime == store.media.path(key).stat().st_mtime


def test_a_file_that_is_no_longer_what_was_stored_is_left_out_and_named(
    store: Store, settings: StoreSettings, tmp_path: Path
) -> None:
    key = store.media.put_bytes(b"will rot")
    store.media.path(key).write_bytes(b"has rotten")
    manifest = back_up(settings, tmp_path / "backup")
    assert manifest.damaged == (key,) and len(manifest.files) == 3
    assert not list((tmp_path / "backup").rglob(key))


def test_a_target_that_is_not_new_and_a_folder_without_a_database_are_refused(
    store: Store, settings: StoreSettings, tmp_path: Path
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(BackupRefused, match=r"full is not empty\. Name a new folder\."):
        back_up(settings, tmp_path / "full")
    with pytest.raises(BackupRefused, match=r"mine\.txt is a file\. Name a new folder\."):
        back_up(settings, tmp_path / "full" / "mine.txt")
    assert (tmp_path / "full" / "mine.txt").read_text() == "mine"
    with pytest.raises(BackupRefused, match=r"There is no database .*Check DATA_DIR and DATABASE_URL\."):
        back_up(StoreSettings(data_dir=tmp_path / "empty"), tmp_path / "backup")
    for name in ("cache/today", "media", "work/x/y"):
        with pytest.raises(BackupRefused, match=r"lies where the service tidies up\. Name a new folder outside of "):
            back_up(settings, settings.data_dir / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data of somebody", "full"]
    (tmp_path / "empty").mkdir()
    assert back_up(settings, tmp_path / "empty").files


def test_a_damaged_database_is_not_backed_up(store: Store, settings: StoreSettings, tmp_path: Path) -> None:
    store.engine.dispose()
    database = settings.data_dir / DATABASE
    bytes_ = bytearray(database.read_bytes())
    for page in range(4096, len(bytes_), 8192):
        bytes_[page : page + 64] = bytes(64)
    database.write_bytes(bytes_)
    with pytest.raises(BackupRefused, match=r"(damaged|cannot be copied)"):
        back_up(settings, tmp_path / "backup")
    assert [path.name for path in tmp_path.iterdir()] == ["data of somebody"]


def test_a_full_disk_leaves_nothing(
    store: Store, settings: StoreSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("store.backup.shutil.copystat", full)
    with pytest.raises(DiskFull):
        back_up(settings, tmp_path / "backup")
    assert [path.name for path in tmp_path.iterdir()] == ["data of somebody"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("no manifest", "is no whole backup"),
        ("half a manifest", "is no whole backup"),
        ("a later format", "was made by another version"),
        ("no time", "is no whole backup"),
        ("a time that cannot be", "is no whole backup"),
        ("a name outside", "is no backup of ours"),
        ("a changed file", "is missing or damaged"),
        ("a missing file", "is missing or damaged"),
        ("a damaged database", "database .* is missing or damaged"),
    ],
)
def test_what_is_not_whole_is_refused(
    change: str, sentence: str, store: Store, settings: StoreSettings, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    back_up(settings, backup)
    stored = json.loads((backup / MANIFEST).read_text())
    media = next((backup / "media").rglob("*.ogg"))
    match change:
        case "no manifest":
            (backup / MANIFEST).unlink()
        case "half a manifest":
            (backup / MANIFEST).write_bytes((backup / MANIFEST).read_bytes()[:200])
        case "a later format":
            (backup / MANIFEST).write_text(json.dumps({**stored, "format": 2}))
        case "no time":
            (backup / MANIFEST).write_text(json.dumps({**stored, "made_at": float("nan")}))
        case "a time that cannot be":
            (backup / MANIFEST).write_text(json.dumps({**stored, "made_at": 1e300}))
        case "a name outside":
            stored["files"][0]["name"] = "../somewhere"
            (backup / MANIFEST).write_text(json.dumps(stored))
        case "a changed file":
            media.write_bytes(b"a nota")
        case "a missing file":
            media.unlink()
        case "a damaged database":
            whole = (backup / DATABASE).read_bytes()
            (backup / DATABASE).write_bytes(whole[:4096] + bytes(4096) + whole[8192:])
            stored["files"][0]["sha256"] = sha256_of(backup / DATABASE)
            (backup / MANIFEST).write_text(json.dumps(stored))
    with pytest.raises(BackupRefused, match=sentence):
        read_backup(backup)


def test_a_log_beside_a_database_is_not_read_as_part_of_a_backup(store: Store, tmp_path: Path) -> None:
    add_job(store)
    database = tmp_path / "alone.db"
    with contextlib.closing(sqlite3.connect(database)) as made:
        made.execute("CREATE TABLE a (b)")
    shutil.copy(store.data_dir / f"{DATABASE}-wal", tmp_path / "alone.db-wal")
    assert integrity(database, ALONE).sound
