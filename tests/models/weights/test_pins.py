"""The record of hashes holds what was hashed, even if a file is replaced meanwhile."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from models.weights import integrity, pins

OLD, NEW = b"old weights", b"newer weights"
KEY = "model/weights.bin"


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "weights.bin").write_bytes(OLD)
    return tmp_path / "weights.bin"


def during_the_hash(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """Somebody else comes between the content and what is recorded of it."""
    digest = integrity.digest

    def changed(path: Path) -> str:
        sha256_before = digest(path)
        monkeypatch.setattr(integrity, "digest", digest)
        change()
        return sha256_before

    monkeypatch.setattr(integrity, "digest", changed)


def test_a_file_that_is_replaced_during_the_hash_is_hashed_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    during_the_hash(monkeypatch, lambda: path.write_bytes(NEW))
    assert pins.sha256_of(path.parent, KEY, path) == sha256(OLD)
    assert pins.read(path.parent) == {}
    assert pins.sha256_of(path.parent, KEY, path) == sha256(NEW)
    assert pins.read(path.parent)[KEY].sha256 == sha256(NEW)


def test_what_was_seen_is_not_given_the_time_of_another_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pins.sha256_of(path.parent, KEY, path)
    os.utime(path, ns=(1, 1))

    def swap() -> None:
        path.write_bytes(b"OLD WEIGHTS")  # as long as the old one
        os.utime(path, ns=(2, 2))

    during_the_hash(monkeypatch, swap)
    pins.sha256_of(path.parent, KEY, path)
    assert pins.sha256_of(path.parent, KEY, path) == sha256(b"OLD WEIGHTS")


def test_what_a_pull_recorded_meanwhile_stays(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pulled = pins.from_download(path, sha256(NEW), "https://models.example/weights.bin", accepted=True)
    during_the_hash(monkeypatch, lambda: pins.record(path.parent, KEY, pulled))
    pins.sha256_of(path.parent, KEY, path)
    assert pins.read(path.parent)[KEY] == pulled


def test_the_time_is_that_from_before_the_hash(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.utime(path, ns=(1, 1))
    during_the_hash(monkeypatch, lambda: os.utime(path, ns=(2, 2)))
    seen = pins.hash_now(path)
    assert (seen.sha256, seen.mtime_ns) == (sha256(OLD), 1) and not pins.unchanged(path, seen)
