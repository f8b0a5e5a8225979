"""Files by their content: kept once, never half-written, whatever their name was."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from store import FileDamaged, NotFound, Store

FULL_DISK = """
import resource, sys
from pathlib import Path
from store.media_folder import MediaFolder
from files.disk import DiskFull
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    MediaFolder(Path(sys.argv[1])).put_bytes(b"x" * 5000, ".ogg")
except DiskFull as error:
    print(error)
"""


def test_equal_content_is_one_file_under_its_hash(store: Store, tmp_path: Path) -> None:
    key = store.media.put_bytes(b"sound", "note.OGG")
    copy = tmp_path / "other.ogg"
    copy.write_bytes(b"sound")
    assert key == store.media.put_file(copy) == hashlib.sha256(b"sound").hexdigest() + ".ogg"
    assert store.media.path(key).read_bytes() == b"sound"
    assert store.media.keys() == {key}


@pytest.mark.parametrize("name", ["../../etc/passwd", "노래 🎤.mp3", "a/../b.wav", "x" * 300, ".ogg/../../x", "a.b c"])
def test_a_hostile_name_stays_inside_the_folder(store: Store, name: str) -> None:
    key = store.media.put_bytes(b"sound", name)
    assert store.media.path(key).resolve().is_relative_to(store.media.root.resolve())
    assert len(list(store.media.root.rglob("*"))) == 2  # its folder and the file


@pytest.mark.parametrize("key", ["../x", "", "0" * 63, "/etc/passwd", "0" * 64 + "/../x"])
def test_a_key_that_is_none_finds_nothing(store: Store, key: str) -> None:
    with pytest.raises(NotFound):
        store.media.path(key)


def test_a_full_disk_leaves_nothing_and_says_so(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, text=True, check=True)
    assert "disk is full" in done.stdout
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_file_that_is_no_longer_what_was_stored_is_not_worked_on(store: Store) -> None:
    key = store.media.put_bytes(b"sound", ".ogg")
    assert store.media.checked(key, "note.ogg") == store.media.path(key)
    store.media.path(key).write_bytes(b"sounD")
    with pytest.raises(FileDamaged, match=r"^note\.ogg is damaged"):
        store.media.checked(key, "note.ogg")


def test_a_file_and_its_folders_are_on_the_disk_before_its_key_is_known(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    path = store.media.path(store.media.put_bytes(b"sound", ".ogg"))
    parents = [str(folder.resolve()) for folder in (path.parent, path.parent.parent, store.data_dir)]
    assert set(parents) < set(synced) and any(".part" in name for name in synced)
    synced.clear()
    store.media.put_bytes(b"sound", ".ogg")  # another process may have renamed it a moment ago
    assert synced == parents[:1]
