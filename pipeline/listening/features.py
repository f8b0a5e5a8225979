"""Features of a voice that do not depend on the speaker: content features, f0, voicing and loudness."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from files.atomic import atomic_write
from models.content.encoder import ContentEncoder
from models.harmonic.energy import SILENT_ENERGY, energy
from models.memory import AdaptiveSize
from models.pitch.trackers import HIGHEST, HOP, LOWEST, SWIFT_HOP, VOICED_CONFIDENCE, PitchTrackers, Voicing
from models.signal import SPEECH_RATE, Floats32
from pipeline.listening.frames import SILENCE_RMS
from pipeline.progress import Report, ignore
from pipeline.sound.overlap_add import with_context

BLOCK_SECONDS = 20
CONTEXT_SECONDS = 2
MOST_SECONDS = 60
PIECE = CONTEXT_SECONDS * SPEECH_RATE  # a multiple of every hop: 125 of SwiftF0's, 100 of the content's
LEAST_VOICED = 20  # frames; fewer are slips of the tracker
MAX_DISAGREEMENT = 350.0  # cents
HIGH_PASS = butter(5, 48, "highpass", fs=SPEECH_RATE, output="sos")


@dataclass(frozen=True)
class Features:
    """T frames of 10 ms."""

    content: Floats32
    """(ceil(T / 2), C) at 50 frames/s, centred over what sounds if the encoder's voices want that."""
    f0: Floats32
    """(T,) Hz, 0 where unvoiced: never interpolated, `protect` needs true voicing."""
    rms: Floats32
    """(T,) root mean square."""
    energy: Floats32
    """(T,) by `models.harmonic.energy`: what h24 voices follow."""

    @property
    def voiced(self) -> NDArray[np.bool_]:
        """(T,) where there is a pitch."""
        return self.f0 > 0

    @property
    def level(self) -> float:
        """The median energy where there is a pitch; of a whisper, where it sounds; 0 of silence."""
        heard = self.voiced if self.voiced.sum() >= LEAST_VOICED else loudest(self.rms)
        return float(np.median(self.energy[heard])) if heard.any() else 0.0

    def __len__(self) -> int:
        return len(self.f0)


def extract(wav: Floats32, content: ContentEncoder, pitch: PitchTrackers, heard: Voicing | None = None) -> Features:
    """Features of a mono recording (samples,) at 16 kHz; T = samples // 160.

    `heard` is what `pitch.voicing` gives of it, if it was asked before.
    More than a minute goes in equal parts of at most that, or less where memory runs out, with 2 s of context before
    and after: attention over a quarter of an hour takes a gigabyte and twice the time. Raises AllocationFailed.
    """
    parts = max(1, -(-len(wav) // (MOST_SECONDS * SPEECH_RATE)))
    return _centred(_extract_pieces(wav, content, pitch, _at_once(-(-len(wav) // parts)), heard), content)


def centred(content: Floats32, rms: Floats32) -> Floats32:
    """Content (T / 2, C) minus its mean over what sounds (`rms` (T,)): words change, the speaker and the room stay.

    On held-out voices it halves what a classifier knows of the speaker, and costs no words (docs/weights.md).
    """
    loud = loudest(rms)[::2][: len(content)]
    return content - content[: len(loud)][loud].mean(0) if loud.any() else content


def _centred(features: Features, encoder: ContentEncoder) -> Features:
    """The same with its content centred, if the encoder's voices want that."""
    return replace(features, content=centred(features.content, features.rms)) if encoder.centred else features


def loudest(rms: Floats32) -> NDArray[np.bool_]:
    """(T,) which frames are above silence and within 40 dB of the loudest."""
    return rms > max(SILENCE_RMS, float(rms.max(initial=0.0)) * 10 ** (-40 / 20))


def _at_once(samples: int) -> AdaptiveSize:
    return AdaptiveSize(f"pieces of {CONTEXT_SECONDS} s that are listened to at once", max(1, -(-samples // PIECE)))


def _extract_pieces(
    wav: Floats32, content: ContentEncoder, pitch: PitchTrackers, pieces: AdaptiveSize, heard: Voicing | None = None
) -> Features:
    """What `_extract` gives, by as many pieces at once as fit into memory, with one more before and after."""
    frames = len(wav) // HOP

    def extracted(start: int, stop: int) -> Features:
        low = max(0, start - 1)
        span = slice(low * PIECE // SWIFT_HOP, (stop + 1) * PIECE // SWIFT_HOP)
        told = None if heard is None else (heard[0][span], heard[1][span])
        features = _extract(wav[low * PIECE : (stop + 1) * PIECE], content, pitch, told)
        first = low * PIECE // HOP
        return cut(features, start * PIECE // HOP - first, min(stop * PIECE // HOP, frames) - first)

    return _joined(list(pieces.over(-(-len(wav) // PIECE), extracted)))


def cut(features: Features, start: int, stop: int) -> Features:
    """Frames start…stop; `start` is even."""
    rows = slice(start // 2, -(-stop // 2))
    return Features(
        features.content[rows], features.f0[start:stop], features.rms[start:stop], features.energy[start:stop]
    )


def _joined(parts: list[Features]) -> Features:
    names = [field.name for field in fields(Features)]
    return Features(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _extract(wav: Floats32, content: ContentEncoder, pitch: PitchTrackers, heard: Voicing | None) -> Features:
    """Features whose content is not centred yet."""
    wav = np.ascontiguousarray(sosfiltfilt(HIGH_PASS, wav), dtype=np.float32)
    frames = len(wav) // HOP
    features = content.encode(torch.from_numpy(wav).to(content.device)).float().cpu().numpy()
    f0 = _fit(pitch.f0(wav, heard), frames)
    if not pitch.own_voicing:
        f0 = _voiced(f0, *(heard or pitch.voicing(wav)))
    return Features(features, f0, _frame_rms(wav), energy(wav))


def extract_stream(
    blocks: Iterable[Floats32],
    content: ContentEncoder,
    pitch: PitchTrackers,
    seconds: float,
    report: Report = ignore,
) -> Features:
    """The same for a stream of mono blocks at 16 kHz, of about `seconds` in all.

    Works 20 s at a time, or less from where memory ran out, with 2 s of context before and after. Blocks without
    sound are not encoded. Raises AllocationFailed.
    """
    report("listening", 0.0)
    at_once = _at_once((BLOCK_SECONDS + 2 * CONTEXT_SECONDS + 1) * SPEECH_RATE)
    parts: list[Features] = []
    for block in with_context(blocks, BLOCK_SECONDS * SPEECH_RATE, CONTEXT_SECONDS * SPEECH_RATE):
        frames = -(-block.length // HOP)
        wav = np.pad(block.audio, (0, -len(block.audio) % (2 * HOP) + 2 * HOP))
        if _frame_rms(wav).max(initial=0.0) < SILENCE_RMS:
            parts.append(_silence(frames, content.width))
        else:
            features = _extract_pieces(wav, content, pitch, at_once)
            parts.append(cut(features, block.left // HOP, block.left // HOP + frames))
        report("listening", min(1.0, (block.start + block.length) / (seconds * SPEECH_RATE)))
    return _centred(_joined(parts), content)


def save(path: Path, features: Features) -> None:
    """Write features atomically: content in half precision, f0 and loudness in full."""
    with atomic_write(path) as file:
        np.savez(file, **to_arrays(features))


def load(path: Path) -> Features:
    """Read what `save` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        return from_arrays(stored)


def to_arrays(features: Features) -> dict[str, Any]:
    """What is written of features: content in half precision, f0 and loudness in full."""
    content = features.content.astype(np.float16)
    return {"content": content, "f0": features.f0, "rms": features.rms, "energy": features.energy}


def from_arrays(stored: Mapping[str, NDArray[Any]]) -> Features:
    """The features that `to_arrays` gave."""
    f0 = stored["f0"]
    energy = stored["energy"] if "energy" in stored else np.zeros_like(f0)  # before h24, whose voices need it
    return Features(stored["content"].astype(np.float32), f0, stored["rms"], energy)


def _voiced(f0: Floats32, swift: Floats32, confidence: Floats32) -> Floats32:
    """F0 (T,), corrected and 0 where unvoiced by SwiftF0's estimates every 16 ms."""
    nearest = np.minimum(np.round(np.arange(len(f0)) * HOP / SWIFT_HOP).astype(int), len(swift) - 1)
    voiced = confidence[nearest] >= VOICED_CONFIDENCE
    return np.where(voiced, _agreed(f0, swift[nearest]), 0).astype(np.float32)


def _agreed(fcpe: Floats32, swift: Floats32) -> Floats32:
    """FCPE's f0, but SwiftF0's where the two are further apart than any slip of pitch: FCPE lost the note there."""
    cents = 1200 * np.abs(np.log2(np.maximum(fcpe, 1.0) / np.maximum(swift, 1.0)))
    return np.clip(np.where(cents > MAX_DISAGREEMENT, swift, fcpe), LOWEST, HIGHEST).astype(np.float32)


def _frame_rms(wav: Floats32) -> Floats32:
    """(samples,) → (samples // 160,)."""
    frames = len(wav) // HOP
    return np.asarray(np.sqrt((wav[: frames * HOP].reshape(frames, HOP) ** 2).mean(1)), np.float32)


def _silence(frames: int, width: int) -> Features:
    nothing = np.zeros(frames, np.float32)
    silence = np.full(frames, SILENT_ENERGY, np.float32)
    return Features(np.zeros((-(-frames // 2), width), np.float32), nothing, nothing, silence)


def _fit(values: Floats32, length: int) -> Floats32:
    return np.pad(values[:length], (0, max(0, length - len(values))), mode="edge")
