"""Decoding in tiles of 1 s compared with decoding at once, for the s24 and the 40k generator (random weights)."""

import resource
import time
from collections.abc import Callable

import torch
from torch import Tensor

from models.rvc import RVC_40K, S24, RVCConfig, Synthesizer

SECONDS = 20


def timed(work: Callable[[], Tensor]) -> tuple[Tensor, float]:
    """The result and the elapsed seconds."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def peak_mb() -> float:
    """The peak memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@torch.inference_mode()
def compare(name: str, config: RVCConfig) -> None:
    """Print one line. Tiles are decoded first, since the peak never falls."""
    torch.manual_seed(0)
    decoder = Synthesizer(config).eval().dec
    frames = SECONDS * 100
    z, f0 = torch.randn(1, config.inter_channels, frames), torch.full((1, frames), 200.0)
    g = torch.randn(1, config.gin_channels, 1)
    noise = torch.randn(1, 1, frames * config.hop)
    before = peak_mb()
    tiles, tiled = timed(lambda: decoder.decode_tiles(z, f0, g, noise=noise))
    between = peak_mb()
    whole, at_once = timed(lambda: decoder(z, f0, g, noise=noise))
    print(
        f"{name}: real-time factor {tiled / SECONDS:.3f} in tiles, {at_once / SECONDS:.3f} at once "
        f"(ratio {tiled / at_once:.2f}); extra memory {between - before:.0f} MB against {peak_mb() - before:.0f} MB; "
        f"largest difference {float((tiles - whole).abs().max()):.1e}"
    )


if __name__ == "__main__":
    compare("s24", S24)
    compare("40k", RVC_40K)
