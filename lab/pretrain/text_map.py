"""Training the content encoder's map: Whisper's layers of a synthetic clip → the text features of its phones.

The clips' phones and durations are known, so hibari's text encoder says what its decoder would be told. The features
are compared, and now and then the filters that the decoder makes of them. Many voices say the same phones, so the map
learns to forget who speaks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional as F

from files.atomic import atomic_write
from lab.corpus.clips import STEP_SECONDS, CorpusClip, trainable
from lab.errors import CorpusError
from lab.networks.hibari import Hibari
from models.content import whisper
from models.content.whisper_text import HeardLayers, TextMap
from models.harmonic.energy import energy
from models.harmonic.frames import decoder_frames
from models.harmonic.network import ConvNeXtBlock
from models.harmonic.voice import LEVEL
from models.signal import SPEECH_RATE, Floats32
from pipeline.progress import Report, ignore
from pipeline.training.crew import ALONE, Crew

FRAMES = 100
"""Of 20 ms, of a window."""
CONTENT_RATE = 50
SOUNDS = -2.0
"""Energy above which the decoder's filters are compared."""
QUIETEST, LOUDEST = -14.0, 7.0
"""Log-gains that are told apart."""


@dataclass(frozen=True)
class TextMapConfig:
    """How the map is trained."""

    batch: int = 12
    learning_rate: float = 1e-3
    warm_steps: int = 50
    steps: int = 1500
    """Over which the rate falls to nothing."""
    feature_weight: float = 20.0
    filter_weight: float = 2.0
    filters_every: int = 6


@dataclass(frozen=True)
class TextClip:
    """T frames of 20 ms."""

    layers: NDArray[np.float16]
    """(T, 1024)."""
    text: NDArray[np.float16]
    """(T, 128)."""
    f0: Floats32
    """(2 T,) Hz, what the synthesiser was asked for."""
    energy: Floats32
    """(2 T,), its median is LEVEL."""


def read_text_clips(
    clips: Sequence[CorpusClip], encoder: whisper.WhisperEncoder, folder: Path, report: Report = ignore
) -> list[TextClip]:
    """Every synthetic clip with labels that may be trained on and is longer than a window; cached in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    hibari, layers, read = Hibari(), HeardLayers(encoder), []
    labelled = [clip for clip in trainable(clips) if clip.phones and clip.f0]
    for number, clip in enumerate(labelled):
        cached = folder / f"{clip.path.stem}.npz"
        if not cached.exists():
            with atomic_write(cached) as file:
                np.savez(file, **vars(_measure(clip, hibari, layers)))
        with np.load(cached, allow_pickle=False) as stored:
            one = TextClip(**{name: stored[name] for name in stored.files})
        if len(one.text) > FRAMES:
            read.append(one)
        report("listening", (number + 1) / len(labelled))
    return read


def _measure(clip: CorpusClip, hibari: Hibari, layers: HeardLayers) -> TextClip:
    wav = clip.read(SPEECH_RATE)
    heard = layers.encode(torch.from_numpy(wav)).half().numpy()[: len(wav) // 160 // 2]
    ends = np.cumsum(clip.durations) * STEP_SECONDS
    seconds = (np.arange(len(heard)) + 0.5) / CONTENT_RATE
    phone = np.minimum(np.searchsorted(ends, seconds, side="right"), len(clip.phones) - 1)
    track = np.interp(
        (np.arange(2 * len(heard)) + 0.5) / (2 * CONTENT_RATE), (np.arange(len(clip.f0)) + 0.5) / 80, clip.f0
    )
    voiced = np.where(track > 40, track, 0).astype(np.float32)
    level = energy(wav)[: 2 * len(heard)]
    middle = float(np.median(level[voiced > 0])) if voiced.any() else 0.0
    return TextClip(
        heard, hibari.text(clip.phones)[phone].astype(np.float16), voiced, level - np.float32(middle - LEVEL)
    )


class TextMapTask:
    """The map, and the decoder that hears the difference."""

    def __init__(self, clips: Sequence[TextClip], config: TextMapConfig, crew: Crew = ALONE) -> None:
        crew.check(config.batch)
        if len(clips) < 2:
            raise CorpusError("the corpus must hold synthetic clips of two seconds and more.")
        self.config, self.crew, self.clips, self.unheard = config, crew, clips[1:], clips[:1]
        if len(clips) > 50:
            self.clips = [clip for number, clip in enumerate(clips) if number % 25]
            self.unheard = clips[::25]
        torch.manual_seed(0)
        self.map = TextMap()
        for block in self.map.b:
            nn.init.constant_(cast(ConvNeXtBlock, block).gamma, 0.2)
        self.decoder = Hibari().decoder().requires_grad_(False)
        self.modules = {"map": self.map}
        rates = (0.9, 0.98)
        self.optimizers = {
            "map": torch.optim.AdamW(self.map.parameters(), config.learning_rate, rates, weight_decay=0.01)
        }

    def step(self, number: int, generator: torch.Generator) -> dict[str, float]:
        """One step; the filters are compared in every few."""
        config = self.config
        warm, used = min(1.0, (number + 1) / config.warm_steps), min(1.0, number / config.steps)
        for group in self.optimizers["map"].param_groups:
            group["lr"] = config.learning_rate * warm * (1 - used) ** 0.7 + 1e-6
        losses = self._losses(
            [self.crew.share(column) for column in self._draw(generator)], number % config.filters_every == 0
        )
        self.optimizers["map"].zero_grad()
        torch.autograd.backward(torch.stack(list(losses.values())).sum())
        self.crew.average(self.map.parameters())
        nn.utils.clip_grad_norm_(self.map.parameters(), 1.0)
        self.optimizers["map"].step()
        return {name: float(loss.detach()) for name, loss in losses.items()}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """The same losses on clips that are not trained on."""
        lines = [self._losses(_batch([_window(clip, 0)]), True) for clip in self.unheard]
        return {name: float(np.mean([float(line[name]) for line in lines])) for name in lines[0]}

    def _losses(self, batch: list[Tensor], filters: bool) -> dict[str, Tensor]:
        layers, text, f0, level = batch
        mapped = self.map(layers)
        losses = {"features": self.config.feature_weight * F.mse_loss(mapped, text)}
        if filters:
            nobody = torch.zeros(len(text), self.decoder.config.speaker_width)
            wanted, made = (
                self.decoder.filters(*decoder_frames(features.mT, f0, level), nobody) for features in (text, mapped)
            )
            sounds = (decoder_frames(text.mT, f0, level).energy > SOUNDS).float()[:, None]
            errors = [
                ((a.clamp(QUIETEST, LOUDEST) - b.clamp(QUIETEST, LOUDEST)).abs() * sounds).mean()
                for a, b in ((wanted.harmonic, made.harmonic), (wanted.noise, made.noise))
            ]
            losses["filters"] = self.config.filter_weight * torch.stack(errors).sum()
        return losses

    def _draw(self, generator: torch.Generator) -> list[Tensor]:
        windows = []
        for pick in torch.randint(len(self.clips), (self.config.batch,), generator=generator).tolist():
            clip = self.clips[pick]
            start = int(torch.randint(len(clip.text) - FRAMES + 1, (1,), generator=generator))
            windows.append(_window(clip, start))
        return _batch(windows)


def _window(clip: TextClip, start: int) -> tuple[Tensor, ...]:
    rows, frames = slice(start, start + FRAMES), slice(2 * start, 2 * (start + FRAMES))
    parts = (clip.layers[rows], clip.text[rows], clip.f0[frames], clip.energy[frames])
    return tuple(torch.from_numpy(part.astype(np.float32)) for part in parts)


def _batch(windows: Sequence[tuple[Tensor, ...]]) -> list[Tensor]:
    return [torch.stack(column) for column in zip(*windows, strict=True)]


def export(task: TextMapTask, path: Path) -> None:
    """Write the map in half precision."""
    state = {name: tensor.detach().half().contiguous() for name, tensor in task.map.state_dict().items()}
    with atomic_write(path) as file:
        file.write(save(state))
