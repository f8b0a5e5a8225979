"""Training the voice base: one network for any voice, conditioned on a speaker embedding.

Clips are reconstructed from content features (half of the time augmented by warped bands, which hide the speaker), f0,
and an embedding of another clip of the same speaker. Spectral losses come first, then the discriminator. Recordings are
compared below their own bandwidth only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import sosfiltfilt
from torch import Tensor, nn

from files.atomic import atomic_write
from lab.corpus.clips import CorpusClip
from lab.errors import CorpusError
from models.content import student as content_model
from models.pitch.trackers import VOICED_CONFIDENCE
from models.rvc import DISCRIMINATOR_SMALL, S24, Discriminator
from models.rvc.voice_base import VoiceBase, initialize, save_base
from models.signal import Floats32
from pipeline.listening.features import HIGH_PASS, SWIFT_HOP, centred
from pipeline.listening.notes import normalize_level
from pipeline.matching.match import embed
from pipeline.pool.model_pool import ModelPool
from pipeline.progress import Report, ignore
from pipeline.training.data import WARP, Windows
from pipeline.training.losses import ReconstructionLoss, band_limited
from pipeline.training.step import adversarial_losses, discriminator_step, ema, random_piece, reconstruct

EMBEDDING = 256
LOW_RATE = 16000
CROWD = "crowd"
"""The label of clips by many speakers whose identities are unknown."""
QUIET = 10 ** (-45 / 20)


@dataclass(frozen=True)
class VoiceConfig:
    """How the base is trained."""

    batch: int = 8
    learning_rate: float = 1e-3
    decay: float = 20_000
    """Steps after which the learning rate has halved."""
    settle_from: int = 1_000_000
    """The step from which it decays faster, so that training ends on converged weights."""
    settle: float = 2500
    """Steps after which it has halved again from there on."""
    warm_steps: int = 100
    adversary_from: int = 6000
    """The step at which the discriminator begins."""
    real_share: float = 0.5
    """Of each batch; all synthetic voices come from one vocoder."""
    warped_share: float = 0.5
    average: float = 0.999
    bf16: bool = True


@dataclass(frozen=True)
class ClipSignal:
    """What is extracted from a clip without the content encoder: T frames of 10 ms."""

    wav: NDArray[np.int16]
    """(T · hop,) at the base's rate."""
    f0: Floats32
    """(T,) Hz by SwiftF0, 0 where unvoiced."""
    loud: NDArray[np.bool_]
    """(T,)."""
    embedding: Floats32
    """(256,)."""


@dataclass(frozen=True)
class VoiceExample:
    """A clip with its signal and its content features."""

    signal: ClipSignal
    content: NDArray[np.float16]
    """(2, T / 2, C): unchanged, and augmented by warped bands."""
    clip: CorpusClip


def extract_clip(clip: CorpusClip, models: ModelPool, cached: Path) -> ClipSignal:
    """What does not depend on the content encoder; cached in a file."""
    if not cached.exists():
        low, high = clip.read(LOW_RATE), clip.read(S24.sampling_rate)
        frames = min(len(low) // 160, len(high) // S24.hop) // 2 * 2
        wav = normalize_level(high[: frames * S24.hop])
        vectors = embed([low], models.speaker)
        embedding = vectors.mean(0) if len(vectors) else np.zeros(EMBEDDING)
        with atomic_write(cached) as file:
            np.savez(
                file,
                wav=np.round(wav.clip(-1, 1) * 32767).astype(np.int16),
                f0=pitch_track(low, frames, models),
                loud=np.convolve(level_of(wav) > QUIET, np.ones(21), "same") > 0,
                embedding=(embedding / max(1e-6, float(np.linalg.norm(embedding)))).astype(np.float32),
            )
    with np.load(cached, allow_pickle=False) as stored:
        return ClipSignal(wav=stored["wav"], f0=stored["f0"], loud=stored["loud"], embedding=stored["embedding"])


def level_of(wav: NDArray[Any]) -> Floats32:
    """Root mean square of each frame (T,), full scale 1, of float or 16-bit samples."""
    scale = 32767.0 if wav.dtype == np.int16 else 1.0
    frames = wav.reshape(-1, S24.hop).astype(np.float32) / np.float32(scale)
    return np.asarray(np.sqrt((frames**2).mean(1)), np.float32)


def pitch_track(wav: Floats32, frames: int, models: ModelPool) -> Floats32:
    """SwiftF0 every 10 ms (frames,), between its own frames on a logarithmic scale; 0 where unvoiced."""
    f0, confidence = models.pitch.voicing(wav)
    voiced = confidence >= VOICED_CONFIDENCE
    if not voiced.any():
        return np.zeros(frames, np.float32)
    own, wanted = np.arange(len(f0)) * SWIFT_HOP, np.arange(frames) * 160
    smooth = np.exp(np.interp(wanted, own[voiced], np.log(f0[voiced])))
    nearest = np.minimum(np.round(wanted / SWIFT_HOP).astype(int), len(f0) - 1)
    return np.where(voiced[nearest], smooth, 0).astype(np.float32)


def read_clips(
    clips: Sequence[CorpusClip], models: ModelPool, folder: Path, report: Report = ignore
) -> list[VoiceExample]:
    """Every clip with the content features of the encoder in use; features are cached in `folder`."""
    signals_at, content_at = folder / "heard", folder / content_model.MODEL_ID
    for path in (signals_at, content_at):
        path.mkdir(parents=True, exist_ok=True)
    examples = []
    for number, clip in enumerate(clips):
        name = f"{clip.path.parent.name}-{clip.path.stem}.npz"
        signal = extract_clip(clip, models, signals_at / name)
        cached = content_at / name
        if not cached.exists():
            features = _content(clip.read(LOW_RATE), len(signal.f0) // 2, models, number)
            with atomic_write(cached) as file:
                np.savez(file, content=features)
        with np.load(cached, allow_pickle=False) as stored:
            rms = level_of(signal.wav)
            rows = np.stack([centred(variant.astype(np.float32), rms) for variant in stored["content"]])
        examples.append(VoiceExample(signal, rows.astype(np.float16), clip))
        report("listening", (number + 1) / len(clips))
    return examples


@torch.inference_mode()
def _content(wav: Floats32, frames: int, models: ModelPool, seed: int) -> NDArray[np.float16]:
    """(2, frames, C): of the sound, and of the sound with warped bands."""
    encoder = models.content
    clean = np.ascontiguousarray(sosfiltfilt(HIGH_PASS, wav), dtype=np.float32)
    mel = encoder.log_mel(torch.from_numpy(clean))
    generator = torch.Generator().manual_seed(seed)
    pair = torch.stack([mel, encoder.warped(mel[None], WARP, generator)[0]])
    return encoder(pair)[:, :frames].half().numpy()  # type: ignore[no-any-return]


class VoiceTask:
    """The base, its speaker projection, the discriminator, and the moving average that ships."""

    def __init__(self, examples: Sequence[VoiceExample], config: VoiceConfig) -> None:
        self.config = config
        self.examples = [
            example for example in examples if not example.clip.held_out and len(example.signal.f0) > S24.segment_frames
        ]
        self.held_out = [example for example in examples if example.clip.held_out and len(example.signal.f0) > 300]
        torch.manual_seed(0)
        self.base = VoiceBase()
        initialize(self.base.network)
        self.discriminator = Discriminator(DISCRIMINATOR_SMALL)
        self.average = ema(self.base, config.average)
        self.modules = {"base": self.base, "discriminator": self.discriminator, "average": self.average}
        options: dict[str, Any] = {"lr": config.learning_rate, "betas": (0.8, 0.99), "eps": 1e-9}
        self.optimizers = {
            "base": torch.optim.AdamW(self.base.parameters(), **options),
            "discriminator": torch.optim.AdamW(self.discriminator.parameters(), **options),
        }
        self.loss = ReconstructionLoss(S24)
        seconds = torch.tensor([float(example.signal.loud.sum()) for example in self.examples])
        synthetic = torch.tensor([example.clip.synthetic for example in self.examples])
        recorded, synthesised = seconds * ~synthetic, seconds * synthetic
        if not (recorded.any() and synthesised.any() and self.held_out):
            raise CorpusError("the corpus must hold real, synthetic and held-out clips.")
        self.weights = config.real_share * recorded / recorded.sum()
        self.weights += (1 - config.real_share) * synthesised / synthesised.sum()
        self.by_speaker: dict[str, list[VoiceExample]] = {}
        for example in self.examples:
            self.by_speaker.setdefault(example.clip.speaker, []).append(example)

    def step(self, number: int, generator: torch.Generator) -> dict[str, float]:
        """One step of the base, and of the discriminator once it has begun."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = self._rate(number)
        content, f0, wav, embedding, bandwidth = self._draw(generator)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.config.bf16):
            windows = Windows(content, f0, wav, self.base.speaker_vector(embedding))
            generated, real = reconstruct(self.base.network, windows, generator)
        generated, real = (band_limited(x, bandwidth, S24.sampling_rate) for x in (generated, real))
        losses = {"spectral": self.loss(generated, real)}
        total = losses["spectral"]
        if number >= self.config.adversary_from:
            with torch.autocast("cpu", torch.bfloat16, enabled=self.config.bf16):
                pieces = random_piece(generated, real, generator)
                discriminator_loss = discriminator_step(self.discriminator, self.optimizers["discriminator"], *pieces)
                losses |= adversarial_losses(self.discriminator, *pieces)
            total = losses["spectral"] + losses["adversarial"] + losses["feature"]
            losses["discriminator"] = discriminator_loss
        self.optimizers["base"].zero_grad()
        torch.autograd.backward(total)
        nn.utils.clip_grad_norm_(self.base.parameters(), 100.0)
        self.optimizers["base"].step()
        self.average.update_parameters(self.base)
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def _rate(self, number: int) -> float:
        config = self.config
        halvings = number / config.decay + max(0, number - config.settle_from) / config.settle
        warm = min(1.0, (number + 1) / config.warm_steps)
        return float(config.learning_rate * warm * 0.5**halvings)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Log-mel error on held-out voices, each conditioned on the embedding of the clip itself."""
        generator = torch.Generator().manual_seed(0)
        base = cast(VoiceBase, self.average.module)
        errors = []
        for example in self.held_out[::8]:
            content, f0, wav, embedding = self._window(example, example, 100, 0)
            windows = Windows(content[None], f0[None], wav[None], base.speaker_vector(embedding[None]))
            generated, real = reconstruct(base.network, windows, generator)
            bandwidth = torch.tensor([example.clip.bandwidth])
            generated, real = (band_limited(x, bandwidth, S24.sampling_rate) for x in (generated, real))
            errors.append(float(self.loss.mel(generated, real)))
        return {"mel": float(np.mean(errors))}

    def _draw(self, generator: torch.Generator) -> tuple[Tensor, ...]:
        """A batch: content (B, T, C), f0 (B, T), wav (B, T · hop), embedding (B, 256), bandwidth (B,)."""
        picks = torch.multinomial(self.weights, self.config.batch, True, generator=generator).tolist()
        windows = []
        for pick in picks:
            example = self.examples[pick]
            same = [example] if example.clip.speaker == CROWD else self.by_speaker[example.clip.speaker]
            reference = same[int(torch.randint(len(same), (1,), generator=generator))]
            last = len(example.signal.f0) - S24.segment_frames
            starts = np.flatnonzero(example.signal.loud[S24.segment_frames // 2 :][:last]) // 2 * 2
            start = int(starts[int(torch.randint(len(starts), (1,), generator=generator))]) if len(starts) else 0
            warped = int(torch.rand(1, generator=generator) < self.config.warped_share)
            windows.append(self._window(example, reference, start, warped))
        columns = [torch.stack(column) for column in zip(*windows, strict=True)]
        return (*columns, torch.tensor([self.examples[pick].clip.bandwidth for pick in picks]))

    def _window(
        self, example: VoiceExample, reference: VoiceExample, start: int, warped: int
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        stop = start + S24.segment_frames
        content = example.content[warped][np.minimum(np.arange(start, stop) // 2, example.content.shape[1] - 1)]
        wav = example.signal.wav[start * S24.hop : stop * S24.hop].astype(np.float32) / 32767
        return (
            torch.from_numpy(content.astype(np.float32)),
            torch.from_numpy(example.signal.f0[start:stop]),
            torch.from_numpy(wav),
            torch.from_numpy(reference.signal.embedding),
        )


def export(task: VoiceTask, path: Path) -> None:
    """Write the averaged base, without the discriminator."""
    save_base(path, cast(VoiceBase, task.average.module), content_model.MODEL_ID)
