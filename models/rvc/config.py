"""The dimensions of a synthesizer, and its presets: the three official sampling rates and the small s24."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from math import prod
from typing import Any, Self

from models.rvc.errors import ConfigError

_MELS = {32000: 80, 40000: 125, 48000: 128}
_RATES = {"32k": 32000, "40k": 40000, "48k": 48000}

RETIRED = ("win", "latent_frames")
"""Obsolete entries in voice files of earlier versions, which are ignored."""


@dataclass(frozen=True, kw_only=True)
class RVCConfig:
    """The dimensions of one synthesizer; the defaults are those of RVC v2.

    A frame is one step of the latents, `hop` samples long (10 ms at every preset).
    """

    sampling_rate: int
    """Hz."""
    n_fft: int
    """Samples of the linear spectrogram's transform; the posterior encoder's input has n_fft // 2 + 1 bins."""
    n_mels: int
    """Bands of the mel loss."""
    upsample_rates: tuple[int, ...]
    """Of the decoder's stages; their product is the hop."""
    upsample_kernel_sizes: tuple[int, ...]
    segment_frames: int
    """Frames that one training step decodes."""
    content_dim: int = 768
    f0: bool = True
    """False: the network is not conditioned on pitch and has no excitation; the pitch follows from the content."""
    inter_channels: int = 192
    hidden_channels: int = 192
    filter_channels: int = 768
    n_heads: int = 2
    n_layers: int = 6
    kernel_size: int = 3
    window_size: int = 10
    """The window of the relative attention, frames on either side."""
    p_dropout: float = 0.0
    resblock_kernel_sizes: tuple[int, ...] = (3, 7, 11)
    resblock_dilation_sizes: tuple[tuple[int, ...], ...] = ((1, 3, 5), (1, 3, 5), (1, 3, 5))
    upsample_initial_channel: int = 512
    spk_embed_dim: int = 109
    """Rows of the speaker table."""
    gin_channels: int = 256
    """Width of the speaker vector."""
    wn_kernel_size: int = 5
    flow_couplings: int = 4
    flow_wn_layers: int = 3
    posterior_wn_layers: int = 16
    decoder: str = "hifigan"
    """RVC's own, or "source-filter", which learns in minutes on a CPU."""
    trunk_channels: int = 256
    """Width of the source-filter decoder."""
    trunk_layers: int = 6

    def __post_init__(self) -> None:
        """Raise ConfigError for dimensions that cannot be built."""
        if len(self.upsample_rates) != len(self.upsample_kernel_sizes):
            raise ConfigError("upsample_rates and upsample_kernel_sizes differ in length")
        if len(self.resblock_kernel_sizes) != len(self.resblock_dilation_sizes):
            raise ConfigError("resblock_kernel_sizes and resblock_dilation_sizes differ in length")
        if any(k < u or (k - u) % 2 for u, k in zip(self.upsample_rates, self.upsample_kernel_sizes, strict=True)):
            raise ConfigError("an upsample kernel must exceed its rate by an even number")
        if any(prod(self.upsample_rates[i + 1 :]) % 2 for i in range(len(self.upsample_rates) - 1)):
            raise ConfigError("the upsample rates after the first must multiply to even numbers")
        if not all(k % 2 for k in (self.kernel_size, self.wn_kernel_size, *self.resblock_kernel_sizes)):
            raise ConfigError("kernel sizes must be odd")
        if self.hidden_channels % self.n_heads or self.inter_channels % 2:
            raise ConfigError("n_heads must divide hidden_channels, and 2 inter_channels")
        if self.upsample_initial_channel % 2 ** len(self.upsample_rates):
            raise ConfigError("upsample_initial_channel must halve at every upsampling")
        if self.decoder not in ("hifigan", "source-filter"):
            raise ConfigError(f"there is no decoder {self.decoder!r}")
        if not self.f0 and self.decoder != "hifigan":
            raise ConfigError("the source-filter decoder needs f0")

    @property
    def hop(self) -> int:
        """Samples per frame."""
        return prod(self.upsample_rates)

    @property
    def spec_channels(self) -> int:
        """Bins of the linear spectrogram."""
        return self.n_fft // 2 + 1

    @property
    def segment_size(self) -> int:
        """Samples that one training step decodes."""
        return self.segment_frames * self.hop

    @classmethod
    def from_list(cls, items: Sequence[Any], content_dim: int = 768, f0: bool = True) -> Self:
        """Read the 18-item list that a community `.pth` stores as `config`.

        The list does not contain the content width (v1 voices have 256), f0 (another entry of the file), nor the
        dimensions of flow and posterior encoder, which are RVC's. Raises ConfigError.
        """
        if len(items) != 18:
            raise ConfigError(f"an RVC config has 18 items, this one has {len(items)}")
        try:
            rate = _RATES.get(items[17]) or int(items[17])
            if str(items[9]) != "1":
                raise ConfigError(f"residual blocks of type {items[9]!r} are not supported")
            return cls(
                sampling_rate=rate,
                n_fft=2 * (int(items[0]) - 1),
                n_mels=_MELS.get(rate, 80),
                upsample_rates=_ints(items[12]),
                upsample_kernel_sizes=_ints(items[14]),
                segment_frames=int(items[1]),
                content_dim=content_dim,
                f0=f0,
                inter_channels=int(items[2]),
                hidden_channels=int(items[3]),
                filter_channels=int(items[4]),
                n_heads=int(items[5]),
                n_layers=int(items[6]),
                kernel_size=int(items[7]),
                p_dropout=float(items[8]),
                resblock_kernel_sizes=_ints(items[10]),
                resblock_dilation_sizes=tuple(_ints(row) for row in items[11]),
                upsample_initial_channel=int(items[13]),
                spk_embed_dim=int(items[15]),
                gin_channels=int(items[16]),
            )
        except ConfigError:
            raise
        except (TypeError, ValueError) as error:
            raise ConfigError(f"not an RVC config: {error}") from error

    def to_list(self) -> list[Any]:
        """Write the 18-item list of a community `.pth`; raises `ConfigError` if the list cannot represent it."""
        items = [
            *(self.spec_channels, self.segment_frames, self.inter_channels, self.hidden_channels),
            *(self.filter_channels, self.n_heads, self.n_layers, self.kernel_size, self.p_dropout, "1"),
            list(self.resblock_kernel_sizes),
            [list(row) for row in self.resblock_dilation_sizes],
            list(self.upsample_rates),
            self.upsample_initial_channel,
            list(self.upsample_kernel_sizes),
            *(self.spk_embed_dim, self.gin_channels, self.sampling_rate),
        ]
        restored = type(self).from_list(items, self.content_dim if self.content_dim in (256, 768) else 768, self.f0)
        absent = ("decoder", "content_dim", "window_size", "wn_kernel_size", "flow_couplings", "flow_wn_layers")
        lost = [name for name in (*absent, "posterior_wn_layers") if getattr(restored, name) != getattr(self, name)]
        if lost:
            raise ConfigError(f"RVC's 18-item list has no place for {', '.join(lost)}: use to_dict()")
        return items

    @classmethod
    def from_dict(cls, items: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`, also through JSON (lists for tuples). Raises ConfigError."""
        known = {field.name for field in fields(cls)}
        items = {name: value for name, value in items.items() if name not in RETIRED}
        if unknown := sorted(items.keys() - known):
            raise ConfigError(f"unknown config entries: {', '.join(unknown)}")
        try:
            return cls(**{name: _frozen(value) for name, value in items.items()})
        except TypeError as error:
            raise ConfigError(f"not an RVC config: {error}") from error

    def to_dict(self) -> dict[str, Any]:
        """Every dimension under its name."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class DiscriminatorConfig:
    """One sub-discriminator of the raw waveform, then one for each period; the defaults are those of RVC v2."""

    periods: tuple[int, ...] = (2, 3, 5, 7, 11, 17, 23, 37)
    """The period p of each sub-discriminator: one of p columns of the folded waveform."""
    wave_channels: tuple[int, ...] = (16, 64, 256, 1024, 1024, 1024)
    period_channels: tuple[int, ...] = (32, 128, 512, 1024, 1024)

    def scaled(self, factor: float) -> "DiscriminatorConfig":
        """Return the same sub-discriminators with every width multiplied by a factor (at least 1 channel)."""
        return DiscriminatorConfig(
            periods=self.periods,
            wave_channels=tuple(max(1, round(width * factor)) for width in self.wave_channels),
            period_channels=tuple(max(1, round(width * factor)) for width in self.period_channels),
        )


def _ints(values: Sequence[Any]) -> tuple[int, ...]:
    return tuple(int(value) for value in values)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value


RVC_32K = RVCConfig(
    sampling_rate=32000,
    n_fft=1024,
    n_mels=80,
    upsample_rates=(10, 8, 2, 2),
    upsample_kernel_sizes=(20, 16, 4, 4),
    segment_frames=40,
)
RVC_40K = RVCConfig(
    sampling_rate=40000,
    n_fft=2048,
    n_mels=125,
    upsample_rates=(10, 10, 2, 2),
    upsample_kernel_sizes=(16, 16, 4, 4),
    segment_frames=32,
)
RVC_48K = RVCConfig(
    sampling_rate=48000,
    n_fft=2048,
    n_mels=128,
    upsample_rates=(12, 10, 2, 2),
    upsample_kernel_sizes=(24, 20, 4, 4),
    segment_frames=36,
)
S24 = RVCConfig(
    sampling_rate=24000,
    n_fft=1024,
    n_mels=80,
    upsample_rates=(10, 6, 2, 2),
    upsample_kernel_sizes=(20, 12, 4, 4),
    segment_frames=96,
    content_dim=192,
    inter_channels=96,
    hidden_channels=96,
    filter_channels=384,
    n_layers=3,
    flow_couplings=2,
    posterior_wn_layers=4,
    decoder="source-filter",
)

DISCRIMINATOR_V2 = DiscriminatorConfig()
DISCRIMINATOR_SMALL = DiscriminatorConfig(periods=(2, 5, 11)).scaled(1 / 8)
