"""The child that stays for the next command: real processes."""

import errno
import os
import resource
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from pipeline.pool.selection import Selection
from worker.errors import CannotRun
from worker.kept_child import LOCK, SOCKET, KeptChild, can_be_kept, signature_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

NewChild = Callable[..., KeptChild]


@pytest.fixture
async def new_child(tmp_path: Path) -> AsyncIterator[NewChild]:
    """Makes children of one data folder; every process of theirs is gone afterwards."""
    children, numbers = list[KeptChild](), set[int]()

    def make(selection: Selection = Selection(), seconds: float = 60.0) -> KeptChild:
        children.append(child := KeptChild("cpu", 1, selection, tmp_path / "desk", seconds))
        start = child.start

        def started() -> None:
            start()
            numbers.add(child.pid or 0)

        child.start = started  # type: ignore[method-assign]
        return child

    yield make
    for child in children:
        child.kill()
        child.leave()
    for number in numbers:
        with suppress(ProcessLookupError):
            os.kill(number, 9)


def runs(number: int) -> bool:
    """Whether the process is there, and not merely unburied."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(number: int, seconds: float = 20.0) -> bool:
    """Whether the process ends within so many seconds."""
    deadline = time.monotonic() + seconds
    while runs(number) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not runs(number)


def left(number: int, folder: Path, seconds: float = 20.0) -> Path:
    """The working folder of the process, another than this one within so many seconds."""
    place, deadline = Path(f"/proc/{number}/cwd"), time.monotonic() + seconds
    while place.readlink() == folder and time.monotonic() < deadline:
        time.sleep(0.05)
    return place.readlink()


async def test_the_next_command_has_the_same_process_and_one_beside_it_another(new_child: NewChild) -> None:
    first = new_child()
    told, number = await first.ready(able=False), first.pid
    assert number is not None
    beside = new_child()
    beside.start()
    assert beside.pid != number
    beside.leave()
    assert not runs(beside.pid or 0) and runs(number)
    first.leave()
    second = new_child()
    assert await second.ready(able=False) == told and second.pid == number
    second.kill()
    assert gone(number)
    assert await second.ready(able=False) == told and second.pid != number


async def test_it_ends_where_another_is_asked_for_and_after_a_while(
    new_child: NewChild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = new_child()
    await first.ready(able=False)
    number = first.pid or 0
    first.leave()
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    other = new_child(seconds=0.3)
    await other.ready(able=False)
    assert other.pid != number and gone(number)
    place, number = tmp_path / "desk" / SOCKET, other.pid or 0
    assert place.is_socket()
    other.leave()
    assert gone(number) and not place.exists()


async def test_it_ends_with_a_command_that_ends_in_the_middle(new_child: NewChild) -> None:
    child = new_child()
    child.start()  # and loads for seconds
    number = child.pid or 0
    child.leave()
    assert gone(number)


async def test_what_is_missing_is_told_and_nothing_stays(new_child: NewChild, tmp_path: Path) -> None:
    child = new_child(Selection(separator="htdemucs", weights=tmp_path))
    with pytest.raises(CannotRun, match="models pull htdemucs"):
        await child.ready()
    assert child.pid is None and not (tmp_path / "desk" / SOCKET).exists()


async def test_nothing_of_the_working_folder_is_imported(
    new_child: NewChild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)
    assert (await new_child().ready(able=False)).device


async def test_it_holds_no_file_that_its_command_inherited_and_no_folder_busy(new_child: NewChild) -> None:
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    first = new_child()
    await first.ready(able=False)
    os.close(writing)
    assert os.read(reading, 1) == b""  # else it would wait
    os.close(reading)
    number, here = first.pid or 0, Path.cwd()
    assert Path(f"/proc/{number}/cwd").readlink() == here
    first.leave()
    assert left(number, here) == Path("/")
    second = new_child()
    await second.ready(able=False)
    assert second.pid == number and Path(f"/proc/{number}/cwd").readlink() == here


async def test_one_of_another_user_is_told_nothing_and_not_believed(
    new_child: NewChild, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = new_child()
    await first.ready(able=False)
    number = first.pid or 0
    first.leave()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    second = new_child()
    await second.ready(able=False)
    assert second.pid != number


async def test_where_the_lock_cannot_be_had_a_command_has_a_child_of_its_own(
    new_child: NewChild, tmp_path: Path
) -> None:
    (tmp_path / "desk" / LOCK).mkdir(parents=True)  # as for a user beside a file of root's: even root cannot open it
    child = new_child()
    await child.ready(able=False)
    number = child.pid or 0
    child.leave()
    assert gone(number) and not (tmp_path / "desk" / SOCKET).exists()


def test_bounds_and_settings_of_a_command_are_its_childs(tmp_path: Path) -> None:
    selection = Selection(weights=tmp_path)
    first = signature_of("cpu", 1, selection, 60.0)
    assert signature_of("cpu", 1, selection, 60.0) == first
    assert signature_of("cpu", 1, selection, 30.0) != first
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft - 1, hard))
    try:
        assert signature_of("cpu", 1, selection, 60.0) != first
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    processors = os.sched_getaffinity(0)
    if len(processors) > 1:
        os.sched_setaffinity(0, {min(processors)})
        try:
            assert signature_of("cpu", 1, selection, 60.0) != first
        finally:
            os.sched_setaffinity(0, processors)


def test_a_kernel_that_knows_no_processes_by_descriptors_keeps_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(number: int) -> int:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    assert can_be_kept()
    monkeypatch.setattr(os, "pidfd_open", refused)
    assert not can_be_kept()


def test_of_a_command_that_was_killed_it_says_nothing() -> None:
    words = """
from multiprocessing import Pipe
from worker.kept_process import attended
ours, commands = Pipe()
commands.close()
with attended(ours):
    ours.send("progress")
"""
    ended = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", "")
