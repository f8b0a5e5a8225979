"""YAML configs of MDX23C and the RoFormers, as ZFTurbo's Music-Source-Separation-Training writes them.

Read by a safe loader; every number is bounded, so that no file can demand more memory than a real network's, and an
option that would change the network but is not implemented here is rejected by name.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from models.separation.chunks import Chunks
from models.signal import MUSIC_RATE
from models.weights.integrity import WeightsError

LARGEST_FILE = 2**20
LONGEST_CHUNK = 60 * MUSIC_RATE
NORMS = ("InstanceNorm", "BatchNorm")
ACTIVATIONS = ("gelu", "relu")
DEFAULT_BANDS = (2,) * 24 + (4,) * 12 + (12,) * 8 + (24,) * 8 + (48,) * 8 + (128, 129)
"""BS-RoFormer's bins a band for a window of 2048."""
WITHOUT_EFFECT = {
    "attn_dropout",
    "ff_dropout",
    "flash_attn",
    "sage_attention",
    "dim_freqs_in",
    "use_torch_checkpoint",
    "match_input_audio_length",
    "multi_stft_resolution_loss_weight",
    "multi_stft_resolutions_window_sizes",
    "multi_stft_hop_size",
    "multi_stft_normalized",
}
"""Options of a RoFormer that affect only its training or its speed."""


@dataclass(frozen=True, kw_only=True)
class MDX23CConfig:
    """The dimensions of one MDX23C."""

    n_fft: int
    hop: int
    bins: int
    """Lowest bins of the spectrum, the network's input and output; the bins above are zero."""
    subbands: int
    channels: int
    growth: int
    """Channels that each scale adds."""
    scales: int
    scale: tuple[int, int]
    """Downsampling factors of each scale, in time and in frequency."""
    blocks: int
    """Blocks a scale."""
    bottleneck: int
    norm: str = "InstanceNorm"
    activation: str = "gelu"
    stems: int = 2


@dataclass(frozen=True, kw_only=True)
class RoformerConfig:
    """The dimensions of one RoFormer; `bands` is the count of mel bands, or the bins of each band."""

    bands: int | tuple[int, ...]
    dim: int
    depth: int
    heads: int = 8
    head_dim: int = 64
    time_depth: int = 1
    freq_depth: int = 1
    mask_depth: int = 2
    mask_width: int = 4
    """Width of the mask estimators' hidden layers, in multiples of `dim`."""
    n_fft: int = 2048
    hop: int = 441
    window: int = 2048
    normalized: bool = False
    zero_dc: bool = True
    skip: bool = False
    """Skip connections: whether each layer's input includes the sum of all earlier outputs."""
    stems: int = 1


@dataclass(frozen=True)
class Settings:
    """One config file: the network, its chunks, and its stems."""

    network: MDX23CConfig | RoformerConfig
    chunks: Chunks
    stems: tuple[str, ...]
    """Their names in small letters; `vocals` is one of them."""

    @property
    def vocals(self) -> int:
        """The index of the vocals."""
        return self.stems.index("vocals")


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """Safe YAML that reads Python tuples as lists, and rejects all other tags."""


_Loader.add_constructor(
    "tag:yaml.org,2002:python/tuple", lambda loader, node: loader.construct_sequence(node, deep=True)
)


class _Section:
    """One mapping of the file. It records which keys were read; every error names the file and the key."""

    def __init__(self, file: str, name: str, values: Any) -> None:
        if not isinstance(values, dict):
            raise WeightsError(f"{file} has no section {name}.")
        self.file, self.name, self.values, self.read = file, name, values, set[str]()

    def number(self, key: str, low: int, high: int, default: int | None = None) -> int:
        value = self._get(key, default)
        if type(value) is not int or not low <= value <= high:
            raise self._error(key, value, f"not a whole number from {low} to {high}")
        return value

    def numbers(self, key: str, high: int, most: int, default: tuple[int, ...] | None = None) -> tuple[int, ...]:
        value = self._get(key, default)
        if not isinstance(value, list | tuple) or not 1 <= len(value) <= most:
            raise self._error(key, value, f"not a list of at most {most} numbers")
        if any(type(item) is not int or not 1 <= item <= high for item in value):
            raise self._error(key, value, f"not made of whole numbers from 1 to {high}")
        return tuple(value)

    def flag(self, key: str, default: bool) -> bool:
        value = self._get(key, default)
        if not isinstance(value, bool):
            raise self._error(key, value, "neither true nor false")
        return value

    def word(self, key: str, known: tuple[str, ...]) -> str:
        value = self._get(key, None)
        if value not in known:
            raise self._error(key, value, f"not built here (there is {', '.join(known)})")
        return str(value)

    def has(self, key: str) -> bool:
        return self.values.get(key) is not None

    def reject_unread(self) -> None:
        for key in self.values:
            if key not in self.read and self.values[key] not in (None, False, 0):
                raise self._error(str(key), self.values[key], "an option that is not built here")

    def ignore(self, *keys: str) -> None:
        self.read.update(keys)

    def _get(self, key: str, default: Any) -> Any:
        self.read.add(key)
        value = self.values.get(key)
        return default if value is None else value

    def _error(self, key: str, value: Any, why: str) -> WeightsError:
        return WeightsError(f"{self.file}: {self.name}.{key} is {str(value)[:40]}, {why}.")


def read_mdx23c(path: Path) -> Settings:
    """The settings of an MDX23C. Raises WeightsError."""
    document = _document(path)
    audio, model = _Section(path.name, "audio", document.get("audio")), _Section(path.name, "model", document["model"])
    stems = _stems(path.name, document)
    audio.number("num_channels", 2, 2)
    scale = model.numbers("scale", 8, 2)
    config = MDX23CConfig(
        n_fft=audio.number("n_fft", 64, 32768),
        hop=audio.number("hop_length", 16, 8192),
        bins=audio.number("dim_f", 16, 16384),
        subbands=model.number("num_subbands", 1, 64),
        channels=model.number("num_channels", 1, 1024),
        growth=model.number("growth", 0, 512),
        scales=model.number("num_scales", 1, 8),
        scale=(scale[0], scale[-1]),
        blocks=model.number("num_blocks_per_scale", 1, 16),
        bottleneck=model.number("bottleneck_factor", 1, 64),
        norm=model.word("norm", NORMS),
        activation=model.word("act", ACTIVATIONS),
        stems=len(stems),
    )
    model.reject_unread()
    chunks = _chunks(path.name, document, audio)
    frames, bins = 1 + chunks.length // config.hop, config.bins // config.subbands
    in_time, in_frequency = config.scale[0] ** config.scales, config.scale[1] ** config.scales
    if config.hop > config.n_fft // 2 or config.bins > config.n_fft // 2 + 1 or config.bins % config.subbands:
        raise WeightsError(f"{path.name}: audio.n_fft, audio.hop_length and audio.dim_f do not go together.")
    if frames % in_time or bins % in_frequency or bins // in_frequency < config.bottleneck:
        raise WeightsError(f"{path.name}: {frames} frames of {bins} bins cannot be halved {config.scales} times.")
    return Settings(config, chunks, stems)


def read_roformer(path: Path, mel: bool) -> Settings:
    """The settings of a Mel-Band RoFormer (`mel`) or a BS-RoFormer. Raises WeightsError."""
    document = _document(path)
    audio, model = _Section(path.name, "audio", document.get("audio")), _Section(path.name, "model", document["model"])
    stems = _stems(path.name, document)
    model.ignore(*WITHOUT_EFFECT)
    if not model.flag("stereo", False) or model.number("num_stems", 1, 16, 1) != len(stems):
        raise WeightsError(f"{path.name}: only stereo networks with a mask for each of their stems are built here.")
    if mel:
        model.number("sample_rate", MUSIC_RATE, MUSIC_RATE, MUSIC_RATE)
    config = RoformerConfig(
        bands=model.number("num_bands", 2, 256, 60)
        if mel
        else model.numbers("freqs_per_bands", 8193, 1024, DEFAULT_BANDS),
        dim=model.number("dim", 2, 2048),
        depth=model.number("depth", 1, 64),
        heads=model.number("heads", 1, 64, 8),
        head_dim=model.number("dim_head", 2, 512, 64),
        time_depth=model.number("time_transformer_depth", 1, 16, 2),
        freq_depth=model.number("freq_transformer_depth", 1, 16, 2),
        mask_depth=model.number("mask_estimator_depth", 1, 8, 1 if mel else 2),
        mask_width=model.number("mlp_expansion_factor", 1, 16, 4),
        n_fft=model.number("stft_n_fft", 64, 16384, 2048),
        hop=model.number("stft_hop_length", 16, 8192, 512),
        window=model.number("stft_win_length", 64, 16384, 2048),
        normalized=model.flag("stft_normalized", False),
        zero_dc=model.flag("zero_dc", True),
        skip=model.flag("skip_connection", False),
        stems=len(stems),
    )
    model.reject_unread()
    if config.head_dim % 2 or config.hop > config.window // 2 or config.window > config.n_fft:
        raise WeightsError(f"{path.name}: model.dim_head or the model.stft_ lengths do not go together.")
    if isinstance(config.bands, tuple) and sum(config.bands) != config.n_fft // 2 + 1:
        raise WeightsError(f"{path.name}: model.freqs_per_bands must sum to {config.n_fft // 2 + 1} bins.")
    return Settings(config, _chunks(path.name, document, audio), stems)


def _document(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise WeightsError(f"{path.name} is missing.")
    if path.stat().st_size > LARGEST_FILE:
        raise WeightsError(f"{path.name} is too large for a config.")
    try:
        document = yaml.load(path.read_text("utf-8"), _Loader)
    except (yaml.YAMLError, RecursionError, ValueError, TypeError, LookupError, AttributeError) as error:
        # PyYAML's own readers of numbers, dates and truths raise these for what is none, text that is no UTF-8 included
        raise WeightsError(f"{path.name} is no safe YAML: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(document, dict) or "model" not in document:
        raise WeightsError(f"{path.name} has no section model.")
    return document


def _stems(file: str, document: dict[str, Any]) -> tuple[str, ...]:
    """The names of the stems."""
    training = _Section(file, "training", document.get("training")).values
    target, named = training.get("target_instrument"), training.get("instruments")
    names = [target] if target else named if isinstance(named, list) else []
    lower = tuple(str(name).lower() for name in names)
    if "vocals" not in lower or len(lower) > 16:
        raise WeightsError(f"{file}: among the stems ({', '.join(lower[:16]) or 'none'}) are no vocals.")
    return lower


def _chunks(file: str, document: dict[str, Any], audio: _Section) -> Chunks:
    audio.number("sample_rate", MUSIC_RATE, MUSIC_RATE, MUSIC_RATE)
    inference = _Section(file, "inference", document.get("inference", {}))
    source = inference if inference.has("chunk_size") else audio
    length = source.number("chunk_size", 1024, LONGEST_CHUNK)
    step = length // inference.number("num_overlap", 1, 32, 2)
    batch = inference.number("batch_size", 1, 64, 1)
    return Chunks(length, step, min(length // 10, length - step), batch)
