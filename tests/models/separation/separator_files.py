"""Separators' files as a tester makes them: small networks with weights of no meaning, and their configs."""

import json
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

MDX23C_YAML = """\
audio:
  chunk_size: 7936
  dim_f: 128
  dim_t: 32
  hop_length: 256
  n_fft: 1024
  num_channels: 2
  sample_rate: 44100
  min_mean_abs: 0.001
model:
  act: gelu
  bottleneck_factor: 4
  growth: 4
  norm: InstanceNorm
  num_blocks_per_scale: 1
  num_channels: 4
  num_scales: 2
  num_subbands: 4
  scale:
  - 2
  - 2
training:
  instruments:
  - Instrumental
  - Vocals
  target_instrument: null
  lr: 9.0e-05
augmentations:
  mixup_probs: !!python/tuple
  - 0.2
  - 0.02
inference:
  batch_size: 2
  num_overlap: 4
"""
ROFORMER_YAML = """\
audio:
  chunk_size: 8000
  num_channels: 2
  sample_rate: 44100
model:
  dim: 16
  depth: 1
  stereo: true
  num_stems: 1
  time_transformer_depth: 1
  freq_transformer_depth: 1
  BANDS
  dim_head: 8
  heads: 2
  attn_dropout: 0.1
  ff_dropout: 0.1
  flash_attn: True
  dim_freqs_in: 1025
  stft_n_fft: 256
  stft_hop_length: 64
  stft_win_length: 256
  stft_normalized: False
  mask_estimator_depth: 2
  multi_stft_resolutions_window_sizes: !!python/tuple
  - 4096
  - 2048
training:
  instruments:
  - vocals
  - other
  target_instrument: vocals
inference:
  batch_size: 4
  num_overlap: 2
"""
MELBAND_YAML = ROFORMER_YAML.replace("BANDS", "num_bands: 8")
BSROFORMER_YAML = ROFORMER_YAML.replace("BANDS", "freqs_per_bands: !!python/tuple [1, 4, 12, 48, 64]")
HTDEMUCS: dict[str, Any] = {
    "sources": ["drums", "bass", "other", "vocals"],
    "channels": 8,
    "dconv_comp": 4,
    "nfft": 512,
    "depth": 3,
    "t_layers": 2,
    "t_heads": 2,
    "bottom_channels": 16,
    "segment": Fraction(1, 2),
}


def fill(module: nn.Module) -> nn.Module:
    """Set every parameter to the fixed function of its own name with which the golden values were computed."""
    with torch.no_grad():
        for name, p in module.state_dict().items():
            if not p.is_floating_point() or name.endswith("rotary_embed.freqs"):
                continue
            k = zlib.crc32(name.encode()) % 9973
            i = torch.arange(p.numel(), dtype=torch.float64)
            v = torch.sin(0.7 * i + k) + 0.5 * torch.sin(0.0137 * i * (1 + k % 7) + 0.1 * k)
            if p.dim() <= 1:
                v = 0.05 * v + (1.0 if name.endswith(("gamma", ".weight")) else 0.0)
            else:
                v = v * (1.5 / max(1, p[0].numel())) ** 0.5
            p.copy_(v.reshape(p.shape))
    return module.eval()


def write_mdx23c(folder: Path) -> dict[str, Path]:
    """A small MDX23C as a catalogue entry's files."""
    from models.separation.config import MDX23CConfig, read_mdx23c
    from models.separation.mdx23c import MDX23C

    config, weights = folder / "mdx23c.yaml", folder / "mdx23c.ckpt"
    config.write_text(MDX23C_YAML)
    network = read_mdx23c(config).network
    assert isinstance(network, MDX23CConfig)
    torch.save(fill(MDX23C(network)).state_dict(), weights)
    return {"weights": weights, "config": config}


def write_roformer(folder: Path, mel: bool) -> dict[str, Path]:
    """A small Mel-Band RoFormer or BS-RoFormer as a catalogue entry's files."""
    from models.separation.config import RoformerConfig, read_roformer
    from models.separation.roformer import Roformer

    name = "melband" if mel else "bsroformer"
    config, weights = folder / f"{name}.yaml", folder / f"{name}.ckpt"
    config.write_text(MELBAND_YAML if mel else BSROFORMER_YAML)
    network = read_roformer(config, mel).network
    assert isinstance(network, RoformerConfig)
    torch.save(fill(Roformer(network)).state_dict(), weights)
    return {"weights": weights, "config": config}


def write_htdemucs(path: Path, *, half: bool = True, **changes: Any) -> Path:
    """A small HTDemucs in the demucs package's own format; published files are in half precision."""
    from demucs.htdemucs import HTDemucs

    torch.manual_seed(0)
    state = HTDemucs(**HTDEMUCS).state_dict()
    kwargs = {name: _encoded(value) for name, value in (HTDEMUCS | changes).items()}
    metadata = {"klass": "demucs.htdemucs.HTDemucs", "args": "[]", "kwargs": json.dumps(kwargs)}
    save_file({name: tensor.half() if half else tensor for name, tensor in state.items()}, path, metadata)
    return path


def _encoded(value: Any) -> Any:
    if isinstance(value, Fraction):
        return {"_type": "fraction", "numerator": value.numerator, "denominator": value.denominator}
    return value
