"""Distilling the content encoder: what Whisper encodes of the words, and as little as possible of the speaker.

Target: layer 5 of Whisper base. Target and features are centred over the crop, which removes most of the
speaker and the room. The student's input is augmented by another speed (pitch and formants move together), warped
bands, another tilt and noise; its target is the teacher's output for the unchanged sound. A phone classifier pulls the
features a little towards phones where they are known.

It fine-tunes a first student (four minutes of the same on 20 minutes of LibriSpeech), or starts from random weights.
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
from lab.corpus.clips import CorpusClip, trainable
from lab.errors import CorpusError
from lab.pretrain.separation_artifacts import add_mask_errors, add_separation_artifacts
from models.content import whisper
from models.content.student import HOP, ContentStudent, centred, load
from models.signal import SPEECH_RATE, Floats32
from pipeline.progress import Report, ignore
from pipeline.sound.resample import resample
from pipeline.training.crew import ALONE, Crew
from pipeline.training.step import ema

PHONES = 178
"""Tokens of Kokoro's vocabulary."""
PROJECTION_CLIPS = 200
MASK_ERRORS = 0.3
"""The largest deviation of a mask's errors, in deviations of the log-mel."""
FRAME_RATE = SPEECH_RATE // HOP


@dataclass(frozen=True)
class ContentConfig:
    """The student network and its training."""

    width: int = 192
    layers: int = 4
    teacher_layer: int = 5
    batch: int = 16
    seconds: float = 3.0
    """Of each crop."""
    learning_rate: float = 7e-4
    warm_steps: int = 100
    phone_weight: float = 0.1
    speed: float = 0.12
    """Largest change of speed, natural logarithm."""
    warp: float = 0.12
    average: float = 0.99
    bf16: bool = True
    from_shipped: bool = True
    """Go on from the shipped encoder instead of random weights."""
    same_features: bool = False
    """Freeze `o` and `p`: the features keep their meaning, and a base on them needs little training."""
    separated: bool = False
    """Augment the input with separation artifacts: rooms, other voices and music under it."""


@dataclass(frozen=True)
class ContentExample:
    """A clip with the teacher's targets."""

    wav: NDArray[np.int16]
    target: NDArray[np.float16]
    """(T, 512): layer output minus the utterance mean."""
    phones: NDArray[np.int64]
    """(T,) −1 where unknown."""


def prepare(clips: Sequence[CorpusClip], layer: int, folder: Path, report: Report = ignore) -> list[ContentExample]:
    """The teacher's targets of every clip, cached in `folder`."""
    folder = folder / f"whisper-layer-{layer}"
    folder.mkdir(parents=True, exist_ok=True)
    teacher: whisper.WhisperEncoder | None = None
    examples = []
    for number, clip in enumerate(clips):
        cached = folder / f"{clip.path.parent.name}-{clip.path.stem}.npz"
        if not cached.exists():
            teacher = teacher or whisper.load()
            wav = clip.read(SPEECH_RATE)[: 30 * SPEECH_RATE]
            with torch.autocast("cpu", torch.bfloat16):
                target = teacher.encode(torch.from_numpy(wav), layer).float().numpy()
            with atomic_write(cached) as file:
                np.savez(
                    file,
                    wav=np.round(wav.clip(-1, 1) * 32767).astype(np.int16),
                    target=(target - target.mean(0)).astype(np.float16),
                )
        with np.load(cached, allow_pickle=False) as stored:
            wav16, target16 = stored["wav"], stored["target"]
        phones = clip.phone_frames(len(target16), FRAME_RATE)
        examples.append(ContentExample(wav16, target16, phones))
        report("listening", (number + 1) / len(clips))
    return examples


class ContentTask:
    """One student with its two classifiers."""

    def __init__(
        self,
        clips: Sequence[CorpusClip],
        config: ContentConfig,
        folder: Path,
        report: Report = ignore,
        crew: Crew = ALONE,
    ) -> None:
        crew.check(config.batch)
        self.config, self.crew = config, crew
        self.examples = prepare(trainable(clips), config.teacher_layer, folder, report)
        held_out = [clip for clip in clips if clip.held_out][::6]
        self.held_out = prepare(held_out, config.teacher_layer, folder, report)
        if not (self.examples and self.held_out):
            raise CorpusError("the corpus must hold clips to learn from and held-out ones.")
        self.deviation = torch.from_numpy(
            np.concatenate([example.target[::10] for example in self.examples]).astype(np.float32).std(0) + 1e-3
        )
        lengths = [len(example.wav) / SPEECH_RATE for example in self.examples]
        self.weights = torch.tensor([0.0 if s < config.seconds * 1.3 else s for s in lengths])
        torch.manual_seed(0)
        self.student = load() if config.from_shipped else ContentStudent(config.width, config.layers)
        self.student.train()
        if config.same_features:
            self.student.o.requires_grad_(False)
            self.student.p.requires_grad_(False)
        self.phone = nn.Linear(config.width, PHONES)
        self.modules = {"student": self.student, "phone": self.phone}
        every = [p for module in self.modules.values() for p in module.parameters() if p.requires_grad]
        self.optimizers = {"adam": torch.optim.AdamW(every, config.learning_rate, (0.9, 0.98), weight_decay=0.01)}
        self.average = ema(self.student, config.average)
        self.modules["average"] = self.average

    def step(self, number: int, generator: torch.Generator) -> dict[str, float]:
        """Distil one batch."""
        config = self.config
        rate = config.learning_rate * min(1.0, (number + 1) / config.warm_steps)
        for group in self.optimizers["adam"].param_groups:
            group["lr"] = rate / (1 + number / 1000)
        mel, target, phones = map(self.crew.share, self._draw(generator))
        with torch.autocast("cpu", torch.bfloat16, enabled=config.bf16):
            features = centred(self.student.hidden(mel))
            estimate = self.student.o(features)
            phone = self.phone(features)
        distance = _distance(estimate.float(), target)
        phone_loss = known_cross_entropy(phone.float().flatten(0, 1), phones.flatten(), self.crew)
        loss = distance + config.phone_weight * phone_loss
        self.optimizers["adam"].zero_grad()
        torch.autograd.backward(loss)
        self.crew.average(p for module in (self.student, self.phone) for p in module.parameters())
        nn.utils.clip_grad_norm_(self.student.parameters(), 1.0)
        self.optimizers["adam"].step()
        self.average.update_parameters(self.student)
        return {"distance": float(distance.detach()), "phone": float(phone_loss.detach())}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Distance to the teacher on held-out clips, unperturbed."""
        student = cast(ContentStudent, self.average.module)
        total = 0.0
        for example in self.held_out:
            mel = self.student.log_mel(torch.from_numpy(example.wav / np.float32(32768)))
            target = torch.from_numpy(example.target.astype(np.float32)) / self.deviation
            estimate = student.o(centred(student.hidden(mel[None])))[0, : len(target)]
            total += float(_distance(estimate, target[: len(estimate)]))
        return {"distance": total / len(self.held_out)}

    def _draw(self, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """A batch: log-mels (B, 80, 2T), centred targets (B, T, 512), phones (B, T)."""
        picks = torch.multinomial(self.weights, self.config.batch, True, generator=generator).tolist()
        drawn = [self._crop(self.examples[pick], generator) for pick in picks]
        wavs = torch.stack([torch.from_numpy(wav) for wav, _, _ in drawn])
        if self.config.separated:
            wavs = add_separation_artifacts(wavs, SPEECH_RATE, generator)
        mel = torch.stack([self.student.log_mel(wav) for wav in wavs])
        if self.config.separated:
            mel = add_mask_errors(mel, MASK_ERRORS, generator)
        targets = centred(torch.stack([target for _, target, _ in drawn])) / self.deviation
        phones = torch.stack([phone for _, _, phone in drawn])
        return self.student.warped(mel, self.config.warp, generator), targets, phones

    def _crop(self, example: ContentExample, generator: torch.Generator) -> tuple[Floats32, Tensor, Tensor]:
        """A crop at another speed, with the targets of its moments."""
        frames = round(self.config.seconds * FRAME_RATE)
        factor = float(torch.empty(1).uniform_(-1, 1, generator=generator).mul(self.config.speed).exp())
        length = int(frames * HOP * factor) + HOP
        start = int(torch.randint(max(1, len(example.wav) - length), (1,), generator=generator))
        piece = example.wav[start : start + length].astype(np.float32) / np.float32(32768)
        wav = resample(piece, SPEECH_RATE * factor, SPEECH_RATE)[: frames * HOP]
        wav = np.pad(wav, (0, frames * HOP - len(wav)))
        moments = (start / HOP + np.arange(frames) * factor).clip(0, len(example.target) - 1)
        low = moments.astype(int)
        high = np.minimum(low + 1, len(example.target) - 1)
        part = (moments - low)[:, None]
        target = example.target[low] * (1 - part) + example.target[high] * part
        nearest = np.round(moments).astype(int)
        return wav, torch.from_numpy(target.astype(np.float32)), torch.from_numpy(example.phones[nearest])


def export(task: ContentTask, path: Path) -> None:
    """Write the student's averaged weights in half precision, with the projection to features."""
    student = cast(ContentStudent, task.average.module)
    if not task.config.same_features:
        student.p.weight.data.copy_(projection(student, task.examples))
    state = {name: tensor.half().contiguous() for name, tensor in student.state_dict().items()}
    with atomic_write(path) as file:
        file.write(save(state))


@torch.no_grad()
def projection(student: ContentStudent, examples: Sequence[ContentExample]) -> Tensor:
    """The map (C, C) from hidden frames to half-whitened principal components of the teacher's estimate."""
    hidden = []
    for example in examples[:: max(1, len(examples) // PROJECTION_CLIPS)]:
        mel = student.log_mel(torch.from_numpy(example.wav / np.float32(32768)))
        hidden.append(centred(student.hidden(mel[None]))[0])
    frames = torch.cat(hidden).double()
    estimate = student.o.weight.double()
    values, components = torch.linalg.eigh(estimate @ (frames.T @ frames / len(frames)) @ estimate.T)
    components_kept = slice(-student.p.out_features, None)
    deviation = values[components_kept].clamp_min(1e-9).sqrt()
    scaled = components[:, components_kept] / (deviation * deviation.mean()).sqrt()  # features have a mean square of 1
    weight: Tensor = (scaled.T @ estimate).flip(0).float()
    return weight


def known_cross_entropy(logits: Tensor, labels: Tensor, crew: Crew) -> Tensor:
    """Mean over the labels (N,) that are known, in all processes of the crew; −1 is not known. Of none it is 0."""
    summed = F.cross_entropy(logits, labels, ignore_index=-1, reduction="sum")
    return crew.total(summed) / crew.total((labels >= 0).sum()).clamp_min(1)


def _distance(estimate: Tensor, target: Tensor) -> Tensor:
    return F.l1_loss(estimate, target) + (1 - F.cosine_similarity(estimate, target, dim=-1)).mean()
