"""By how much bfloat16 agrees with float32 while an MDX23C learns, small but as deep as the published one.

    .venv/bin/python -m benchmarks.rounding SONGS [--steps 500] [--channels 16] [--blocks 2]

SONGS is a folder in MUSDB18-HQ's layout, or what `benchmarks.pruning` made. It learns from random weights on crops of
1.5 s. Each held-out piece of which vocals are heard is measured as `models.precision` does.
"""

import argparse
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.networks import MDX23C_8K
from lab.separators.stems import REST, VOCALS, StemMaterial, read_sides
from models.precision import LEAST_AGREEMENT, QUIET, agreement
from models.separation.config import MDX23CConfig
from models.separation.mdx23c import MDX23C
from pipeline.covers.cover_figures import sdr

CONFIG = replace(MDX23C_8K, n_fft=4096, bins=2048)
SAMPLES = 63 * CONFIG.hop
BATCH, LEARNING_RATE, WARM_STEPS, CLIP = 4, 1e-3, 50, 5.0
LOOKS = (0, 10, 25, 50, 100, 200, 350, 500, 750, 1000, 1500, 2000)
VOICED = 1e-5
"""Least mean square of vocals that are compared with the true ones."""


@dataclass(frozen=True)
class Look:
    """A network after some steps."""

    step: int
    sdr: float
    """Median over the pieces with vocals, dB."""
    agreements: list[float]
    """Of each piece, dB."""
    cost: float
    """By how much bfloat16 lowers the SDR of a piece at most, dB."""

    def row(self) -> str:
        """A row of the table."""
        passing = sum(decibels >= LEAST_AGREEMENT for decibels in self.agreements)
        spread = f"{statistics.median(self.agreements):.1f} ({min(self.agreements):.1f} … {max(self.agreements):.1f})"
        return f"| {self.step} | {self.sdr:.2f} | {spread} | {passing} of {len(self.agreements)} | {self.cost:.3f} |"


@torch.inference_mode()
def look(network: MDX23C, pieces: list[Tensor], step: int) -> Look:
    """Pieces are true stems (2, 2, samples), the vocals first."""
    agreements, ratios, costs = [], [], []
    for stems in pieces:
        exact, rough = (network(stems.sum(0)[None], bf16)[0, 0] for bf16 in (False, True))
        if float(exact.square().mean()) >= QUIET**2:
            agreements.append(agreement(exact, rough))
        if float(stems[0].square().mean()) >= VOICED:
            ratios.append(sdr(stems[0].numpy(), exact.numpy()))
            costs.append(ratios[-1] - sdr(stems[0].numpy(), rough.numpy()))
    return Look(step, statistics.median(ratios), agreements, max(costs))


def looks(config: MDX23CConfig, folder: Path, steps: int, samples: int = SAMPLES) -> Iterator[Look]:
    """Learn from random weights, and look at the network in between and at the end."""
    sides, draw = read_sides(folder, (VOCALS, REST)), torch.Generator().manual_seed(0)
    material = StemMaterial(sides.train, (VOCALS, REST))
    pieces = [
        torch.stack([torch.from_numpy(song.read(stem, start, samples)) for stem in (VOCALS, REST)])
        for song in sides.held_out
        for start in range(0, song.samples - samples + 1, samples)
    ]
    torch.manual_seed(0)
    network = MDX23C(config)
    adam = torch.optim.Adam(network.parameters(), LEARNING_RATE)
    for step in range(steps):
        if step in LOOKS:
            yield look(network, pieces, step)
        for group in adam.param_groups:
            group["lr"] = LEARNING_RATE * min(1.0, (step + 1) / WARM_STEPS)
        stems = material.draw(BATCH, samples, draw)
        loss = F.l1_loss(network(stems.sum(1)), stems)
        adam.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        adam.step()
    yield look(network, pieces, steps)


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("songs", type=Path)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--channels", type=int, default=16, help="and as many more each scale")
    parser.add_argument("--blocks", type=int, default=CONFIG.blocks, help="a scale")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    config = replace(CONFIG, channels=chosen.channels, growth=chosen.channels, blocks=chosen.blocks)
    print(f"| step | SDR, dB | agreement, dB | {LEAST_AGREEMENT:.0f} dB or more | SDR lost at most, dB |")
    print("| --- | --- | --- | --- | --- |")
    for seen in looks(config, chosen.songs, chosen.steps):
        print(seen.row(), flush=True)


if __name__ == "__main__":
    main()
