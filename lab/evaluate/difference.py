"""Conversion without training: the source, filtered by how its neighbours in the target differ from it.

For each frame of the source the target's nearest frames by content are retrieved; their mean log envelope minus the
source's own, smoothed over time and frequency, is a filter that is applied to the source's spectrum. Pitch, phase and
words stay the source's. A voice that was trained must beat it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.signal import istft, stft
from torch import Tensor

from lab.evaluate import world
from lab.evaluate.mcd import active_frames
from models.content.student import ContentStudent
from models.signal import SPEECH_RATE, Floats32
from pipeline.sound.resample import resample
from pipeline.voices.retrieval import NEIGHBOURS

Doubles = NDArray[np.float64]
NAME = "source + smoothed neighbour difference (no training)"
FRAME_RATE = 50
EVERY = round(1000 / FRAME_RATE / world.FRAME_MS)
SMOOTH_SECONDS = 0.03
SMOOTH_HZ = 80.0
LIMIT = 3.0  # nepers: 26 dB
WINDOW_SECONDS = 0.04


@dataclass(frozen=True)
class ConversionMaterial:
    """Recordings of the target: content (N, C) and centred log magnitude envelopes (N, bins), of active frames."""

    content: Tensor
    envelopes: Tensor
    rate: int


def extract_material(recordings: Sequence[Floats32], rate: int, encoder: ContentStudent) -> ConversionMaterial:
    """Features of mono recordings (samples,) at `rate`."""
    contents, envelopes = [], []
    for wav in recordings:
        content, log_envelope, active = _analyse(wav, rate, encoder)
        contents.append(content[active])
        envelopes.append(log_envelope[active].astype(np.float32))
    return ConversionMaterial(
        torch.from_numpy(np.concatenate(contents)), torch.from_numpy(np.concatenate(envelopes)), rate
    )


def convert_by_difference(
    wav: Floats32, material: ConversionMaterial, encoder: ContentStudent, key_shift: int = 0
) -> Floats32:
    """Mono (samples,) at the material's rate → the same length in the target's colour.

    Where the key is shifted, the source is WORLD's copy at that pitch.
    """
    rate = material.rate
    own = world.copy(wav, rate, key_shift) if key_shift else wav
    filters = neighbour_difference(wav, material, encoder)
    size = 2 ** round(np.log2(WINDOW_SECONDS * rate))
    bins, times, spectrum = stft(own, rate, nperseg=size, noverlap=size * 3 // 4)
    rows = np.clip(times * FRAME_RATE - 0.5, 0, len(filters) - 1)
    low = np.floor(rows).astype(int)
    part = (rows - low)[:, None]
    gain = filters[low] * (1 - part) + filters[np.minimum(low + 1, len(filters) - 1)] * part
    places = np.linspace(0, rate / 2, gain.shape[1])
    on_bins = np.stack([np.interp(bins, places, row) for row in gain], axis=1)
    _, filtered = istft(spectrum * np.exp(on_bins), rate, nperseg=size, noverlap=size * 3 // 4)
    fitted = np.pad(filtered[: len(wav)], (0, max(0, len(wav) - len(filtered))))
    level = np.sqrt(float((wav.astype(np.float64) ** 2).mean()) / max(float((fitted**2).mean()), 1e-20))
    return np.asarray(fitted * level, np.float32)


def neighbour_difference(wav: Floats32, material: ConversionMaterial, encoder: ContentStudent) -> Doubles:
    """(T, bins) smoothed log gains at 50 frames/s; 0 where the source is silent."""
    content, log_envelope, active = _analyse(wav, material.rate, encoder)
    distance = torch.cdist(torch.from_numpy(content), material.content)
    nearest = distance.topk(min(NEIGHBOURS, len(material.content)), dim=1, largest=False).indices
    wanted = material.envelopes[nearest].mean(1).double().numpy()
    difference = np.where(active[:, None], np.clip(wanted - log_envelope, -LIMIT, LIMIT), 0.0)
    width = SMOOTH_HZ / (material.rate / 2) * difference.shape[1]
    smooth: Doubles = gaussian_filter(difference, (SMOOTH_SECONDS * FRAME_RATE, width), mode="nearest")
    return smooth


def _analyse(wav: Floats32, rate: int, encoder: ContentStudent) -> tuple[Floats32, Doubles, NDArray[np.bool_]]:
    """Content (T, C), centred log magnitudes (T, bins) and activity (T,) at 50 frames/s."""
    low = resample(wav, rate, SPEECH_RATE)
    content = encoder.encode(torch.from_numpy(low).to(encoder.mel_basis.device)).float().cpu().numpy()
    log_envelope = 0.5 * np.log(np.maximum(world.envelope(wav, rate)[EVERY // 2 :: EVERY], 1e-20))
    count = min(len(content), len(log_envelope))
    active = active_frames(wav, rate // FRAME_RATE, count)
    log_envelope = log_envelope[:count]
    return content[:count], log_envelope - log_envelope.mean(1, keepdims=True), active
