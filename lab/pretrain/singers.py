"""Training the singer encoder: a small AST that embeds a separated voice as Resemblyzer embeds the clean one.

The student's input is an augmented crop, most often one that was mixed with music and separated; its target is the
teacher's embedding of the clean recording, pulled towards the speaker's mean, so that singing lies near speech (Hinton
et al., "Distilling the Knowledge in a Neural Network", 2015). A classifier of the training speakers is trained, too.
The architecture is Gong et al., "AST", Interspeech 2021.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from files.atomic import atomic_write
from lab.corpus.clips import CorpusClip, trainable
from lab.evaluate.trials import make_trials
from lab.pretrain.content import known_cross_entropy
from lab.pretrain.mel_augment import augment_mel, mel_frames, random_window
from lab.pretrain.separation_artifacts import remix
from lab.pretrain.synthetic_music import synthesize_music
from models.separation import spleeter
from models.signal import MUSIC_RATE, SPEECH_RATE, Floats32
from models.speaker import ast, resemblyzer
from pipeline.matching.match import embed
from pipeline.progress import Report, ignore
from pipeline.sound.resample import resample
from pipeline.training.crew import ALONE, Crew
from pipeline.training.step import ema

CROWDS = frozenset({"crowd"})
"""Labels of clips by many speakers: to distil from, not to classify."""
PIECE_SECONDS = 12.0
TOGETHER = 8
"""Clips that are separated at once."""


@dataclass(frozen=True)
class SingerEncoderConfig:
    """The student network and its training."""

    width: int = 192
    layers: int = 4
    frames: int = 256
    """Of 10 ms, in each crop and in each window of the finished encoder."""
    batch: int = 32
    seconds: float = 8.0
    """Used of each clip."""
    learning_rate: float = 1e-3
    warm_steps: int = 100
    decay: float = 2000
    """Steps after which the learning rate has halved."""
    degraded_share: float = 0.75
    """Of the crops that are mixed with music and separated on mel bands."""
    separate_every: int = 0
    """One clip in so many is separated by the embedded separator; 0 means none."""
    speaker_share: float = 0.3
    """Of the speaker's mean in the target, beside the teacher's embedding of the clip."""
    classify_weight: float = 0.2
    pieces: int = 24
    """Of synthetic music, to mix with."""
    average: float = 0.995
    bf16: bool = False


@dataclass(frozen=True)
class SingerEncoderExample:
    """A clip with the teacher's target."""

    frames: NDArray[np.float16]
    """(T, 128) as `models.speaker.ast.spectrum` computes it."""
    separated: NDArray[np.float16]
    """(T', 128) the same after a real separation, or (0, 128)."""
    embedding: Floats32
    """(256,) the teacher's, of the clean clip."""
    clip: CorpusClip


def prepare(
    clips: Sequence[CorpusClip], config: SingerEncoderConfig, folder: Path, report: Report = ignore
) -> list[SingerEncoderExample]:
    """Frames and the teacher's embedding of every clip in which it detects a voice; cached in `folder`."""
    clean_at, separated_at = folder / resemblyzer.model_id(resemblyzer.SINGERS_DB), folder / spleeter.MODEL_ID
    for path in (clean_at, separated_at):
        path.mkdir(parents=True, exist_ok=True)
    _separate(clips, config, separated_at, report)
    teacher: resemblyzer.SpeakerEncoder | None = None
    examples = []
    for number, clip in enumerate(clips):
        cached = clean_at / _name(clip)
        if not cached.exists():
            teacher = teacher or resemblyzer.load(level_db=resemblyzer.SINGERS_DB)
            wav = clip.read(SPEECH_RATE)
            vectors = embed([wav], teacher)
            with atomic_write(cached) as file:
                np.savez(
                    file,
                    frames=mel_frames(wav[: int(config.seconds * SPEECH_RATE)]),
                    embedding=vectors[0] if len(vectors) else np.zeros(resemblyzer.WIDTH, np.float32),
                )
        apart = separated_at / _name(clip)
        with np.load(cached, allow_pickle=False) as stored:
            frames, embedding = stored["frames"], stored["embedding"]
        again = np.zeros((0, ast.BANDS), np.float16)
        if apart.exists():
            with np.load(apart, allow_pickle=False) as stored:
                again = stored["frames"]
        if embedding.any() and len(frames):
            examples.append(SingerEncoderExample(frames, again, embedding, clip))
        report("listening", (number + 1) / len(clips))
    return examples


class SingerEncoderTask:
    """One student, its classifier, and the moving average that ships."""

    def __init__(
        self,
        clips: Sequence[CorpusClip],
        config: SingerEncoderConfig,
        folder: Path,
        report: Report = ignore,
        crew: Crew = ALONE,
    ) -> None:
        crew.check(config.batch)
        self.config, self.crew = config, crew
        self.examples = prepare(trainable(clips), config, folder, report)
        self.held_out = prepare([clip for clip in clips if clip.held_out][::2], config, folder, report)
        self.music = [_music(seed, folder) for seed in range(config.pieces)]
        names = sorted({example.clip.speaker for example in self.examples} - CROWDS)
        self.speakers = torch.tensor(
            [names.index(x.clip.speaker) if x.clip.speaker in names else -1 for x in self.examples]
        )
        self.targets, self.rotation = self._targets()
        self.centre = F.normalize(self.targets, dim=-1).mean(0)
        counts = torch.tensor([sum(x.clip.speaker == y.clip.speaker for y in self.examples) for x in self.examples])
        self.weights = counts.float() ** -0.5
        torch.manual_seed(0)
        self.student = ast.build(
            hidden_size=config.width,
            num_hidden_layers=config.layers,
            num_attention_heads=config.width // 64,
            intermediate_size=3 * config.width,
            max_length=config.frames,
        )
        self.classifier = nn.Linear(config.width, len(names))
        self.average = ema(self.student, config.average)
        self.modules = {"student": self.student, "classifier": self.classifier, "average": self.average}
        every = [*self.student.parameters(), *self.classifier.parameters()]
        self.optimizers = {"adam": torch.optim.AdamW(every, config.learning_rate, (0.9, 0.98), weight_decay=0.02)}

    def step(self, number: int, generator: torch.Generator) -> dict[str, float]:
        """Distil one batch."""
        config = self.config
        rate = config.learning_rate * min(1.0, (number + 1) / config.warm_steps)
        for group in self.optimizers["adam"].param_groups:
            group["lr"] = rate * 0.5 ** (number / config.decay)
        picks = torch.multinomial(self.weights, config.batch, True, generator=generator)
        with torch.autocast("cpu", torch.bfloat16, enabled=config.bf16):
            crops = self.crew.share(self._augmented(picks.tolist(), generator))
            pooled = self.student(crops).pooler_output
        picks = self.crew.share(picks)
        vectors = F.normalize(pooled.float(), dim=-1)
        distance = self._distance(vectors, self.targets[picks])
        logits = self.classifier((vectors - self.centre) * config.width**0.5)
        spoken = known_cross_entropy(logits, self.speakers[picks], self.crew)
        self.optimizers["adam"].zero_grad()
        torch.autograd.backward(distance + config.classify_weight * spoken)
        self.crew.average([*self.student.parameters(), *self.classifier.parameters()])
        nn.utils.clip_grad_norm_(self.student.parameters(), 1.0)
        self.optimizers["adam"].step()
        self.average.update_parameters(self.student)
        return {"distance": float(distance.detach()), "speaker": float(spoken.detach())}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Distance to the teacher, and equal error rate, on separated crops of held-out voices."""
        generator = torch.Generator().manual_seed(0)
        student = self.average.module.eval()
        crops = [random_window(x.frames, self.config.frames, generator) for x in self.held_out]
        batch = augment_mel(torch.stack(crops), self._accompaniment(len(crops), generator), 1.0, generator)
        vectors = F.normalize(torch.cat([student(part).pooler_output for part in torch.split(batch, 32)]), dim=-1)
        targets = torch.from_numpy(np.stack([x.embedding for x in self.held_out])) @ self.rotation
        voices: dict[str, list[int]] = {}
        for number, example in enumerate(self.held_out):
            voices.setdefault(example.clip.speaker, []).append(number)
        groups = [vectors[same].numpy() for same in voices.values() if len(same) > 1]
        error = {"eer": make_trials(groups, groups).eer()} if len(groups) > 1 else {}
        return {"distance": float(self._distance(vectors, targets)), **error}

    def _targets(self) -> tuple[Tensor, Tensor]:
        """Targets of the student (N, width), and the rotation (256, width) from the teacher's space.

        The rotation keeps the principal directions of the teacher's space, and thereby its cosines.
        """
        own = torch.from_numpy(np.stack([example.embedding for example in self.examples]))
        means = {
            name: own[[x.clip.speaker == name for x in self.examples]].mean(0)
            for name in {x.clip.speaker for x in self.examples} - CROWDS
        }
        share = self.config.speaker_share
        pulled = [
            vector + share * (means[x.clip.speaker] - vector) if x.clip.speaker in means else vector
            for vector, x in zip(own, self.examples, strict=True)
        ]
        rotation = torch.linalg.svd(own.T @ own)[0][:, : self.config.width]
        return torch.stack(pulled) @ rotation, rotation

    def _distance(self, vectors: Tensor, targets: Tensor) -> Tensor:
        """One minus the cosine, about the origin and about the centre of all voices, where they differ most."""
        wanted = F.normalize(targets, dim=-1)
        whole = F.cosine_similarity(vectors, wanted, dim=-1)
        apart = F.cosine_similarity(vectors - self.centre, wanted - self.centre, dim=-1)
        return (2 - whole - apart).mean()

    def _augmented(self, picks: list[int], generator: torch.Generator) -> Tensor:
        """Augmented crops (B, T, 128); those that were really separated are only coloured and masked."""
        crops, real = [], []
        for example in (self.examples[pick] for pick in picks):
            use = bool(len(example.separated)) and bool(torch.rand(1, generator=generator) < 0.5)
            crops.append(random_window(example.separated if use else example.frames, self.config.frames, generator))
            real.append(use)
        batch, music = torch.stack(crops), self._accompaniment(len(picks), generator)
        really = torch.tensor(real)[:, None, None]
        augmented = augment_mel(batch, music, self.config.degraded_share, generator)
        return torch.where(really, augment_mel(batch, music, 0.0, generator), augmented) if any(real) else augmented

    def _accompaniment(self, count: int, generator: torch.Generator) -> Tensor:
        pieces = torch.randint(len(self.music), (count,), generator=generator).tolist()
        return torch.stack([random_window(self.music[piece], self.config.frames, generator) for piece in pieces])


def export(task: SingerEncoderTask, path: Path) -> None:
    """Write the student's averaged weights in half precision."""
    size = sum(p.numel() for p in task.average.module.parameters()) / 1e6
    ast.save(task.average.module, path, f"AST {size:.1f} M")


def _separate(clips: Sequence[CorpusClip], config: SingerEncoderConfig, folder: Path, report: Report) -> None:
    """Separate one clip in so many from a mix with a synthetic band; those that exist are kept."""
    chosen = [clip for clip in clips[:: config.separate_every or len(clips) + 1] if config.separate_every]
    networks = None
    for first in range(0, len(chosen), TOGETHER):
        group = chosen[first : first + TOGETHER]
        if not all((folder / _name(clip)).exists() for clip in group):
            networks = networks or spleeter.load()
            draw = np.random.default_rng(first)
            wavs = [clip.read(SPEECH_RATE)[: int(config.seconds * SPEECH_RATE)] for clip in group]
            decibels = draw.uniform(0, 10, len(wavs)).tolist()
            for clip, wav in zip(group, remix(wavs, synthesize_music(60.0, first), decibels, networks), strict=True):
                with atomic_write(folder / _name(clip)) as file:
                    np.savez(file, frames=mel_frames(wav))
        report("separating", min(1.0, (first + TOGETHER) / len(chosen)))


def _name(clip: CorpusClip) -> str:
    return f"{clip.path.parent.name}-{clip.path.stem}.npz"


def _music(seed: int, folder: Path) -> NDArray[np.float16]:
    """Frames (T, 128) of a synthetic piece, cached in `folder`."""
    cached = folder / "music" / f"{seed:04}.npz"
    if not cached.exists():
        cached.parent.mkdir(exist_ok=True)
        piece = resample(synthesize_music(PIECE_SECONDS, seed).mean(0), MUSIC_RATE, SPEECH_RATE)
        with atomic_write(cached) as file:
            np.savez(file, frames=mel_frames(piece))
    with np.load(cached, allow_pickle=False) as stored:
        return np.asarray(stored["frames"])
