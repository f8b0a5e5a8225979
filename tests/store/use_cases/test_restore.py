"""A backup is put back whole, over whatever stands there, without what members have had removed since."""

import contextlib
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from store import Clip, Job, JobKind, Store, StoreSettings, StoreUnusable, Voice, open_store, voices
from store.backup import DATABASE, MANIFEST, back_up, sha256_of
from store.database import RESTORING
from store.errors import BackupRefused, StoreNewer
from store.tables import now
from store.use_cases.accept import Requester, save_files
from store.use_cases.basket import add_to_basket, basket_of, remove_notes
from store.use_cases.forget import forget
from store.use_cases.restore import in_service, restore
from store.use_cases.voices import delete_voice

STAYS, GOES = 11, 22


class Interrupted(BaseException):
    """The process is killed."""


@pytest.fixture
def settings(tmp_path: Path) -> StoreSettings:
    return StoreSettings(data_dir=tmp_path / "data")


@pytest.fixture
def backup(settings: StoreSettings, tmp_path: Path) -> Path:
    """Of two members with a voice and a note each."""
    store = open_store(settings)
    for member in (STAYS, GOES):
        add_voice(store, member, f"of {member}")
    store.engine.dispose()
    back_up(settings, tmp_path / "backup")
    return tmp_path / "backup"


def add_voice(store: Store, member: int, name: str) -> int:
    model, index, note = (store.media.put_bytes(f"{name} {kind}".encode()) for kind in ("model", "index", "note"))
    with store.write() as session:
        session.add(job := Job(kind=JobKind.TRAIN, user_id=member))
        session.flush()
        voice = voices.create(session, member, name, None, job.id)
        voices.finish(session, voice, model, index, {})
        session.add(
            Clip(user_id=member, job_id=job.id, media_key=note, name="note", bytes=1, source="x", expires_at=now() + 99)
        )
        return voice.id or 0


def contents(settings: StoreSettings) -> tuple[list[str], list[bytes]]:
    """Names of voices, and all media."""
    store = open_store(settings)
    with store.read() as session:
        names = sorted(voice.name for voice in session.exec(select(Voice)).all())
    media = sorted(store.media.path(key).read_bytes() for key in store.media.keys())  # noqa: SIM118
    store.engine.dispose()
    return names, media


BOTH = (
    ["of 11", "of 22"],
    sorted(f"of {member} {kind}".encode() for member in (STAYS, GOES) for kind in ("model", "index", "note")),
)


def test_into_an_empty_folder(backup: Path, tmp_path: Path) -> None:
    elsewhere = StoreSettings(data_dir=tmp_path / "another machine")
    restored = restore(backup, elsewhere)
    assert (restored.files, restored.removals, restored.aside) == (7, None, None)
    assert contents(elsewhere) == BOTH
    assert not (elsewhere.data_dir / RESTORING).exists()


def test_a_log_that_lies_beside_the_database_is_not_replayed_over_the_restored_one(
    backup: Path, settings: StoreSettings
) -> None:
    store = open_store(settings)
    for number in range(30):
        add_voice(store, STAYS, f"later {number}")
    log = settings.data_dir / f"{DATABASE}-wal"
    killed = log.read_bytes()  # a killed service leaves its log; one that ends does not
    store.engine.dispose()
    log.write_bytes(killed)
    restored = restore(backup, settings, replace=True)
    assert contents(settings) == BOTH and restored.aside is not None
    earlier = StoreSettings(data_dir=restored.aside)
    assert len(contents(earlier)[0]) == 32


def test_a_folder_with_a_service_in_it_is_refused_unless_told(backup: Path, settings: StoreSettings) -> None:
    with pytest.raises(BackupRefused, match=r"holds a service\. Say --replace"):
        restore(backup, settings)
    with in_service(settings.data_dir), pytest.raises(BackupRefused, match="Stop bot and workers first"):
        restore(backup, settings, replace=True)
    assert contents(settings) == BOTH


def test_what_was_removed_since_stays_removed(backup: Path, settings: StoreSettings) -> None:
    store = open_store(settings)
    later = add_voice(store, STAYS, "second")
    delete_voice(store, later, STAYS)
    own = voices.by_name(store.read().__enter__(), STAYS, "of 11")
    assert own is not None and own.id is not None
    delete_voice(store, own.id, STAYS)
    forget(store, GOES)
    store.engine.dispose()
    restored = restore(backup, settings, replace=True)
    assert restored.removals is not None
    assert restored.removals.members == (GOES,) and set(restored.removals.voices) == {(own.id, STAYS), (later, STAYS)}
    assert contents(settings) == ([], [b"of 11 note"])


def test_a_note_that_was_taken_out_of_a_basket_since_stays_out(settings: StoreSettings, tmp_path: Path) -> None:
    store, sounds = open_store(settings), [tmp_path / name for name in ("one.ogg", "two.ogg")]
    for sound in sounds:
        sound.write_bytes(sound.name.encode())
    notes = add_to_basket(
        store, Requester(STAYS), save_files(store, [(sound, sound.name) for sound in sounds]), "command"
    )
    back_up(settings, tmp_path / "copy")
    remove_notes(store, STAYS, [notes[0].id or 0])
    store.engine.dispose()
    restore(tmp_path / "copy", settings, replace=True)
    assert [note.name for note in basket_of(open_store(settings), STAYS)] == ["two.ogg"]
    assert b"one.ogg" not in contents(settings)[1]


def test_a_database_that_cannot_be_read_tells_of_no_removals(backup: Path, settings: StoreSettings) -> None:
    (settings.data_dir / DATABASE).write_bytes(b"no database at all" * 500)
    restored = restore(backup, settings, replace=True)
    assert restored.removals is None and contents(settings) == BOTH


def test_what_two_restores_of_one_second_replace_stays(
    backup: Path, settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.use_cases.restore.now", lambda: 1.8e9)
    aside = [restore(backup, settings, replace=True).aside for _ in range(3)]
    assert [folder.name.removeprefix("replaced-2027-01-15T080000") for folder in aside if folder] == ["", "-2", "-3"]


def test_a_backup_of_a_newer_version_changes_nothing(backup: Path, settings: StoreSettings) -> None:
    with contextlib.closing(sqlite3.connect(backup / DATABASE)) as rows, rows:
        rows.execute("UPDATE alembic_version SET version_num = '9999'")
    manifest = json.loads((backup / MANIFEST).read_text())
    manifest["files"][0] |= {"bytes": (backup / DATABASE).stat().st_size, "sha256": sha256_of(backup / DATABASE)}
    (backup / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(StoreNewer, match=f"^{backup} was written by a newer version"):
        restore(backup, settings, replace=True)
    assert contents(settings) == BOTH


def test_a_damaged_backup_changes_nothing(backup: Path, settings: StoreSettings) -> None:
    next((backup / "media").glob("*/*")).write_bytes(b"rotten")
    with pytest.raises(BackupRefused, match="missing or damaged"):
        restore(backup, settings, replace=True)
    assert contents(settings) == BOTH


def test_killed_anywhere_it_is_typed_again(
    backup: Path, settings: StoreSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before each move of a file or folder; until it is typed again, nothing opens the folder."""
    move = shutil.move
    shutil.copytree(settings.data_dir, tmp_path / "before")
    for killed_at in range(6):
        shutil.rmtree(settings.data_dir)
        shutil.copytree(tmp_path / "before", settings.data_dir)
        store = open_store(settings)
        forget(store, GOES)
        store.engine.dispose()
        moves = 0

        def killed(*arguments: Any, killed_at: int = killed_at) -> None:
            nonlocal moves
            if moves == killed_at:
                raise Interrupted
            moves += 1
            move(*arguments)

        monkeypatch.setattr("store.use_cases.restore.shutil.move", killed)
        try:
            restore(backup, settings, replace=True)
        except Interrupted:
            with pytest.raises(StoreUnusable, match="a restore was interrupted, so type it again"):
                open_store(settings)
            monkeypatch.setattr("store.use_cases.restore.shutil.move", move)
            restored = restore(backup, settings, replace=True)
            assert restored.removals is not None and restored.removals.members == (GOES,)
        assert contents(settings) == (["of 11"], [f"of 11 {kind}".encode() for kind in ("index", "model", "note")])
    assert moves < 6
