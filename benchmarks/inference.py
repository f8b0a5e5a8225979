"""One network on a device: how fast it runs, how much memory it takes, how far it agrees with the CPU."""

import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.memory import begin_peak, peak_gib, wait_for
from benchmarks.networks import CASES, Work
from models.device import multiplies_bf16
from models.precision import agreement, precision

COMPILED = ("htdemucs", "mdx23c", "melband", "bsroformer")
"""Those that run by their `forward`, and cost the most."""
RUNS = 3


@dataclass(frozen=True)
class NetworkRow:
    """One network in one precision."""

    network: str
    precision: str
    factor: float
    """Seconds of work per second of sound, the fastest of RUNS."""
    gib: float
    decibels: float
    """By which its error against float32 on the CPU lies below the signal."""


@torch.inference_mode()
def run_network(name: str, place: str, threads: int, compiled: bool = False) -> list[NetworkRow]:
    """In float32 and, where the device multiplies it, in bfloat16; `compiled` in the faster of the two alone."""
    torch.set_num_threads(threads)
    device = torch.device(place)
    exact = output(built(name, torch.device("cpu")), torch.device("cpu"), False)
    halves = [False, True] if multiplies_bf16(device) else [False]
    rows = []
    for half in halves[-1:] if compiled else halves:
        begin_peak(device)
        work = built(name, device)
        for network in work.networks:
            if half:
                network.register_forward_hook(_in_float32)
            if compiled:
                network.compile()
        made = output(work, device, half)
        factor = min(seconds(work, device, half) for _ in range(RUNS)) * work.overlap / work.seconds
        kind = ("bfloat16" if half else "float32") + (", compiled" if compiled else "")
        rows.append(NetworkRow(name, kind, factor, peak_gib(device), agreement(exact, made)))
        del work, made
    return rows


def built(name: str, device: torch.device) -> Work:
    """The network with the same weights and input on every device."""
    torch.manual_seed(0)
    return CASES[name](device)


def output(work: Work, device: torch.device, half: bool) -> Tensor:
    """What comes out, in float32 on the CPU."""
    with precision(device, half):
        made = work.run(half)
    if isinstance(made, np.ndarray):
        return torch.from_numpy(made).float()
    assert isinstance(made, Tensor)
    return made.float().cpu()


def _in_float32(_: nn.Module, __: object, made: object) -> object:
    """Whoever takes it over knows no bfloat16: NumPy."""
    return made.float() if isinstance(made, Tensor) and made.dtype == torch.bfloat16 else made


def seconds(work: Work, device: torch.device, half: bool) -> float:
    """The time of one inference by the clock."""
    wait_for(device)
    began = time.perf_counter()
    with precision(device, half):
        work.run(half)
    wait_for(device)
    return time.perf_counter() - began
