"""A kill costs no step: what resumes ends where an uninterrupted training ends."""

from pathlib import Path

import pytest
import torch
from torch import nn

from lab.pretrain import loop
from lab.pretrain.config import Schedule, with_steps


class Line:
    """Fits a line through noisy points."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.network = nn.Linear(3, 1)
        self.modules = {"network": self.network}
        self.optimizers = {"adam": torch.optim.Adam(self.network.parameters(), 0.05)}

    def step(self, number: int, generator: torch.Generator) -> dict[str, float]:
        x = torch.randn(16, 3, generator=generator)
        loss = (self.network(x) - x.sum(1, keepdim=True)).square().mean()
        self.optimizers["adam"].zero_grad()
        torch.autograd.backward(loss)
        self.optimizers["adam"].step()
        return {"square": float(loss.detach())}

    def validate(self) -> dict[str, float]:
        return {"square": float((self.network(torch.eye(3)) - 1).square().mean().detach())}


SCHEDULE = Schedule(steps=60, log_every=10, validate_every=20)


def test_it_learns_and_logs(tmp_path: Path) -> None:
    assert loop.run(Line(), tmp_path, SCHEDULE) == 60
    lines = loop.read_log(tmp_path)
    assert [line["step"] for line in lines] == [10, 20, 30, 40, 50, 60]
    assert lines[-1]["square"] < 0.2 * lines[0]["square"]
    assert [line["step"] for line in lines if "held_out_square" in line] == [20, 40, 60]


def test_what_was_killed_ends_with_the_same_weights_and_log(tmp_path: Path) -> None:
    whole, killed = Line(), Line()
    loop.run(whole, tmp_path / "whole", SCHEDULE)
    loop.run(killed, tmp_path / "killed", with_steps(SCHEDULE, 20))

    class Killed(Exception):
        pass

    def die(stage: str, fraction: float) -> None:
        if fraction >= 45 / 60:  # 25 steps and two log lines after the last save
            raise Killed

    with pytest.raises(Killed):
        loop.run(killed, tmp_path / "killed", SCHEDULE, die)
    again = Line()
    assert loop.run(again, tmp_path / "killed", SCHEDULE) == 60
    assert torch.equal(again.network.weight, whole.network.weight)
    losses = [[line["square"] for line in loop.read_log(tmp_path / name)] for name in ("whole", "killed")]
    assert losses[0] == losses[1]


def test_seconds_are_a_limit_over_all_attempts(tmp_path: Path) -> None:
    schedule = Schedule(steps=10**9, seconds=0.05)
    first = loop.run(Line(), tmp_path, schedule)
    assert 0 < first < 10**6
    assert loop.run(Line(), tmp_path, schedule) == first


def test_nothing_half_written_stays(tmp_path: Path) -> None:
    loop.run(Line(), tmp_path, SCHEDULE)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.jsonl", "state.pt"]
