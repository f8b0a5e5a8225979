"""The synthesizer: content features, pitch and a speaker → the waveform in that speaker's voice."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from models.precision import adaptive_precision, precision
from models.rvc.config import RVCConfig
from models.rvc.errors import UnfitWeights
from models.rvc.flow import Flow
from models.rvc.generator import Generator
from models.rvc.pitch import coarse_pitch
from models.rvc.sampling import gaussian_noise, rand_slice_segments, slice_segments
from models.rvc.source_filter import SourceFilter
from models.rvc.streaming import StreamingDecoder
from models.rvc.text_encoder import TextEncoder
from models.rvc.wavenet import PosteriorEncoder
from models.signal import Floats32, Floats64
from models.voice_network import Noise, VoiceFrames, most_voiced
from models.weights.state_dict import mismatch

PRIOR_NOISE = 0.66666
FRAME_RATE = 100
TILE_SECONDS = 4.0
V1_CONTENT = 256
"""Width of the content features of RVC v1."""


@dataclass(frozen=True)
class TrainingOutput:
    """The outputs of a training step's forward pass; T is the number of encoded frames."""

    wav: Tensor
    """The decoded segment (B, 1, segment_frames * hop)."""
    starts: Tensor
    """The frame at which each segment starts in its clip (B,); `starts * hop` in the recording's samples."""
    phone_mask: Tensor
    """(B, 1, T)."""
    spec_mask: Tensor
    """(B, 1, T)."""
    z: Tensor
    """Posterior latents (B, inter, T)."""
    z_p: Tensor
    """The same after the flow."""
    m_p: Tensor
    logs_p: Tensor
    m_q: Tensor
    logs_q: Tensor


class Synthesizer(nn.Module):
    """RVC v2's `SynthesizerTrnMs768NSFsid`: VITS (Kim et al. 2021) on content features, with an NSF decoder.

    It implements `models.voice_network.VoiceNetwork`. Its state-dict keys are RVC's. A speaker is a row of the table
    (ids (B,)) or its own vector (B, gin, 1).
    """

    def __init__(self, config: RVCConfig) -> None:
        """Build every part that the config describes, the posterior encoder included."""
        super().__init__()
        self.config = config
        self.dec: StreamingDecoder = SourceFilter(config) if config.decoder == "source-filter" else Generator(config)
        self.enc_q: PosteriorEncoder | None = PosteriorEncoder(config)
        self.flow = Flow(config)
        self.emb_g = nn.Embedding(config.spk_embed_dim, config.gin_channels)
        self.enc_p = TextEncoder(config)
        self.choose_precision(None)

    def forward(
        self,
        phone: Tensor,
        phone_lengths: Tensor,
        pitch: Tensor,
        f0: Tensor,
        spec: Tensor,
        spec_lengths: Tensor,
        speaker: Tensor,
        *,
        generator: torch.Generator | None = None,
    ) -> TrainingOutput:
        """The training forward pass: encode a batch of clips and decode a random segment of each.

        phone (B, T, content) are content features, pitch (B, T) coarse pitch 0 to 255, f0 (B, T) in Hz, spec
        (B, F, T) linear magnitudes, the lengths (B,) in frames. All random numbers come from `generator`.
        """
        if self.enc_q is None:
            raise RuntimeError("this voice has no posterior encoder, and cannot be trained")
        g = self.speaker_vector(speaker)
        m_p, logs_p, phone_mask = self.enc_p(phone, pitch, phone_lengths)
        z, m_q, logs_q, spec_mask = self.enc_q(spec, spec_lengths, g, generator)
        z_p = self.flow(z, spec_mask, g)
        segment, starts = rand_slice_segments(z, spec_lengths, self.config.segment_frames, generator)
        wav = self.dec(segment, slice_segments(f0, starts, self.config.segment_frames), g, generator=generator)
        return TrainingOutput(wav, starts, phone_mask, spec_mask, z, z_p, m_p, logs_p, m_q, logs_q)

    @torch.no_grad()
    def infer(
        self,
        phone: Tensor,
        phone_lengths: Tensor,
        pitch: Tensor,
        f0: Tensor,
        speaker: Tensor,
        *,
        noise_scale: float = PRIOR_NOISE,
        noise: Tensor | None = None,
        source_noise: Tensor | None = None,
        phase: float = 0.0,
        generator: torch.Generator | None = None,
        tile_seconds: float | None = None,
        wanted: Sequence[tuple[int, int]] | None = None,
    ) -> Tensor:
        """Convert phone (B, T, content), pitch (B, T) and f0 (B, T) in Hz to the waveform (B, 1, T * hop).

        `noise` (B, inter, T) is the prior's sample, `source_noise` (B, 1, T * hop) the excitation's; by default
        they are drawn from `generator`. `phase` (cycles) is the excitation's start phase. With `tile_seconds` the
        waveform is decoded in tiles, of the `wanted` parts (start, stop) alone. Padding frames are 0 in the output.
        """
        z, _, g = self.latents(
            phone, phone_lengths, pitch, speaker, noise_scale=noise_scale, noise=noise, generator=generator
        )
        wav = f0.new_zeros(len(z), 1, z.shape[-1] * self.config.hop)
        # Item by item where lengths differ: the decoder has no mask for padding.
        lengths = phone_lengths.tolist()
        groups = [slice(None)] if min(lengths) == max(lengths) else [slice(i, i + 1) for i in range(len(z))]
        decode = self.dec if tile_seconds is None else self._tiled(tile_seconds, wanted)
        for item in groups:
            frames = lengths[item][0]
            samples = slice(frames * self.config.hop)
            wav[item, :, samples] = decode(
                z[item, :, :frames],
                f0[item, :frames],
                g.expand(len(z), -1, -1)[item],
                phase=phase,
                generator=generator,
                noise=None if source_noise is None else source_noise[item, :, samples],
            )
        return wav

    @property
    def sampling_rate(self) -> int:
        """Hz."""
        return self.config.sampling_rate

    @property
    def kind(self) -> str:
        """In a few words: "RVC v2 40k", or our own "RVC v2 s24, 24 kHz"."""
        config = self.config
        if config.decoder == "source-filter":
            return f"RVC v2 s24, {config.sampling_rate // 1000} kHz"
        version = "v1" if config.content_dim == V1_CONTENT else "v2"
        return f"RVC {version} {config.sampling_rate // 1000}k{'' if config.f0 else ' without f0'}"

    @property
    def follows_f0(self) -> bool:
        """Unless it was made without f0."""
        return self.config.f0

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.emb_g.weight.device

    def start_phases(self, f0: Floats32) -> Floats64:
        """The phase of the sine source before each of T frames, (T,) in cycles."""
        turned = f0.astype(np.float64) / FRAME_RATE
        return np.cumsum(turned) - turned

    def choose_precision(self, bf16: bool | None) -> None:
        """How it sings from now on; `bf16` is as in `adaptive_precision`."""
        self._singing = adaptive_precision(self.kind, self._sung, self.device, bf16, part=most_voiced)

    def sing(self, frames: VoiceFrames, noise: Noise) -> Tensor:
        """Frames of 10 ms → (T · hop,); RVC knows no energy."""
        return self._singing((frames, noise))

    def _sung(self, given: tuple[VoiceFrames, Noise], half: bool) -> Tensor:
        frames, noise = given
        count = len(frames.f0)
        with precision(self.device, half):
            wav = self.infer(
                frames.content.repeat_interleave(2, dim=0)[None, :count],
                torch.tensor([count], device=self.device),
                coarse_pitch(frames.f0)[None],
                frames.f0[None],
                torch.zeros(1, dtype=torch.long, device=self.device),
                noise=noise(self.config.inter_channels, FRAME_RATE)[None].to(self.device),
                source_noise=noise(1, self.sampling_rate, 1)[None].to(self.device),
                phase=frames.phase,
                tile_seconds=TILE_SECONDS,
                wanted=frames.wanted,
            )
        return wav[0, 0].float()

    def _tiled(self, seconds: float, wanted: Sequence[tuple[int, int]] | None) -> Callable[..., Tensor]:
        return partial(self.dec.decode_tiles, tile_seconds=seconds, wanted=wanted)

    def latents(
        self,
        phone: Tensor,
        phone_lengths: Tensor,
        pitch: Tensor,
        speaker: Tensor,
        *,
        noise_scale: float = PRIOR_NOISE,
        noise: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The first half of `infer`: sample latents (B, inter, T), their mask (B, 1, T), the speaker (B, gin, 1).

        A caller that streams a song passes these to `dec.source` (which carries the phase) and `dec.decode`.
        """
        g = self.speaker_vector(speaker)
        m_p, logs_p, mask = self.enc_p(phone, pitch, phone_lengths)
        if noise is None:
            noise = gaussian_noise(m_p.shape, m_p, generator)
        z_p = (m_p + torch.exp(logs_p) * noise * noise_scale) * mask
        return self.flow(z_p, mask, g, reverse=True) * mask, mask, g

    def speaker_vector(self, speaker: Tensor) -> Tensor:
        """The speaker vectors (B, gin, 1) of ids (B,) by the speaker table; vectors are returned as they are."""
        if speaker.is_floating_point():
            if speaker.dim() != 3 or speaker.shape[1:] != (self.config.gin_channels, 1):
                raise ValueError(f"a speaker vector is (B, {self.config.gin_channels}, 1), not {tuple(speaker.shape)}")
            return speaker
        vector: Tensor = self.emb_g(speaker).unsqueeze(-1)
        return vector

    def remove_posterior(self) -> None:
        """Drop the posterior encoder, which inference does not need: voice files are written without it."""
        self.enc_q = None

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        """Load a state dict of any float type; raises UnfitWeights, which lists all mismatches.

        Call `remove_posterior` first for the weights of a voice without posterior encoder.
        """
        difference = mismatch(weights, self.state_dict())
        missing, unexpected = sorted(difference.missing), sorted(difference.unexpected)
        shapes = sorted(f"{key} is {shape}, not {needed}" for key, (shape, needed) in difference.reshaped.items())
        reasons = [
            f"{what}: {', '.join(keys)}"
            for what, keys in (("missing", missing), ("unexpected", unexpected), ("shape", shapes))
            if keys
        ]
        if missing and all(key.startswith("enc_q.") for key in missing):
            reasons.append("the weights hold no posterior encoder: call remove_posterior() first")
        if unexpected and all(key.startswith("enc_q.") for key in unexpected):
            reasons.append("the posterior encoder was removed here, the weights hold one")
        if reasons:
            raise UnfitWeights("; ".join(reasons))
        self.load_state_dict(dict(weights))
