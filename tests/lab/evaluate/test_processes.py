"""Work that processes share: each opens once, all is found, and a process that dies is one sentence."""

import os

import pytest

from lab.errors import ProcessLost
from lab.evaluate.processes import in_processes


def opening() -> list[int]:
    return []


def work(item: int, tool: list[int]) -> tuple[int, int, int]:
    """The item, this process, and how many items it had before."""
    if item < 0:
        os._exit(9)
    if item > 100:
        raise ValueError(f"{item} is too much")
    tool.append(item)
    return item, os.getpid(), len(tool)


def test_each_process_opens_once_and_nothing_is_lost() -> None:
    made = list(in_processes(2, opening, work, range(12)))
    assert sorted(item for item, _, _ in made) == list(range(12))
    shares = {process: sum(1 for _, other, _ in made if other == process) for _, process, _ in made}
    assert os.getpid() not in shares and {process: most for _, process, most in sorted(made)} == shares


def test_an_error_arrives_and_a_lost_process_is_one_sentence() -> None:
    with pytest.raises(ValueError, match="101 is too much"):
        list(in_processes(1, opening, work, [101]))
    with pytest.raises(ProcessLost, match=r"has died.*fewer --workers: it goes on where it was"):
        list(in_processes(1, opening, work, [-1]))
