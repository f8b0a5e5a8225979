"""Voice conversion: a song's content features and f0 in another voice, block by block, without audible joints."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.memory import AdaptiveSize
from models.rvc import Synthesizer
from models.signal import Floats32
from pipeline.listening.features import FRAME_RATE, SILENCE_RMS, Features
from pipeline.progress import Report, ignore
from pipeline.voices.retrieval import blend

BLOCK_SECONDS = 20
CONTEXT_FRAMES = FRAME_RATE
NOISE_FRAMES = 10 * FRAME_RATE
FADE_SECONDS = 0.02
ENVELOPE_FRAMES = FRAME_RATE // 2
TILE_SECONDS = 1.0


@dataclass(frozen=True)
class ConvertOptions:
    """How a song is converted. Defaults are RVC's, but for a gentler index rate."""

    key_shift: int = 0
    """Semitones."""
    index_rate: float = 0.3
    protect: float = 0.33
    envelope: float = 0.25
    """0 follows the source's loudness, 1 the voice's own."""
    seed: int = 0


def convert(
    features: Features,
    voice: Synthesizer,
    rows: Tensor | None,
    options: ConvertOptions = ConvertOptions(),
    report: Report = ignore,
) -> Iterator[Floats32]:
    """Yield the song (samples,) at the voice's rate, block by block; T frames give T · hop samples.

    All noise and the source's phase belong to the song's frames, not to the block, so two blocks agree where
    they meet; they are cross-faded over 20 ms. Blocks without sound stay silent. From where memory runs out, blocks are
    half as long. Raises AllocationFailed.
    """
    rate, hop = voice.config.sampling_rate, voice.config.hop
    shifted = features.f0 * np.float32(2 ** (options.key_shift / 12))
    cycles = np.concatenate([[0.0], np.cumsum(shifted.astype(np.float64) / FRAME_RATE)])
    fade = np.linspace(0, 1, round(FADE_SECONDS * rate), dtype=np.float32)
    fading: Floats32 | None = None
    total = len(features)

    def block(first: int, last: int) -> tuple[int, Floats32]:
        """How many samples the seconds first…last have, and the wave from their start to past their end."""
        start, stop = first * FRAME_RATE, min(total, last * FRAME_RATE)
        low, high = max(0, start - CONTEXT_FRAMES), min(total, stop + CONTEXT_FRAMES)
        if features.rms[start:stop].max() < SILENCE_RMS:
            wav = np.zeros((high - low) * hop, np.float32)
        else:
            wav = _convert_window(features, shifted, low, high, cycles[low] % 1.0, voice, rows, options)
            wav *= _envelope(features.rms[low:high], wav, hop, options.envelope)
        return (stop - start) * hop, wav[(start - low) * hop :]

    at_once = AdaptiveSize("seconds that are converted at once", BLOCK_SECONDS)
    done = 0
    for length, wav in at_once.over(-(-total // FRAME_RATE), block):
        own, after = wav[:length], wav[length:]
        if fading is not None:
            n = min(len(fading), len(own))
            own[:n] = own[:n] * fade[:n] + fading[:n] * (1 - fade[:n])
        fading = after[: len(fade)].copy() if len(after) >= len(fade) else None
        done += length
        report("converting", done / (total * hop))
        yield own


def _convert_window(
    features: Features,
    f0: Floats32,
    low: int,
    high: int,
    phase: float,
    voice: Synthesizer,
    rows: Tensor | None,
    options: ConvertOptions,
) -> Floats32:
    """Frames low…high (low is even) of the song → (samples,) at the voice's rate."""
    device = next(voice.parameters()).device
    window = torch.from_numpy(f0[low:high]).to(device)
    content = torch.from_numpy(features.content[low // 2 : -(-high // 2)]).to(device)
    if rows is not None:
        voiced = torch.from_numpy(features.voiced[low:high:2].copy()).to(device)
        content = blend(content, rows, voiced[: len(content)], options.index_rate, options.protect)
    phone = content.repeat_interleave(2, dim=0)[: high - low]
    noise = _noise(low, high, voice.config.inter_channels, 1, options.seed)
    source_noise = _noise(low, high, 1, voice.config.hop, options.seed + 1)
    wav = voice.infer(
        phone[None],
        torch.tensor([high - low], device=device),
        coarse_pitch(window)[None],
        window[None],
        torch.zeros(1, dtype=torch.long, device=device),
        noise=noise[None].to(device),
        source_noise=source_noise[None].to(device),
        phase=float(phase),
        tile_seconds=TILE_SECONDS,
    )
    return wav[0, 0].float().cpu().numpy()


def coarse_pitch(f0: Tensor) -> Tensor:
    """F0 in Hz (…) → RVC's 1–255 steps on the mel scale from 50 to 1100 Hz; 1 where unvoiced."""
    mel = 1127 * torch.log1p(f0 / 700)
    low, high = (1127 * np.log1p(hz / 700) for hz in (50.0, 1100.0))
    scaled = (mel - low) * 254 / (high - low) + 1
    coarse: Tensor = scaled.clamp(1, 255).round().long()
    return coarse


def octave_shift(f0: Floats32, median_f0: float) -> int:
    """The whole octaves, in semitones, that bring a song's f0 nearest to a voice's median."""
    voiced = f0[f0 > 0]
    if not len(voiced) or median_f0 <= 0:
        return 0
    return 12 * round(float(np.log2(median_f0 / np.median(voiced))))


def _noise(low: int, high: int, width: int, samples: int, seed: int) -> Tensor:
    """Normal noise (width, (high − low) · samples) that belongs to these frames of the song, whatever the block."""
    parts = []
    for block in range(low // NOISE_FRAMES, -(-high // NOISE_FRAMES)):
        generator = torch.Generator().manual_seed(seed * 1_000_003 + block)
        parts.append(torch.randn(width, NOISE_FRAMES * samples, generator=generator))
    start = low % NOISE_FRAMES * samples
    return torch.cat(parts, dim=1)[:, start : start + (high - low) * samples]


def _envelope(rms: Floats32, wav: Floats32, hop: int, mix: float) -> Floats32:
    """Gain (samples,) that gives `wav` the source's loudness by 1 − `mix`, over 0.5 s; silence stays silent."""
    frames = len(rms)
    own = np.sqrt((wav.reshape(frames, hop) ** 2).mean(1))
    window = np.ones(ENVELOPE_FRAMES) / ENVELOPE_FRAMES
    source, converted = (np.sqrt(np.convolve(level.astype(np.float64) ** 2, window, "same")) for level in (rms, own))
    gain = (np.maximum(source, 1e-6) / np.maximum(converted, 1e-3)) ** (1 - mix)
    gain *= np.clip(source / SILENCE_RMS - 1, 0, 1)
    centres = (np.arange(frames) + 0.5) * hop
    return np.interp(np.arange(frames * hop), centres, gain).astype(np.float32)
