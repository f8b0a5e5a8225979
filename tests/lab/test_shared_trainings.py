"""Several processes that train together end where one does, also after a kill; what they cannot share is refused."""

import multiprocessing
import signal
import socket
from pathlib import Path

import pytest
import torch

from cli.console import DeskError
from cli.torchrun import check_shared, joined
from lab.pretrain import loop
from pipeline.errors import UnequalShares
from pipeline.training.crew import ALONE, Crew, crew
from pipeline.training.crew import processes as started
from tests.forked import FORKS
from tests.lab.shared_trainings import (
    KILLED_AT,
    KINDS,
    LONG,
    TASKS,
    Work,
    every_kind,
    member,
    to_its_end,
    until_a_kill,
)

Process = multiprocessing.context.ForkServerProcess


def begin(folder: Path, size: int, work: Work) -> list[Process]:
    """Start a crew as `torchrun` does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = [FORKS.Process(target=member, args=(rank, size, port, folder, work)) for rank in range(size)]
    for process in started:
        process.start()
    return started


def ends(members: list[Process]) -> list[int | None]:
    """Their exit codes."""
    for process in members:
        process.join(120)
    return [process.exitcode for process in members]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one process and of two that trained every kind; of the two one was killed at last."""
    folder = tmp_path_factory.mktemp("crews")
    alone, both = begin(folder, 1, lone), begin(folder, 2, until_a_kill)
    assert (ends(alone), ends(both)) == ([0], [0, -signal.SIGKILL])
    return folder


def lone(crew: Crew, folder: Path) -> None:
    """What one process does of all that."""
    every_kind(crew, folder)
    to_its_end(crew, folder)


def apart(folder: Path, name: str, rank: int = 0) -> float:
    """The largest difference of one process's weights and those of one of two."""
    one, other = (torch.load(folder / which / f"{name}.pt") for which in ("0-of-1", f"{rank}-of-2"))
    assert one.keys() == other.keys()
    return max(float((one[key].double() - other[key].double()).abs().max()) for key in one if one[key].numel())


@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_end_where_one_does(ended: Path, kind: str) -> None:
    assert max(apart(ended, kind, rank) for rank in range(2)) < 1e-7


def test_only_the_leader_writes_and_its_log_is_of_the_whole_batch(ended: Path) -> None:
    for kind in TASKS:
        one, leader, other = (ended / which / kind / kind for which in ("0-of-1", "0-of-2", "1-of-2"))
        assert (leader / loop.STATE).exists() and not list(other.glob("*"))
        logs = [
            [{k: v for k, v in line.items() if k != "seconds"} for line in loop.read_log(path)]
            for path in (one, leader)
        ]
        assert len(logs[0]) >= 1
        for alone, together in zip(*logs, strict=True):
            assert together == pytest.approx(alone, abs=2e-5)


def test_a_voice_that_is_taken_up_by_several_processes_is_saved_by_the_leader_alone(ended: Path) -> None:
    assert torch.load(ended / "0-of-2" / "loop" / "training.pt")["step"] == 4
    assert not (ended / "1-of-2" / "loop" / "training.pt").exists()


def test_a_crew_of_which_one_was_killed_stops_and_ends_the_same_once_started_again(ended: Path) -> None:
    lost = (ended / "0-of-2" / "lost").read_text()
    assert lost == "Another process of this training has ended. Start it again: what was saved is taken up."
    state = torch.load(ended / "0-of-2" / "long" / "singers" / loop.STATE)
    assert state["step"] == KILLED_AT
    assert ends(begin(ended, 2, to_its_end)) == [0, 0]
    assert max(apart(ended, "long", rank) for rank in range(2)) < 1e-7
    lines = loop.read_log(ended / "0-of-2" / "long" / "singers")
    assert [line["step"] for line in lines] == list(range(1, LONG.steps + 1))


@pytest.mark.parametrize("kind", TASKS)
def test_a_batch_that_cannot_be_dealt_is_refused_in_one_sentence(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnequalShares, match=r"^A batch of \d cannot be dealt to 3 processes: start as many as divide"):
        task = TASKS[kind](Crew(1, 3), tmp_path)
        task.step(0, torch.Generator())


def test_a_voice_whose_batch_cannot_be_dealt_is_refused_before_anything_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TORCHELASTIC_RUN_ID": "x", "RANK": "0", "WORLD_SIZE": "3"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UnequalShares, match="A batch of 4 cannot be dealt to 3 processes"):
        joined()
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert not joined()  # the first does the job
    with pytest.raises(DeskError, match="cannot share `discovervoice cover`: start it without torchrun"):
        check_shared(["cover", "song.mp3", "anna"])
    check_shared(["pretrain", "content"])
    monkeypatch.delenv("TORCHELASTIC_RUN_ID")
    assert started() == 1 and not joined()  # WORLD_SIZE alone says nothing
    check_shared(["cover", "song.mp3", "anna"])
    with crew(torch.device("cpu")) as members:
        assert members is ALONE
