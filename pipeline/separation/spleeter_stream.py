"""Separation by Spleeter: a stream of the mix → a stream of its vocals, in constant memory.

Framed exactly as Spleeter frames it (4096 zeros before the signal), with three refinements that were measured
to help or to cost nothing: segments overlap by half and are cross-faded, bins above 11 kHz take the mean mask of the
top 64 estimated bins, and instrumental = mix − vocals, so that the stems sum to the mix.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from models.separation.chunks import REST
from models.separation.spleeter import BINS, FRAMES, HOP, N_FFT, Stems
from models.signal import Floats32
from pipeline.sound.overlap_add import HANN_GAIN, OverlapAdd, overlap_add_frames

STEP = FRAMES // 2
EDGE_BINS = 64


def separate(mix: Iterable[Floats32], networks: Stems, count: int | None = None) -> Iterator[Floats32]:
    """Yield vocals (2, n) for a mix (2, n) at 44.1 kHz; what is yielded sums to the mix's length.

    `mix` is read one segment ahead. A block is 5.94 s; segments lie on one grid for the whole song, so the result
    does not depend on how the mix was cut. No network hears a segment that rests.
    """
    device = networks[0].device
    window = torch.hann_window(N_FFT, device=device)
    fade = (1 - ((torch.arange(FRAMES, device=device) + 0.5) / STEP - 1).abs())[None, :, None]
    before: list[Tensor] | None = None
    stream = OverlapAdd(2, N_FFT - HOP, N_FFT)  # Spleeter puts zeros before the signal

    for audio, total in _segments(mix):
        spectrum = _stft(torch.from_numpy(audio).to(device), window)
        with torch.inference_mode():
            magnitude = spectrum.abs()[..., :BINS]
            sound = np.abs(audio).max() >= REST
            estimates = [network(magnitude[None])[0] if sound else torch.zeros_like(magnitude) for network in networks]
        first = [estimate[:, :STEP] for estimate in estimates]
        if before is not None:
            first = [new * fade[:, :STEP] + old for new, old in zip(first, before, strict=True)]
        halves = [(spectrum[:, :STEP], first)]
        if total is not None:
            halves.append((spectrum[:, STEP:], [estimate[:, STEP:] for estimate in estimates]))
        before = [estimate[:, STEP:] * fade[:, STEP:] for estimate in estimates]
        for frames, parts in halves:
            vocals = stream.add(_resynthesise(frames * _mask(parts[0], parts[1]), window), total)
            if vocals.shape[1]:
                yield vocals


def _segments(mix: Iterable[Floats32]) -> Iterator[tuple[Floats32, int | None]]:
    """Cut the padded mix into overlapping segments (2, samples of 512 frames); the last comes with the total."""
    span, advance = (FRAMES - 1) * HOP + N_FFT, STEP * HOP
    buffer = np.zeros((2, N_FFT), np.float32)
    total = 0
    for block in mix:
        buffer = np.concatenate([buffer, block.astype(np.float32)], axis=1)
        total += block.shape[1]
        while buffer.shape[1] >= span:
            yield buffer[:, :span], None
            buffer = buffer[:, advance:]
    while True:
        more = buffer.shape[1] > FRAMES * HOP
        yield np.pad(buffer, ((0, 0), (0, span)))[:, :span], None if more else total
        if not more:
            return
        buffer = buffer[:, advance:]


def _stft(audio: Tensor, window: Tensor) -> Tensor:
    """(2, samples) → (2, frames, 2049)."""
    return torch.stft(audio, N_FFT, HOP, window=window, center=False, return_complex=True).mT


def _mask(vocals: Tensor, accompaniment: Tensor) -> Tensor:
    """Ratio mask with exponent 2 (2, T, 2049) from magnitudes (2, T, 1024)."""
    power, rest = vocals.clamp_min(0) ** 2, accompaniment.clamp_min(0) ** 2
    mask = (power + 5e-11) / (power + rest + 1e-10)
    edge = mask[..., -EDGE_BINS:].mean(-1, keepdim=True)
    return torch.cat([mask, edge.expand(*edge.shape[:-1], N_FFT // 2 + 1 - BINS)], dim=-1)


def _resynthesise(spectrum: Tensor, window: Tensor) -> Floats32:
    """(2, T, 2049) → (2, (T − 1) · hop + 4096), whose ends are to be overlapped with the segments beside."""
    frames = torch.fft.irfft(spectrum, n=N_FFT) * window / HANN_GAIN
    return overlap_add_frames(frames, HOP).cpu().numpy()
