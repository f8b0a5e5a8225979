"""The precision in which a network runs: float32, or bfloat16 where that is faster and what comes out agrees."""

import logging
import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from models.device import multiplies_bf16

LEAST_AGREEMENT = 30.0
"""dB: an error this far below the vocals lowers an SDR of 10 dB by 0.04 dB, and one of 15 dB by 0.14 dB."""
QUIET = 10 ** (-50 / 20)
"""Root mean square below which an output has nothing to compare."""
PRECISIONS: dict[str, bool | None] = {"auto": None, "float32": False, "bfloat16": True}
"""What an operator may ask for, as `bf16` of `adaptive_precision`."""
log = logging.getLogger(__name__)
Given = TypeVar("Given")


class PrecisionMissing(RuntimeError):
    """The requested precision does not exist or would be slow on the device; the message says which to set."""


@dataclass
class AdaptivePrecision(Generic[Given]):
    """Runs a network in bfloat16 if that agrees with float32 on the first input of which something is heard."""

    name: str
    run: Callable[[Given, bool], Tensor]
    """An input, and whether in bfloat16 → the network's output."""
    bf16: bool | None
    """None until it is decided."""
    quiet: float = QUIET
    part: Callable[[Given], Given] = lambda given: given
    """As much of an input as is enough to decide by; where nothing is computed, its output is 0."""

    def __call__(self, given: Given) -> Tensor:
        """An input → the network's output."""
        return self._decide(given) if self.bf16 is None else self.run(given, self.bf16)

    def _decide(self, given: Given) -> Tensor:
        part = self.part(given)
        exact = self.run(part, False)
        heard = exact[exact != 0].float()
        if not len(heard) or float(heard.square().mean()) < self.quiet**2:
            return exact if part is given else self.run(given, False)
        approximate = self.run(part, True)
        decibels = agreement(exact, approximate)
        self.bf16 = decibels >= LEAST_AGREEMENT
        log.info("%s: bfloat16 agrees with float32 by %.1f dB; using %s.", self.name, decibels, self._chosen())
        if part is not given:
            return self.run(given, self.bf16)
        return approximate if self.bf16 else exact

    def _chosen(self) -> str:
        return "bfloat16" if self.bf16 else "float32"


def adaptive_precision(
    name: str,
    run: Callable[[Given, bool], Tensor],
    device: torch.device,
    bf16: bool | None,
    quiet: float = QUIET,
    part: Callable[[Given], Given] = lambda given: given,
) -> AdaptivePrecision[Given]:
    """A network in the requested precision.

    None: bfloat16 where the device multiplies it and the outputs agree, else float32.
    """
    return AdaptivePrecision(name, run, None if bf16 is None and multiplies_bf16(device) else bool(bf16), quiet, part)


def asked_precision(name: str, device: torch.device) -> bool | None:
    """A name of PRECISIONS as `bf16` of `adaptive_precision`. Raises PrecisionMissing."""
    if name not in PRECISIONS:
        raise PrecisionMissing(f"{name} is no precision. There are: {', '.join(PRECISIONS)}.")
    if PRECISIONS[name] and not multiplies_bf16(device):
        raise PrecisionMissing(f"{name} would be slow here: {device} does not multiply it. Set auto or float32.")
    return PRECISIONS[name]


def agreement(exact: Tensor, approximate: Tensor) -> float:
    """The ratio of the exact signal to the difference in dB; infinite where equal, -inf where not finite."""
    error, signal = float((exact - approximate).double().square().sum()), float(exact.double().square().sum())
    if not math.isfinite(error):
        return -math.inf
    return 10 * math.log10(max(signal, 1e-30) / error) if error else math.inf


def precision(device: torch.device, bf16: bool) -> AbstractContextManager[object]:
    """The context in which a network runs: autocast to bfloat16, or float32."""
    return torch.autocast(device.type, torch.bfloat16) if bf16 else nullcontext()
