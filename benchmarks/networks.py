"""Every network at its published size: parameters, real-time factor and memory; with `--bf16` also bfloat16.

Shipped networks run with their own weights, except s24; it and the others have random weights, which cost the same and
say nothing about quality. Each network runs in a process of its own, so that peak memory is measured per network:

    .venv/bin/python benchmarks/networks.py [--threads 2] [--device cpu] [--bf16] [NAME …]
"""

import argparse
import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor, nn

from models.attention import replace_attention
from models.device import GIB, DeviceMissing, choose, describe
from models.precision import agreement, precision
from models.separation.config import DEFAULT_BANDS, MDX23CConfig, RoformerConfig
from models.signal import MUSIC_RATE, SPEECH_RATE
from models.weights.integrity import packaged
from pipeline.sound.decode import SONG, decode

MUSIC = ("stempeg", "data/The Easton Ellises - Falcon 69.stem.mp4")
SECONDS = 20
"""The length of the input, for networks of any length: that of a block of a song."""
PAIRS = 3
"""Runs in float32 and bfloat16, in turn."""
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
HTDEMUCS_SEGMENT = Fraction(39, 5)  # s
HTDEMUCS = {
    "sources": ["drums", "bass", "other", "vocals"],
    "segment": HTDEMUCS_SEGMENT,
    "bottom_channels": 512,
    "dconv_mode": 3,
}


@dataclass(frozen=True)
class Work:
    """A loaded network, and one inference of it."""

    networks: Sequence[nn.Module]
    run: Callable[[bool], object]
    """Its argument: whether in bfloat16."""
    seconds: float
    """Of audio in one inference."""
    overlap: float = 1.0
    """How often each second is processed with the overlap of the published config."""


@dataclass(frozen=True)
class Figures:
    """The figures of one network."""

    parameters: int
    factor: float
    cpu_factor: float
    gibibytes: float
    half: str
    """The speed and agreement of bfloat16, if requested."""


def mix(samples: int, device: torch.device) -> Tensor:
    """A real song (1, 2, samples) at 44.1 kHz, with vocals."""
    wav = decode(packaged(*MUSIC), MUSIC_RATE, channels=2, limits=SONG, name="music")
    return torch.from_numpy(np.tile(wav[:, : 6 * MUSIC_RATE], 2)[:, :samples])[None].to(device)


def voice() -> np.ndarray:
    """The same song, mono at 16 kHz."""
    wav = decode(packaged(*MUSIC), SPEECH_RATE, channels=1, limits=SONG, name="music")
    return np.resize(wav[: 6 * SPEECH_RATE], SECONDS * SPEECH_RATE)


def spleeter(device: torch.device) -> Work:
    """Both stems' networks, on one block of 512 frames, half of it new."""
    from models.separation import spleeter as model

    stems = model.load(device)
    networks = [stem.network for stem in stems]
    magnitude = torch.rand(1, 2, model.FRAMES, model.BINS).to(device, memory_format=torch.channels_last)

    def run(half: bool) -> Tensor:
        with precision(device, half):
            total: Tensor = networks[0](magnitude).float() + networks[1](magnitude).float()
        return total

    return Work(networks, run, model.FRAMES * model.HOP / MUSIC_RATE, 2)


def htdemucs(device: torch.device) -> Work:
    """The package's network."""
    from demucs.htdemucs import HTDemucs

    torch.backends.mha.set_fastpath_enabled(False)  # as models.separation.htdemucs has it
    network = HTDemucs(**HTDEMUCS).to(device).eval()
    replace_attention(network)
    chunk = mix(343980, device)

    def run(half: bool) -> Tensor:
        with precision(device, half):
            stems: Tensor = network(chunk)
        return stems.float()

    return Work([network], run, 343980 / MUSIC_RATE, 4 / 3)


def mdx23c(device: torch.device) -> Work:
    """8KFFT-InstVoc_HQ."""
    from models.separation.mdx23c import MDX23C

    network, chunk = MDX23C(MDX23C_8K).to(device).eval(), mix(261120, device)
    return Work([network], lambda half: network(chunk, half), 261120 / MUSIC_RATE, 4)


def roformer(config: RoformerConfig) -> Callable[[torch.device], Work]:
    """Mel-Band KJ or viperx's BS-RoFormer."""

    def build(device: torch.device) -> Work:
        from models.separation.roformer import Roformer

        network, chunk = Roformer(config).to(device).eval(), mix(352800, device)
        return Work([network], lambda half: network(chunk, half), 352800 / MUSIC_RATE, 2)

    return build


def student(device: torch.device) -> Work:
    """The content encoder that ships."""
    from models.content import student as content

    network, wav = content.load(device), torch.from_numpy(voice()).to(device)
    return Work([network], lambda _: network.encode(wav), SECONDS)


def contentvec(layers: int) -> Callable[[torch.device], Work]:
    """HuBERT base up to the layer that v2 (12) or v1 voices (9, projected) are conditioned on."""

    def build(device: torch.device) -> Work:
        from transformers import HubertConfig, HubertModel

        from models.content.contentvec import ContentVec

        hubert = HubertModel(HubertConfig())
        hubert.encoder.layers = hubert.encoder.layers[:layers]
        network = ContentVec(hubert, nn.Linear(768, 256) if layers == 9 else None, "random", "").to(device).eval()
        wav = torch.from_numpy(voice()).to(device)
        return Work([network], lambda _: network.encode(wav), SECONDS)

    return build


def fcpe(device: torch.device) -> Work:
    """FCPE alone."""
    from models.pitch import trackers as pitch

    trackers, wav = pitch.load(device, name="fcpe"), voice()
    assert isinstance(trackers.tracker, pitch.FCPE)
    return Work([trackers.tracker.network], lambda _: trackers.f0(wav), SECONDS)


def swift_f0(device: torch.device) -> Work:
    """SwiftF0, with what is done beside the network."""
    from models.pitch import trackers as pitch

    trackers, wav = pitch.load(device), voice()
    return Work([trackers.swift.network], lambda _: trackers.f0(wav), SECONDS)


def rmvpe(device: torch.device) -> Work:
    """With its log-mel and decoding."""
    from models.pitch import rmvpe as model

    network = model.E2E().to(device).eval()
    tracker, wav = model.RMVPE(network, model.LogMel().to(device), "random"), voice()
    return Work([network], lambda _: tracker.f0(wav), SECONDS)


def rvc(name: str) -> Callable[[torch.device], Work]:
    """Voice conversion of a block as in `/cover`: latents, then the decoder in tiles of 1 s."""

    def build(device: torch.device) -> Work:
        from models.rvc import RVC_32K, RVC_40K, RVC_48K, S24, Synthesizer

        config = {"s24": S24, "rvc-32k": RVC_32K, "rvc-40k": RVC_40K, "rvc-48k": RVC_48K}[name]
        network = Synthesizer(config)
        network.remove_posterior()
        network.to(device).eval()
        frames = 100 * SECONDS
        content, lengths = torch.randn(1, frames, config.content_dim), torch.tensor([frames])
        pitch, f0 = torch.full((1, frames), 60), torch.full((1, frames), 220.0)
        speaker = torch.zeros(1, dtype=torch.long)
        inputs = [given.to(device) for given in (content, lengths, pitch, f0, speaker)]
        noises = torch.randn(1, config.inter_channels, frames), torch.randn(1, 1, frames * config.hop)
        noise, source_noise = (drawn.to(device) for drawn in noises)  # drawn on the CPU: the same everywhere

        def run(_: bool) -> Tensor:
            return network.infer(*inputs, noise=noise, source_noise=source_noise, tile_seconds=1.0)

        return Work([network], run, SECONDS)

    return build


def ast(device: torch.device) -> Work:
    """AudioSet's AST on one window of 10.24 s."""
    from lab.networks.audioset import OFFICIAL
    from models.speaker.ast import build

    network, frames = build(**OFFICIAL).to(device).eval(), torch.randn(1, 1024, 128).to(device)
    return Work([network], lambda _: network(frames).pooler_output, 10.24)


def resemblyzer(device: torch.device) -> Work:
    """The speaker encoder that ships."""
    from models.speaker import resemblyzer as speaker

    encoder, wav = speaker.load(device), voice()
    return Work([encoder.network], lambda _: encoder.embed(wav), SECONDS)


def distillmos(device: torch.device) -> Work:
    """The neural MOS that ships."""
    from models.quality import distillmos as mos

    predictor, wav = mos.load(device), voice()
    return Work([predictor.network], lambda _: predictor.windows(wav), SECONDS)


def utmos(device: torch.device) -> Work:
    """UTMOS's strong learner."""
    from models.quality import utmos as model

    network, wav = model._meta_network().to_empty(device="cpu").eval(), voice()
    for tensor in (*network.parameters(), *network.buffers()):
        tensor.data.normal_(std=0.02)
    network.to(device)
    predictor = model.UtmosPredictor(network, "random")
    return Work([network], lambda _: predictor.windows(wav), SECONDS)


TRAINED = ("spleeter", "content-student", "fcpe", "swift-f0", "resemblyzer", "distillmos")
CASES: dict[str, Callable[[torch.device], Work]] = {
    "spleeter": spleeter,
    "htdemucs": htdemucs,
    "mdx23c": mdx23c,
    "melband": roformer(MELBAND_KJ),
    "bsroformer": roformer(BS_317),
    "content-student": student,
    "contentvec": contentvec(12),
    "contentvec-v1": contentvec(9),
    "fcpe": fcpe,
    "swift-f0": swift_f0,
    "rmvpe": rmvpe,
    "s24": rvc("s24"),
    "rvc-32k": rvc("rvc-32k"),
    "rvc-40k": rvc("rvc-40k"),
    "rvc-48k": rvc("rvc-48k"),
    "ast": ast,
    "resemblyzer": resemblyzer,
    "distillmos": distillmos,
    "utmos": utmos,
}


@torch.inference_mode()
def measure(name: str, place: str, threads: int, half: bool) -> Figures:
    """The faster of two runs, without loading."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    device = torch.device(place)
    work = CASES[name](device)
    runs = [timed(work, device, False) for _ in range(2)]
    wall, cpu = (min(column) * work.overlap / work.seconds for column in zip(*runs, strict=True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if device.type == "cuda":
        peak = torch.cuda.max_memory_allocated(device)
    half_figures = compared(work, device) if half and work.networks else ""
    return Figures(
        sum(p.numel() for network in work.networks for p in network.parameters()), wall, cpu, peak / GIB, half_figures
    )


def timed(work: Work, device: torch.device, half: bool) -> tuple[float, float]:
    """Wall-clock and CPU seconds."""
    start, cpu = time.perf_counter(), time.process_time()
    with precision(device, half):
        work.run(half)
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start, time.process_time() - cpu


def compared(work: Work, device: torch.device) -> str:
    """The time of bfloat16 by float32's, which run in turn (on a CPU its seconds), and their agreement."""
    made = []
    for half in (False, True):
        with precision(device, half):
            made.append(torch.as_tensor(work.run(half)).float())
    clock = 1 if device.type == "cpu" else 0
    pairs = [(timed(work, device, False)[clock], timed(work, device, True)[clock]) for _ in range(PAIRS)]
    ratios = sorted(half / single for single, half in pairs)
    spread = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} … {ratios[-1]:.2f})"
    return f"{spread} of the time, {agreement(*made):.0f} dB"


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(CASES), metavar="NAME", help=f"of {', '.join(CASES)}")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--bf16", action="store_true", help="compare bfloat16 with float32, also where the service does not use it"
    )
    arguments = parser.parse_args()
    try:
        place = choose(arguments.device)
    except DeviceMissing as missing:
        parser.error(str(missing))
    print(f"{describe(place)}; {arguments.threads} threads\n")
    print("| network | weights | parameters | real-time factor | CPU s per s | peak memory | bfloat16 |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name in arguments.names:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            figures = pool.submit(measure, name, str(place), arguments.threads, arguments.bf16).result()
        size = f"{figures.parameters / 1e6:.1f} M" if figures.parameters else "–"
        print(
            f"| {name} | {'trained' if name in TRAINED else 'random'} | {size} | {figures.factor:.3g} "
            f"| {figures.cpu_factor:.3g} | {figures.gibibytes:.2f} GiB | {figures.half or '–'} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
