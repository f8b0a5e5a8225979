"""The desk and its database: what cannot be used is one sentence, and what is written is its user's alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.main import guarded
from store import Store
from store.tables import Audit
from tests.cli.conftest import Desk
from tests.store.test_damage import FAULTS, database, erase


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("command", [("songs", "list"), ("worker",)])
def test_a_database_that_cannot_be_used_is_one_sentence(desk: Desk, fault: str, command: tuple[str, ...]) -> None:
    harm, _, _ = FAULTS[fault]
    desk.data.mkdir()
    harm(database(desk.data))
    assert str(desk.data / "discovervoice.db") in desk.refused(*command)


def test_damage_that_is_met_later_is_one_sentence(desk: Desk) -> None:
    desk.data.mkdir()
    erase(database(desk.data), "ix_song_guild_id")
    assert "restore the last backup" in desk.refused("songs", "list")


@pytest.mark.parametrize("command", [("status",), ("doctor", "--rebuild")])
def test_damage_is_one_sentence_where_the_database_is_not_opened_for_work(desk: Desk, command: tuple[str, ...]) -> None:
    desk.data.mkdir()
    path = database(desk.data)
    path.write_bytes(path.read_bytes()[:50_000])
    assert f"{path} is damaged: " in desk.refused(*command)


def test_a_full_disk_is_said_of_the_database_too(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    def fill() -> None:
        with store.write() as session:
            pages = session.connection().exec_driver_sql("PRAGMA page_count").scalar()
            session.connection().exec_driver_sql(f"PRAGMA max_page_count={pages}")
            session.add(Audit(user_id=1, action="x" * 100_000))

    with pytest.raises(SystemExit) as end:
        guarded(fill)
    assert end.value.code == 2 and "disk is full" in capsys.readouterr().err


def put_song(data: Path, song: Path) -> None:
    """Add a song in a process of its own, whose user lets others read new files."""
    command = [sys.executable, "-m", "cli.main", "songs", "add", str(song)]
    environment = {**os.environ, "DATA_DIR": str(data)}
    subprocess.run(command, env=environment, check=True, capture_output=True, preexec_fn=lambda: os.umask(0o022))


def open_to_others(folder: Path) -> list[str]:
    return [str(path) for path in (folder, *folder.rglob("*")) if path.stat().st_mode & 0o077]


def test_nothing_that_is_written_can_be_read_by_others(tmp_path: Path, short_song: Path) -> None:
    put_song(tmp_path / "data", short_song)
    assert (tmp_path / "data" / "media").is_dir() and open_to_others(tmp_path / "data") == []


def test_what_an_earlier_version_left_open_is_closed(desk: Desk, tmp_path: Path) -> None:
    desk.store().engine.dispose()
    for name in ("media", "cache", "work"):
        (desk.data / name).mkdir(exist_ok=True)
    for path in desk.data.iterdir():
        path.chmod(0o755)
    desk("songs", "list")
    assert [Path(name).name for name in open_to_others(desk.data) if name != str(desk.data)] in ([], [".migrate.lock"])
