"""Networks beside their peers: those of `pymss-core`, `demucs`, RVC and `swift-f0`, with the same weights and input.

Ours in float32 and in bfloat16, theirs in float32, in turn; ratios of CPU seconds to theirs, and by how many dB each of
ours agrees with theirs. One thread. The RoFormers have one of their layers unless `--whole`: all layers cost the same.
So has MDX23C an eighth of its chunk of 6 s.

    .venv/bin/python -m benchmarks.peers [--runs 5] [--seconds 1] [--whole] [NAME …]
"""

import argparse
import importlib.util
import statistics
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from benchmarks.networks import BS_317, HTDEMUCS, HTDEMUCS_SEGMENT, MDX23C_8K, MELBAND_KJ
from models.precision import agreement, precision
from models.separation.config import RoformerConfig
from models.signal import MUSIC_RATE

CPU = torch.device("cpu")
Side = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Pair:
    """Ours, told whether in bfloat16, and the peer's; both (1, 2, samples) → stems, or f0."""

    ours: Callable[[Tensor, bool], Tensor]
    theirs: Side


@dataclass(frozen=True)
class Peer:
    """A package that has the network, too, and how a pair is made: from whether it shall be whole."""

    package: str
    make: Callable[[bool], Pair]
    samples: int = 0
    """The only length that its network takes; 0: any."""
    whole_samples: int = 0
    """The same when it is whole; 0: as above."""


def roformer(config: RoformerConfig, kind: str, **more: Any) -> Callable[[bool], Pair]:
    """Mel-Band or BS-RoFormer."""

    def make(whole: bool) -> Pair:
        from pymss_core.modules import bs_roformer

        from models.separation.roformer import Roformer

        sized = config if whole else replace(config, depth=1)
        ours = Roformer(sized).eval()
        theirs = getattr(bs_roformer, kind)(
            dim=sized.dim,
            depth=sized.depth,
            stereo=True,
            num_stems=1,
            time_transformer_depth=1,
            freq_transformer_depth=1,
            stft_hop_length=sized.hop,
            mask_estimator_depth=sized.mask_depth,
            zero_dc=sized.zero_dc,
            **more,
        )
        theirs.load_state_dict(ours.state_dict())
        return Pair(ours, theirs.eval())

    return make


def mdx23c(_: bool) -> Pair:
    """8KFFT-InstVoc_HQ."""
    from pymss_core.modules.mdx23c_tfc_tdf_v3 import TFC_TDF_net

    from models.separation.mdx23c import MDX23C

    config, ours = MDX23C_8K, MDX23C(MDX23C_8K).eval()
    audio = {"n_fft": config.n_fft, "hop_length": config.hop, "dim_f": config.bins, "num_channels": 2}
    model = {"norm": config.norm, "act": config.activation, "num_subbands": config.subbands}
    model |= {"num_channels": config.channels, "growth": config.growth, "num_scales": config.scales}
    model |= {"scale": list(config.scale), "num_blocks_per_scale": config.blocks}
    model |= {"bottleneck_factor": config.bottleneck}
    training = {"instruments": ["vocals", "other"], "target_instrument": None}
    sections: dict[str, dict[str, Any]] = {"audio": audio, "model": model, "training": training}
    parts = {name: SimpleNamespace(**section) for name, section in sections.items()}
    theirs = TFC_TDF_net(SimpleNamespace(**parts))
    theirs.load_state_dict(ours.state_dict())
    return Pair(ours, theirs.eval())


def htdemucs(_: bool) -> Pair:
    """The package's network, as it applies it for all stems and as we do for vocals."""
    from demucs.apply import apply_model
    from demucs.htdemucs import HTDemucs

    from models.attention import replace_attention
    from models.separation.htdemucs import estimate, keep_vocals

    network = HTDemucs(**HTDEMUCS).eval()
    plain = deepcopy(network)
    replace_attention(network)
    keep_vocals(network)

    def ours(mix: Tensor, half: bool) -> Tensor:
        with precision(CPU, half):
            return estimate(network, mix)

    def theirs(mix: Tensor) -> Tensor:
        mean, deviation = mix.mean(1).mean(), mix.mean(1).std()
        stems: Tensor = apply_model(plain, (mix - mean) / deviation, shifts=0, split=False)
        return (stems * deviation + mean)[:, [plain.sources.index("vocals")]]

    return Pair(ours, theirs)


def rvc_40k(_: bool) -> Pair:
    """RVC's own network for 40 kHz, which decodes all at once, and ours in tiles; both with the same noise.

    They sing as many seconds as the mix has; what is in it does not matter.
    """
    from rvc.lib.infer_pack.models import SynthesizerTrnMs768NSFsid

    from models.rvc import RVC_40K, Synthesizer
    from models.rvc.synthesizer import TILE_SECONDS

    ours = Synthesizer(RVC_40K).eval()
    ours.remove_posterior()
    theirs = SynthesizerTrnMs768NSFsid(*RVC_40K.to_list(), is_half=False).eval()
    del theirs.enc_q
    theirs.load_state_dict(ours.state_dict())

    def given(mix: Tensor) -> tuple[list[Tensor], Tensor, Tensor]:
        frames, drawn = 100 * mix.shape[2] // MUSIC_RATE, torch.Generator().manual_seed(0)
        content = torch.randn(1, frames, RVC_40K.content_dim, generator=drawn)
        pitch, f0 = torch.full((1, frames), 60), torch.full((1, frames), 220.0)
        noise = torch.randn(1, RVC_40K.inter_channels, frames, generator=drawn)
        inputs = [content, torch.tensor([frames]), pitch, f0, torch.zeros(1, dtype=torch.long)]
        return inputs, noise, torch.randn(1, 1, frames * RVC_40K.hop, generator=drawn)

    def sing(mix: Tensor, half: bool) -> Tensor:
        inputs, noise, source = given(mix)
        with precision(CPU, half):
            return ours.infer(*inputs, noise=noise, source_noise=source, tile_seconds=TILE_SECONDS)

    def reference(mix: Tensor) -> Tensor:
        inputs, noise, source = given(mix)

        def draw(like: Tensor) -> Tensor:
            return noise if like.shape == noise.shape else source.mT

        with patch.object(torch, "randn_like", draw):
            wav: Tensor = theirs.infer(*inputs)[0]
        return wav

    return Pair(sing, reference)


def swift_f0(_: bool) -> Pair:
    """SwiftF0 as the package runs it, through ONNX Runtime, and in Torch; both hear one channel as if at 16 kHz."""
    from swift_f0 import SwiftF0

    from models.pitch import swift_f0
    from models.signal import SPEECH_RATE

    network, package = swift_f0.load(), SwiftF0(threads=1, spin=False)

    def ours(mix: Tensor, half: bool) -> Tensor:
        with precision(CPU, half):
            return torch.from_numpy(network.hear(mix[0, 0].numpy())[0])

    def theirs(mix: Tensor) -> Tensor:
        return torch.from_numpy(package.detect(mix[0, 0].numpy(), SPEECH_RATE).pitch_hz)

    return Pair(ours, theirs)


PEERS = {
    "rvc-40k": Peer("rvc", rvc_40k),
    "melband": Peer("pymss_core", roformer(MELBAND_KJ, "MelBandRoformer", num_bands=60, mlp_hidden_layers=2)),
    "bsroformer": Peer("pymss_core", roformer(BS_317, "BSRoformer")),
    "mdx23c": Peer("pymss_core", mdx23c, 31 * MDX23C_8K.hop, 255 * MDX23C_8K.hop),
    "htdemucs": Peer("demucs", htdemucs, int(HTDEMUCS_SEGMENT * MUSIC_RATE)),
    "swift-f0": Peer("swift_f0", swift_f0),
}


@torch.inference_mode()
def compare(name: str, runs: int, seconds: float, whole: bool) -> str:
    """A row of the table."""
    peer = PEERS[name]
    if importlib.util.find_spec(peer.package) is None:
        return f"| {name} | {peer.package} is not installed | – | – |"
    torch.manual_seed(0)
    pair = peer.make(whole)
    mix = 0.1 * torch.randn(1, 2, (whole and peer.whole_samples) or peer.samples or round(seconds * MUSIC_RATE))
    sides: dict[str, Side] = {
        "theirs": pair.theirs,
        "float32": lambda mix: pair.ours(mix, False),
        "bfloat16": lambda mix: pair.ours(mix, True),
    }
    stems = {side: work(mix) for side, work in sides.items()}  # also warms up
    spent: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(runs):
        for side, work in sides.items():
            began = time.process_time()
            work(mix)
            spent[side].append(time.process_time() - began)
    theirs = f"{statistics.median(spent['theirs']):.2f} s"
    cells = [_ratio(spent[side], spent["theirs"], stems[side], stems["theirs"]) for side in ("float32", "bfloat16")]
    return f"| {name} | {peer.package} {theirs} | {' | '.join(cells)} |"


def _ratio(ours: list[float], theirs: list[float], made: Tensor, wanted: Tensor) -> str:
    ratios = sorted(one / other for one, other in zip(ours, theirs, strict=True))
    decibels = agreement(wanted.reshape(made.shape).float(), made.float())
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} … {ratios[-1]:.2f}), {decibels:.0f} dB"


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(PEERS), metavar="NAME", help=f"of {', '.join(PEERS)}")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--whole", action="store_true", help="all layers of the RoFormers, MDX23C's whole chunk")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    print("| network | peer, its CPU time | ours in float32: ratio | ours in bfloat16: ratio |")
    print("| --- | --- | --- | --- |")
    for name in chosen.names:
        print(compare(name, chosen.runs, chosen.seconds, chosen.whole), flush=True)


if __name__ == "__main__":
    main()
