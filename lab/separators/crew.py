"""Processes that train one network together: each takes its share of every batch, and their gradients are averaged.

`torchrun` starts them and says in the environment who each is (RANK, WORLD_SIZE, LOCAL_RANK).
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn

from lab.errors import PruningError


@dataclass(frozen=True)
class Crew:
    """One process of several; alone by default."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files."""
        return self.rank == 0

    def share(self, batch: Tensor) -> Tensor:
        """What this process takes of a batch. Raises PruningError if it cannot be dealt equally."""
        if len(batch) % self.size:
            raise PruningError(f"A batch of {len(batch)} cannot be dealt to {self.size} processes; set `batch` anew.")
        return batch[self.rank :: self.size]

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace the gradients by their mean over all processes."""
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        if self.size > 1 and gradients:
            flat = torch.cat([gradient.flatten() for gradient in gradients])
            distributed.all_reduce(flat)
            parts = torch.split(flat / self.size, [gradient.numel() for gradient in gradients])
            for gradient, part in zip(gradients, parts, strict=True):
                gradient.copy_(part.view_as(gradient))

    def agree(self, number: float) -> float:
        """The leader's number, in every process."""
        if self.size == 1:
            return number
        told = torch.tensor([number], dtype=torch.float64)
        if distributed.get_backend() == "nccl":
            told = told.cuda()
        distributed.broadcast(told, 0)
        return float(told)


ALONE = Crew()


@contextmanager
def crew(device: torch.device) -> Iterator[Crew]:
    """The crew that `torchrun` started, else one process alone."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ALONE
        return
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Crew(distributed.get_rank(), size)
        distributed.barrier()  # nobody leaves before the leader has written
    finally:
        distributed.destroy_process_group()


def own_device(device: torch.device) -> torch.device:
    """The GPU of this process of several on one machine, if GPUs are used."""
    if device.type == "cuda" and "LOCAL_RANK" in os.environ:
        return torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    return device
