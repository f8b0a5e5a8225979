"""Processes that train one network together: each takes its rows of every batch, and their gradients are averaged.

`torchrun` starts them and says in the environment who each is (RANK, WORLD_SIZE, LOCAL_RANK). All draw the same batch
and the same random numbers, so that any number of them ends with the same weights. Only the leader writes files.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, nn

from models.draws import SharedGenerator
from pipeline.errors import CrewLost, UnequalShares

Value = TypeVar("Value")
PATIENCE = timedelta(days=7)
"""How long one waits for another that lives: the leader may have hours of sound to listen to."""


@dataclass(frozen=True)
class Crew:
    """One process of several; alone by default. Whatever waits for the others raises CrewLost if one has ended."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files."""
        return self.rank == 0

    def check(self, batch: int) -> None:
        """Raise UnequalShares if a batch of this size cannot be dealt equally."""
        if batch % self.size:
            raise UnequalShares(batch=batch, processes=self.size)

    def share(self, batch: Tensor) -> Tensor:
        """Of a batch (B, …) the rows of this process: (B / size, …). Raises UnequalShares."""
        self.check(len(batch))
        return batch[self.rank :: self.size]

    def generator(self, seed: int) -> torch.Generator:
        """The random numbers of a step, the same in every process."""
        generator = SharedGenerator()
        generator.rank, generator.size = self.rank, self.size
        return generator.manual_seed(seed)

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace the gradients by their mean over all processes."""
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        if self.size > 1 and gradients:
            flat = _summed(torch.cat([gradient.flatten() for gradient in gradients])) / self.size
            parts = torch.split(flat, [gradient.numel() for gradient in gradients])
            for gradient, part in zip(gradients, parts, strict=True):
                gradient.copy_(part.view_as(gradient))

    def total(self, part: Tensor) -> Tensor:
        """The sum over all processes, with this part's gradient. What is averaged later is `size` times that."""
        if self.size == 1:
            return part
        return _summed(part.detach().clone()) + self.size * (part - part.detach())

    def weighted(self, mean: Tensor, weight: Tensor) -> Tensor:
        """The mean over all processes of what each has the mean of, with its weight: masked frames, known labels."""
        return mean if self.size == 1 else self.total(mean * weight) / self.total(weight)

    def norm(self, part: Tensor) -> Tensor:
        """The Euclidean norm of all processes' parts together."""
        return torch.linalg.norm(part) if self.size == 1 else self.total(part.square().sum()).sqrt()

    def mean(self, numbers: dict[str, float]) -> dict[str, float]:
        """The mean of each over all processes, which must name the same."""
        if self.size == 1 or not numbers:
            return numbers
        means = _summed(torch.tensor(list(numbers.values()), dtype=torch.float64)) / self.size
        return dict(zip(numbers, means.tolist(), strict=True))

    def by_leader(self, compute: Callable[[], Value]) -> Value:
        """What the leader computes, in every process; the others wait for it."""
        told: list[Any] = [compute() if self.leads else None]
        if self.size > 1:
            with _together():
                distributed.broadcast_object_list(told)
        value: Value = told[0]
        return value

    @contextmanager
    def leader_first(self) -> Iterator[None]:
        """What the leader does before the others: they read what it has written."""
        if not self.leads:
            self.wait()
        yield
        if self.leads:
            self.wait()

    def wait(self) -> None:
        """Until every process is here."""
        if self.size > 1:
            with _together():
                distributed.barrier()


ALONE = Crew()


@contextmanager
def crew(device: torch.device) -> Iterator[Crew]:
    """The crew that `torchrun` started, else one process alone. Raises CrewLost: another one has ended."""
    size = processes()
    if size == 1:
        yield ALONE
        return
    if device.index is not None:
        torch.cuda.set_device(device)
    with _together():
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    try:
        members = Crew(distributed.get_rank(), size)
        yield members
        members.wait()  # nobody leaves before the leader has written
    finally:
        distributed.destroy_process_group()


def processes() -> int:
    """How many `torchrun` started; 1 without it."""
    return int(os.environ["WORLD_SIZE"]) if "TORCHELASTIC_RUN_ID" in os.environ else 1


def own_device(device: torch.device) -> torch.device:
    """The GPU of this process of several on one machine, if GPUs are used."""
    if device.type == "cuda" and "LOCAL_RANK" in os.environ:
        return torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    return device


def _summed(part: Tensor) -> Tensor:
    """The sum over all processes, in place where they exchange on the part's device."""
    nccl = distributed.get_backend() == "nccl"
    whole = part.cuda() if nccl else part
    with _together():
        distributed.all_reduce(whole)
    return whole.to(part.device)


@contextmanager
def _together() -> Iterator[None]:
    """Raise CrewLost where a process that was waited for has ended."""
    try:
        yield
    except RuntimeError as error:
        raise CrewLost from error
