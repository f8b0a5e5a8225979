"""A file appears whole or not at all, and a full disk is one error."""

import errno
import fcntl
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from files.atomic import atomic_write, drafts, remove_abandoned
from files.disk import DiskFull, Sink, disk_full


def test_a_file_appears_whole_under_its_name(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    with atomic_write(target) as file:
        file.write(b"new")
        assert not target.exists() and len(list(tmp_path.iterdir())) == 1
    assert target.read_bytes() == b"new" and list(tmp_path.iterdir()) == [target]


def test_an_exception_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), atomic_write(target) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert target.read_bytes() == b"old" and list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_no_space_is_one_error_with_its_sentence(tmp_path: Path, number: int) -> None:
    with pytest.raises(DiskFull, match=r"^The machine's disk is full,") as caught, atomic_write(tmp_path / "a"):
        raise OSError(number, os.strerror(number))
    assert isinstance(caught.value, OSError) and caught.value.code == "disk_full" and not list(tmp_path.iterdir())


def test_another_refusal_stays_what_it_is() -> None:
    with pytest.raises(PermissionError), disk_full():
        raise PermissionError(errno.EACCES, "no")


def test_a_full_disk_inside_a_full_disk_is_the_same_error() -> None:
    first = DiskFull()
    with pytest.raises(DiskFull) as caught, disk_full():
        raise first
    assert caught.value is first


class Full(io.BytesIO):
    """A file whose disk is full after four bytes."""

    def write(self, data: bytes) -> int:  # type: ignore[override]
        if self.tell() + len(data) > 4:
            raise OSError(errno.ENOSPC, "no space")
        return super().write(data)


def test_a_sink_keeps_the_first_refusal_and_swallows_the_rest() -> None:
    file = Full()
    sink = Sink(file)
    assert sink.write(b"1234") == 4 and sink.error is None
    assert sink.write(b"5") == 1 and sink.write(b"6") == 1
    assert sink.error is not None and sink.error.errno == errno.ENOSPC and file.getvalue() == b"1234"


def test_a_killed_writers_draft_is_known_as_one(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a.bin"):
        (draft,) = drafts(tmp_path)
        assert draft.name.startswith(".a.bin.")
    assert list(drafts(tmp_path)) == []


WRITER = """
import sys, time
from pathlib import Path
from files.atomic import atomic_write
with atomic_write(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    print("writing", flush=True)
    time.sleep(600)
"""


@contextmanager
def writing(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that is at it."""
    with subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == "writing\n"
        try:
            yield writer
        finally:
            writer.kill()


def test_the_draft_of_a_killed_process_goes_and_that_of_a_living_one_stays(tmp_path: Path) -> None:
    with writing(tmp_path / "lives.bin"):
        with writing(tmp_path / "dies.bin") as dying:
            dying.kill()
        (tmp_path / "whole.bin").write_bytes(b"whole")
        assert remove_abandoned(tmp_path) == 1
        (draft,) = drafts(tmp_path)
        assert draft.name.startswith(".lives.bin.") and draft.read_bytes() == b"half"
        assert (tmp_path / "whole.bin").exists()
    assert remove_abandoned(tmp_path) == 1 and list(drafts(tmp_path)) == []


def test_what_is_cleared_while_it_is_written_still_appears(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a.bin") as file:
        file.write(b"new")
        file.close()  # as some encoders do
        assert remove_abandoned(tmp_path) == 0
    assert (tmp_path / "a.bin").read_bytes() == b"new"


def test_a_draft_that_is_cleared_before_it_is_locked_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = fcntl.flock
    cleared: list[int] = []

    def late(descriptor: int, operation: int) -> None:
        if operation == fcntl.LOCK_EX and not cleared:
            cleared.append(remove_abandoned(tmp_path))
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    with atomic_write(tmp_path / "a.bin") as file:
        file.write(b"new")
    assert cleared == [1] and (tmp_path / "a.bin").read_bytes() == b"new" and len(list(tmp_path.iterdir())) == 1
