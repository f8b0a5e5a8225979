"""`discovervoice backup` and `restore` as an operator types them."""

import sqlite3
from pathlib import Path

from store import StoreSettings, open_store
from store.use_cases.forget import forget
from store.use_cases.restore import in_service
from tests.cli.conftest import Desk


def test_a_backup_is_made_and_put_back(desk: Desk, tmp_path: Path) -> None:
    store = desk.store()
    key = store.media.put_bytes(b"a [bold]song", ".mp3")
    forget(store, 5)
    said = desk("backup", tmp_path / "kept")
    megabytes = sum(file.stat().st_size for file in (tmp_path / "kept").rglob("*") if file.is_file()) / 1e6
    assert f"{tmp_path}/kept: 2 files, {megabytes:.1f} MB. It holds members' voices: keep it private" in said
    assert "is not empty. Name a new folder." in desk.refused("backup", tmp_path / "kept")
    store.media.delete(key)
    forget(store, 7)
    assert "Say --replace to set it aside." in desk.refused("restore", tmp_path / "kept")
    with in_service(desk.data):
        assert "Stop bot and workers first." in desk.refused("restore", tmp_path / "kept", "--replace")
    store.engine.dispose()
    said = desk("restore", tmp_path / "kept", "--replace")
    assert "Restored 2 files of 20" in said and "everything of 1 member, 0 voices" in said
    aside = next(desk.data.glob("replaced-*"))
    assert f"What was there before is in {aside}." in said
    assert desk.store().media.path(key).read_bytes() == b"a [bold]song"
    with sqlite3.connect(desk.data / "discovervoice.db") as rows:
        assert rows.execute("SELECT user_id FROM audit ORDER BY id").fetchall() == [(5,), (7,)]


def test_what_is_no_backup_is_one_sentence(desk: Desk, tmp_path: Path) -> None:
    assert "There is no database" in desk.refused("backup", tmp_path / "kept")
    assert desk.refused("restore", tmp_path).endswith("cannot be read. Name a folder that `discovervoice backup` made.")
    assert not desk.data.exists() or not (desk.data / "discovervoice.db").exists()


def test_an_installation_is_copied_and_opens_where_it_was_copied_to(desk: Desk, tmp_path: Path) -> None:
    store = desk.store()
    key = store.media.put_bytes(b"a [bold]song", ".mp3")
    forget(store, 5)
    store.engine.dispose()
    words = ("store", "copy", "--to-media", tmp_path / "new" / "media", "--to-database")
    said = desk(*words, f"sqlite:///{tmp_path}/new/discovervoice.db")
    assert "1 row and 1 file, 0.0 MB are there, compared row for row and file for file." in said
    copy = open_store(StoreSettings(data_dir=tmp_path / "new"))
    assert copy.media.path(key).read_bytes() == b"a [bold]song"
    copy.engine.dispose()
    assert "is not empty. Name new ones." in desk.refused(*words, f"sqlite:///{tmp_path}/new/discovervoice.db")
    assert "--to-database is no address that works. Give one such" in desk.refused(*words, "mysql://host/x")
