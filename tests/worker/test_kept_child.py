"""The child that stays for the next command: real processes."""

import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from pipeline.pool.selection import Selection
from worker.errors import CannotRun
from worker.kept_child import SOCKET, KeptChild

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
