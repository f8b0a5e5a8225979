"""Training the voice base h24: hibari's decoder learns many speakers, conditioned on their embeddings.

Clips are reconstructed from text features, f0, energy and an embedding of the speaker, also one of another clip. Every
few steps the words of one speaker are sung as another, without a recording to compare with: the speaker encoder and the
discriminator say whether that is the other one (YourTTS' consistency loss, Casanova et al. 2022). Recordings are
compared below their own bandwidth only. Spectral losses come first, then the discriminator.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn

from lab.errors import CorpusError
from lab.networks.hibari import Hibari
from lab.pretrain.voice_material import VoiceClip
from models.content import whisper_text
from models.harmonic.discriminator import SpectrogramDiscriminator
from models.harmonic.network import HarmonicDecoder
from models.harmonic.voice import RECORDED_LEVEL, wave_gain
from models.harmonic.voice_base import save_base
from models.speaker.differentiable import DifferentiableSpeaker
from models.speaker.resemblyzer import SpeakerEncoder
from pipeline.training.crew import ALONE, Crew
from pipeline.training.data import Windows
from pipeline.training.h24 import EDGE, FRAMES, half, reconstruct
from pipeline.training.harmonic_loss import HarmonicLoss
from pipeline.training.losses import band_limited
from pipeline.training.step import adversarial_losses, discriminator_step, ema, random_piece

RATE = 24_000
HOP = RATE // 100
CROWD = "crowd"
"""The label of clips by many speakers whose identities are unknown."""
SINGS = 2.0
"""Energy above which a frame sounds, of a clip at RECORDED_LEVEL."""
GUARD = 0.95
"""Of a bandwidth: below it no filter of the source's has begun."""


@dataclass(frozen=True)
class VoiceConfig:
    """How the base is trained."""

    batch: int = 8
    learning_rate: float = 4e-4
    speaker_learning_rate: float = 1e-3
    """Of what conditions on the speaker, which begins at nothing."""
    discriminator_rate: float = 8e-4
    warm_steps: int = 100
    decay: float = 20_000
    """Steps after which the learning rate has halved."""
    settle_from: int = 1_000_000
    """The step from which it decays faster, so that training ends on converged weights."""
    settle: float = 500
    """Steps after which it has halved again from there on."""
    adversary_from: int = 3000
    """The step at which the discriminator begins."""
    adversary_weight: float = 0.3
    speaker_weight: float = 0.5
    convert_every: int = 4
    """Steps between two that also convert."""
    convert_batch: int = 4
    real_share: float = 0.6
    """Of each batch; all synthetic voices come from one vocoder."""
    most_seconds: float = 180.0
    """Of one speaker, beyond which more clips are not drawn more often."""
    loudness: float = 0.6
    """By which the level of a window varies."""
    average: float = 0.998


class Drawn(NamedTuple):
    """A batch, and the median f0 (B,) of its speakers."""

    windows: Windows
    median_f0: Tensor


class VoiceTask:
    """The decoder, the discriminator, and the moving average that ships."""

    def __init__(
        self, clips: Sequence[VoiceClip], speaker: SpeakerEncoder, config: VoiceConfig, crew: Crew = ALONE
    ) -> None:
        for batch in (config.batch, config.convert_batch):
            crew.check(batch)
        self.config, self.crew = config, crew
        self.clips = [c for c in clips if not c.clip.held_out and len(c.f0) > FRAMES + 2]
        self.held_out = [c for c in clips if c.clip.held_out and not c.clip.synthetic and len(c.f0) > 400]
        torch.manual_seed(0)
        self.decoder = Hibari().decoder().train()
        self.discriminator = SpectrogramDiscriminator()
        self.average = ema(self.decoder, config.average)
        self.modules = {"decoder": self.decoder, "discriminator": self.discriminator, "average": self.average}
        conditions = [p for name, p in self.decoder.named_parameters() if ".speaker." in name]
        others = [p for name, p in self.decoder.named_parameters() if ".speaker." not in name]
        groups = [
            {"params": others, "base": config.learning_rate},
            {"params": conditions, "base": config.speaker_learning_rate},
        ]
        judge = [{"params": list(self.discriminator.parameters()), "base": config.discriminator_rate}]
        self.optimizers = {
            "decoder": torch.optim.AdamW(groups, config.learning_rate, (0.8, 0.99), weight_decay=0.0),
            "discriminator": torch.optim.AdamW(judge, config.discriminator_rate, (0.8, 0.99)),
        }
        self.loss, self.heard_as = HarmonicLoss(crew), DifferentiableSpeaker(speaker)
        self.weights = _weights(self.clips, config)
        self.by_speaker: dict[str, list[VoiceClip]] = {}
        for clip in self.clips:
            self.by_speaker.setdefault(clip.clip.speaker, []).append(clip)

    def step(self, number: int, generator: torch.Generator) -> dict[str, float]:
        """One step of the decoder, and of the discriminator once it has begun."""
        config = self.config
        self._set_rates(number)
        drawn = self._draw(generator)
        windows, adversary = drawn.windows.dealt(self.crew), number >= config.adversary_from
        fake = reconstruct(self.decoder, windows, generator)
        kept = slice(EDGE, -EDGE)
        losses = {
            "spectral": self.loss(fake[:, kept], windows.wav[:, kept], windows.bandwidth),
            "speaker": config.speaker_weight * self._unlike(fake, windows),
        }
        if adversary:
            limited = [band_limited(wav[:, kept], windows.bandwidth, RATE) for wav in (fake, windows.wav)]
            made, recorded = map(self.discriminator.hear, random_piece(limited[0], limited[1], generator))
            with half(torch.device("cpu")):
                judged = discriminator_step(
                    self.discriminator, self.optimizers["discriminator"], made, recorded, crew=self.crew
                )
                found = adversarial_losses(self.discriminator, made, recorded)
            losses |= {name: config.adversary_weight * loss for name, loss in found.items()}
        if number % config.convert_every == 0:
            losses |= self._convert(drawn, adversary, generator)
        self.optimizers["decoder"].zero_grad()
        torch.autograd.backward(torch.stack(list(losses.values())).sum())
        self.crew.average(self.decoder.parameters())
        nn.utils.clip_grad_norm_(self.decoder.parameters(), 5.0)
        self.optimizers["decoder"].step()
        self.average.update_parameters(self.decoder)
        if adversary:
            losses["discriminator"] = judged
        return {name: float(loss.detach()) for name, loss in losses.items()}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """On held-out people, who are known by the embedding of the clip itself: spectral error and likeness."""
        generator = torch.Generator().manual_seed(0)
        decoder = cast(HarmonicDecoder, self.average.module)
        errors, cosines = [], []
        for clip in self.held_out[::8]:
            windows = _batch([_window(clip, clip, 100, 0.0)])
            fake = reconstruct(decoder, windows, generator)
            kept = slice(EDGE, -EDGE)
            errors.append(float(self.loss(fake[:, kept], windows.wav[:, kept], windows.bandwidth)))
            cosines.append(1 - float(self._unlike(fake, windows)))
        return {"spectral": float(np.mean(errors)), "cosine": float(np.mean(cosines))}

    def _convert(self, drawn: Drawn, adversary: bool, generator: torch.Generator) -> dict[str, Tensor]:
        """The first windows, each as the speaker of another, in the octave steps of semitones that suit them."""
        config, count = self.config, self.config.convert_batch
        others = torch.arange(count) + len(drawn.median_f0) - count
        semitones = (12 * torch.log2(drawn.median_f0[others] / drawn.median_f0[:count])).round()
        own = drawn.windows
        windows = Windows(
            own.content[:count],
            own.f0[:count] * 2 ** (semitones / 12)[:, None],
            own.energy[:count],
            own.wav[:count],
            own.speaker[others],
            own.bandwidth[:count],
        ).dealt(self.crew)
        sung = reconstruct(self.decoder, windows, generator)
        losses = {"converted": config.speaker_weight * self._unlike(sung, windows)}
        if adversary:
            kept = slice(EDGE, -EDGE)
            limited = [band_limited(wav[:, kept], windows.bandwidth, RATE) for wav in (sung, windows.wav)]
            made, recorded = map(self.discriminator.hear, random_piece(limited[0], limited[1], generator))
            with half(torch.device("cpu")):
                found = adversarial_losses(self.discriminator, made, recorded)
            losses["converted_adversarial"] = config.adversary_weight * found["adversarial"]
        return losses

    def _unlike(self, wav: Tensor, windows: Windows) -> Tensor:
        likeness: Tensor = (self.heard_as(wav) * windows.speaker[..., 0]).sum(1).mean()
        return 1 - likeness

    def _set_rates(self, number: int) -> None:
        config = self.config
        halvings = number / config.decay + max(0, number - config.settle_from) / config.settle
        factor = min(1.0, (number + 1) / config.warm_steps) * 0.5**halvings
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = group["base"] * factor

    def _draw(self, generator: torch.Generator) -> Drawn:
        picks = torch.multinomial(self.weights, self.config.batch, True, generator=generator).tolist()
        clips = [self.clips[pick] for pick in picks]
        windows = [_window(c, self._reference(c, generator), *self._place(c, generator)) for c in clips]
        return Drawn(_batch(windows), torch.tensor([clip.median_f0 for clip in clips]))

    def _reference(self, clip: VoiceClip, generator: torch.Generator) -> VoiceClip:
        """Whose embedding is given: the clip's own half of the time, else another's of the speaker."""
        same = [clip] if clip.clip.speaker == CROWD else self.by_speaker[clip.clip.speaker]
        drawn = int(torch.randint(2 * len(same), (1,), generator=generator))
        return same[drawn] if drawn < len(same) else clip

    def _place(self, clip: VoiceClip, generator: torch.Generator) -> tuple[int, float]:
        """Where a window that mostly sounds begins, and by how much its energy is raised."""
        sounds = np.cumsum(np.pad(clip.energy - clip.level + RECORDED_LEVEL > SINGS, (1, 0)))
        starts = np.flatnonzero(sounds[FRAMES:] - sounds[:-FRAMES] >= 0.4 * FRAMES) // 2 * 2
        start = int(starts[int(torch.randint(len(starts), (1,), generator=generator))]) if len(starts) else 0
        return start, float((torch.rand(1, generator=generator) * 2 - 1) * self.config.loudness)


def _weights(clips: Sequence[VoiceClip], config: VoiceConfig) -> Tensor:
    """How often each clip is drawn. Raises CorpusError: there is nothing real, or nothing synthetic."""
    seconds = torch.tensor([len(clip.f0) / 100 for clip in clips])
    names = [clip.clip.speaker for clip in clips]
    whole = {name: sum(float(s) for s, n in zip(seconds, names, strict=True) if n == name) for name in set(names)}
    share = torch.tensor([1.0 if n == CROWD else min(1.0, config.most_seconds / whole[n]) for n in names])
    synthetic = torch.tensor([clip.clip.synthetic for clip in clips])
    recorded, synthesised = seconds * share * ~synthetic, seconds * share * synthetic
    if not (recorded.any() and synthesised.any()):
        raise CorpusError("the corpus must hold real and synthetic clips.")
    return config.real_share * recorded / recorded.sum() + (1 - config.real_share) * synthesised / synthesised.sum()


def _window(clip: VoiceClip, reference: VoiceClip, start: int, raised: float) -> Windows:
    """FRAMES frames of a clip from an even one, at RECORDED_LEVEL, with no batch axis."""
    stop = start + FRAMES
    wav = clip.wav[start * HOP : stop * HOP].astype(np.float32) / 32767
    gain = clip.gain * wave_gain(clip.level) * np.exp(raised / 2)
    content = clip.content[start // 2 : stop // 2].astype(np.float32).repeat(2, 0)
    return Windows(
        torch.from_numpy(content),
        torch.from_numpy(clip.f0[start:stop]),
        torch.from_numpy(clip.energy[start:stop] + np.float32(RECORDED_LEVEL - clip.level + raised)),
        torch.from_numpy(wav * np.float32(gain)),
        torch.from_numpy(reference.speaker)[:, None],
        torch.tensor(min(GUARD * clip.clip.bandwidth, RATE / 2)),
    )


def _batch(windows: Sequence[Windows]) -> Windows:
    names = ("content", "f0", "energy", "wav", "speaker", "bandwidth")
    return Windows(*(torch.stack([getattr(window, name) for window in windows]) for name in names))


def export(task: VoiceTask, path: Path) -> None:
    """Write the averaged decoder, and the discriminator, which `/train` goes on with."""
    save_base(path, cast(HarmonicDecoder, task.average.module), task.discriminator, whisper_text.MODEL_ID)
