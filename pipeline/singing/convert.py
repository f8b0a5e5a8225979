"""Voice conversion: a song's content features and f0 in another voice, block by block, without audible joints."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.memory import AdaptiveSize
from models.signal import Floats32
from models.voice_network import VoiceFrames, VoiceNetwork
from pipeline.listening.features import Features
from pipeline.listening.frames import FRAME_RATE, SILENCE_RMS, parts_that_sound
from pipeline.progress import Report, ignore
from pipeline.singing.noise import SongNoise
from pipeline.voices.retrieval import Retrieval, blend

BLOCK_SECONDS = 20
CONTEXT_FRAMES = FRAME_RATE
FADE_SECONDS = 0.02
ENVELOPE_FRAMES = FRAME_RATE // 2


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
    voice: VoiceNetwork,
    retrieval: Retrieval | None,
    options: ConvertOptions = ConvertOptions(),
    report: Report = ignore,
) -> Iterator[Floats32]:
    """Yield the song (samples,) at the voice's rate, block by block; T frames of 10 ms.

    All noise and the source's phase belong to the song's frames, not to the block, so two blocks agree where
    they meet; they are cross-faded over 20 ms. Rests stay silent, and no network works for them. From where memory runs
    out, blocks are half as long. Raises AllocationFailed.
    """
    hop = voice.sampling_rate // FRAME_RATE
    shifted = features.f0 * np.float32(2 ** (options.key_shift / 12))
    phases = voice.start_phases(shifted)
    fade = np.linspace(0, 1, round(FADE_SECONDS * voice.sampling_rate), dtype=np.float32)
    fading: Floats32 | None = None
    total = len(features)

    def block(first: int, last: int) -> tuple[int, Floats32]:
        """How many samples the seconds first…last have, and the wave from their start to past their end."""
        start, stop = first * FRAME_RATE, min(total, last * FRAME_RATE)
        low, high = max(0, start - CONTEXT_FRAMES), min(total, stop + CONTEXT_FRAMES)
        wanted = _sung_parts(features.rms, start, stop, low)
        if not wanted:
            wav = np.zeros((high - low) * hop, np.float32)
        else:
            phase = float(phases[low] % 1.0)
            wav = _sing_window(features, shifted, slice(low, high), phase, wanted, voice, retrieval, options)
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


def _sing_window(
    features: Features,
    f0: Floats32,
    window: slice,
    phase: float,
    wanted: tuple[tuple[int, int], ...],
    voice: VoiceNetwork,
    retrieval: Retrieval | None,
    options: ConvertOptions,
) -> Floats32:
    """A window of the song's frames, which starts at an even one → (samples,) at the voice's rate."""
    low, high = window.start, window.stop

    def on_device(track: Floats32 | NDArray[np.bool_]) -> Tensor:
        return torch.from_numpy(track).to(voice.device)

    content = on_device(features.content[low // 2 : -(-high // 2)])
    if retrieval is not None:
        content = content.clone()  # the song's own features stay
        voiced = on_device(features.voiced[low:high:2].copy())
        for start, stop in wanted:
            part = slice(start // 2, -(-stop // 2))
            content[part] = blend(content[part], retrieval, voiced[part], options.index_rate, options.protect)
    energy = on_device(features.energy[window])
    frames = VoiceFrames(content, on_device(f0[window]), energy, features.level, phase, wanted)
    return voice.sing(frames, SongNoise(low, high, options.seed)).float().cpu().numpy()


def _sung_parts(rms: Floats32, start: int, stop: int, origin: int) -> tuple[tuple[int, int], ...]:
    """What has to be sung for the frames start…stop of a song, as parts (start, stop) counted from `origin`.

    The envelope is 0 and looks at nothing beside them.
    """
    parts = parts_that_sound(rms, start, stop, ENVELOPE_FRAMES)
    return tuple((first - origin, last - origin) for first, last in parts)


def octave_shift(f0: Floats32, median_f0: float) -> int:
    """The whole octaves, in semitones, that bring a song's f0 nearest to a voice's median."""
    voiced = f0[f0 > 0]
    if not len(voiced) or median_f0 <= 0:
        return 0
    return 12 * round(float(np.log2(median_f0 / np.median(voiced))))


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
