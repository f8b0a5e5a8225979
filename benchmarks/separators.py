"""Every separator at its published size with random weights, on one chunk: parameters, time and memory.

Random weights say nothing about quality. Each runs in a process of its own, so that its peak of memory is its own.
"""

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor, nn

from models import spleeter
from models.device import choose
from models.separators import RATE
from models.separators.chunks import precision
from models.separators.config import DEFAULT_BANDS, MDX23CConfig, RoformerConfig
from models.separators.mdx23c import MDX23C
from models.separators.roformer import Roformer

MDX23C_8K = MDX23CConfig(
    n_fft=8192,
    hop=1024,
    bins=4096,
    subbands=4,
    channels=128,
    growth=128,
    scales=5,
    scale=(2, 2),
    blocks=2,
    bottleneck=4,
)
MELBAND_KJ = RoformerConfig(bands=60, dim=384, depth=6)
BS_317 = RoformerConfig(bands=DEFAULT_BANDS, dim=512, depth=12)
HTDEMUCS = {
    "sources": ["drums", "bass", "other", "vocals"],
    "segment": Fraction(39, 5),
    "bottom_channels": 512,
    "dconv_mode": 3,
}


@dataclass(frozen=True)
class Case:
    """One architecture, and the chunk that its config gives it."""

    make: Callable[[], nn.Module]
    length: int
    work: float
    """How often each second is heard where chunks overlap."""


@dataclass(frozen=True)
class Figures:
    """What one run took."""

    parameters: int
    seconds: float
    cpu_seconds: float
    megabytes: float


def htdemucs() -> nn.Module:
    """The package's network at its published size."""
    from demucs.htdemucs import HTDemucs

    torch.backends.mha.set_fastpath_enabled(False)
    network: nn.Module = HTDemucs(**HTDEMUCS)
    return network


CASES = {
    "htdemucs": Case(htdemucs, 343980, 4 / 3),
    "mdx23c": Case(lambda: MDX23C(MDX23C_8K), 261120, 4),
    "melband": Case(lambda: Roformer(MELBAND_KJ), 352800, 2),
    "bsroformer": Case(lambda: Roformer(BS_317), 352800, 2),
    "spleeter": Case(lambda: nn.ModuleList([spleeter.UNet(), spleeter.UNet()]), 512 * spleeter.HOP, 2),
}


@torch.inference_mode()
def measure(name: str, place: str, threads: int, bf16: bool | None) -> Figures:
    """One chunk, after none before it: what a worker's first chunk costs, without the loading."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    device, case = torch.device(place), CASES[name]
    network = case.make().to(device).eval()
    mix = 0.1 * torch.randn(1, 2, case.length, device=device)
    run = hearer(name, network, bf16)
    if device.type == "cuda":
        run(mix)  # kernels are chosen and loaded in the first call
        torch.cuda.synchronize()
    start, cpu_start = time.perf_counter(), time.process_time()
    float(run(mix).abs().sum())
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if device.type == "cuda":
        peak = torch.cuda.max_memory_allocated(device) / 2**20
    return Figures(sum(p.numel() for p in network.parameters()), seconds, cpu_seconds, peak)


def hearer(name: str, network: nn.Module, bf16: bool | None) -> Callable[[Tensor], Tensor]:
    """How a network is given one chunk. Spleeter hears magnitudes, with a network for each stem."""

    def hear(mix: Tensor) -> Tensor:
        if name == "spleeter":
            magnitude = torch.rand(1, 2, spleeter.FRAMES, spleeter.BINS, device=mix.device)
            assert isinstance(network, nn.ModuleList)
            out: Tensor = network[0](magnitude) + network[1](magnitude)
        elif name == "htdemucs":
            with precision(mix.device, bf16):
                out = network(mix)
        else:
            out = network(mix, bf16)
        return out

    return hear


def main() -> None:
    """Print one line a separator."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(CASES), help=f"of {', '.join(CASES)}")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--bf16", action="store_true", default=None, help="bfloat16 on the CPU too")
    asked = parser.parse_args()
    place = str(choose(asked.device))
    print(f"{place}, {asked.threads} threads; real-time factor with the overlap of the published config")
    for name in asked.names:
        case = CASES[name]
        # one fresh process each: the peak of a process's memory only grows
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            found = pool.submit(measure, name, place, asked.threads, asked.bf16).result()
        chunk = case.length / RATE
        print(
            f"{name}: {found.parameters / 1e6:.1f} M parameters; a chunk of {chunk:.2f} s takes {found.seconds:.2f} s "
            f"({found.cpu_seconds:.2f} CPU s), real-time factor {found.seconds * case.work / chunk:.2f}; "
            f"peak memory {found.megabytes:.0f} MB",
            flush=True,
        )


if __name__ == "__main__":
    main()
