"""Training a singer classifier on AST, as a task of the pretraining loop.

A batch is balanced: a singer is drawn, then one of the singer's songs, one of its crops, and a window of it. Part of
the windows is mixed with another song's accompaniment and separated again on mel bands, and all have bands and
stretches masked (`augment_mel`). Layers near the input have lower learning rates: Howard and Ruder, "Universal Language
Model Fine-tuning for Text Classification", ACL 2018.
"""

import copy
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import ASTModel

from cli.song_folder import LabelledSong
from lab.classifiers.crops import SongMaterial
from lab.pretrain.mel_augment import augment_mel, random_window
from models.device import has_bf16
from models.draws import own_rows
from models.memory import AdaptiveSize
from models.speaker import ast
from pipeline.training.crew import ALONE, Crew

CROPS_AT_ONCE = 32
"""Crops in memory at once while log-probabilities are computed."""


@dataclass(frozen=True)
class SingerConfig:
    """The network and its training."""

    width: int = 192
    layers: int = 4
    """Width and layers are those of a network that starts from nothing."""
    frames: int = 256
    """Of 10 ms, in each window."""
    batch: int = 16
    learning_rate: float = 1e-3
    layer_decay: float = 1.0
    """The learning rate of each layer, as a share of the next one's."""
    weight_decay: float = 0.05
    warm_steps: int = 50
    decay: float = 800
    """Steps after which the learning rate has halved."""
    dropout: float = 0.1
    """Before the head."""
    remix_share: float = 0.5
    """Of the windows that are mixed with other music and separated again."""
    patience: int = 8
    """Validations without a better cross entropy, after which training ends."""
    crops_to_validate: int = 4
    """Of each song; the report takes all."""
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    """bf16 by itself on CUDA devices that have it."""


@dataclass(frozen=True)
class SongExample:
    """A song as a training example: its singer's number, crops (T, 128) and accompaniment (T, 128), float16."""

    song: LabelledSong
    singer: int
    crops: tuple[NDArray[np.float16], ...]
    music: NDArray[np.float16]


class BestWeights(nn.Module):
    """The weights with the lowest validation cross entropy so far, and how long ago that was."""

    cross_entropy: Tensor
    stale: Tensor

    def __init__(self, network: ASTModel, head: ast.SingerHead) -> None:
        super().__init__()
        self.network, self.head = copy.deepcopy(network), copy.deepcopy(head)
        self.register_buffer("cross_entropy", torch.tensor(math.inf))
        self.register_buffer("stale", torch.tensor(0))

    def offer(self, cross_entropy: float, network: nn.Module, head: nn.Module) -> None:
        """Take the weights if they are better."""
        if cross_entropy < float(self.cross_entropy):
            self.cross_entropy.fill_(cross_entropy)
            self.stale.zero_()
            self.network.load_state_dict(network.state_dict())
            self.head.load_state_dict(head.state_dict())
        else:
            self.stale += 1


class SingerTask:
    """One classifier; its initial network, and songs to train and to validate on."""

    def __init__(
        self,
        start: ASTModel,
        singers: Sequence[str],
        train: Sequence[SongExample],
        validate: Sequence[SongExample],
        config: SingerConfig,
        *,
        music: Sequence[NDArray[np.float16]] = (),
        device: torch.device | str = "cpu",
        seed: int = 0,
        crew: Crew = ALONE,
    ) -> None:
        crew.check(config.batch)
        self.crew = crew
        self.config, self.singers, self.device = config, tuple(singers), torch.device(device)
        self.songs = [[example for example in train if example.singer == number] for number in range(len(singers))]
        self.held_out = [(crop, x.singer) for x in validate for crop in x.crops[: config.crops_to_validate]]
        own = [(x.song, x.music) for x in train if len(x.music)]
        self.music: list[tuple[LabelledSong | None, NDArray[np.float16]]] = [*own, *((None, piece) for piece in music)]
        self.bf16 = _bf16(config.precision, self.device)
        torch.manual_seed(seed)
        self.network = start.to(self.device)
        self.head = ast.SingerHead(start.config.hidden_size, len(singers)).to(self.device)
        self.best = BestWeights(self.network, self.head)
        self.modules = {"network": self.network, "head": self.head, "best": self.best}
        self.optimizers = {"adam": torch.optim.AdamW(self._groups(), betas=(0.9, 0.98))}
        self.pieces = AdaptiveSize("windows in a batch", config.batch)

    @property
    def finished(self) -> bool:
        """Whether validation has not become better for too long."""
        return int(self.best.stale) >= self.config.patience

    def step(self, number: int, generator: torch.Generator) -> dict[str, float]:
        """Train on one batch; in smaller pieces where memory is short, with the same gradient."""
        warm = min(1.0, (number + 1) / self.config.warm_steps)
        for group in self.optimizers["adam"].param_groups:
            group["lr"] = group["base"] * warm * 0.5 ** (number / self.config.decay)
        frames, singers = (self.crew.share(column) for column in self.draw(generator))
        width = self.head.dense.in_features
        kept = own_rows(lambda rows: torch.rand(rows, width, generator=generator), len(singers), generator)
        kept = (kept >= self.config.dropout).float() / (1 - self.config.dropout)
        self.network.train()
        loss, right = self.pieces.run(lambda size: self._accumulate(frames, singers, kept, size))
        self.crew.average([*self.network.parameters(), *self.head.parameters()])
        nn.utils.clip_grad_norm_([*self.network.parameters(), *self.head.parameters()], 1.0)
        self.optimizers["adam"].step()
        return {"cross_entropy": loss, "top1": right}

    def draw(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """A balanced batch (B, frames, 128) and its singers (B,)."""
        crops, music, singers = [], [], []
        for _ in range(self.config.batch):
            singer = _any(len(self.songs), generator)
            example = self.songs[singer][_any(len(self.songs[singer]), generator)]
            crops.append(
                random_window(example.crops[_any(len(example.crops), generator)], self.config.frames, generator)
            )
            music.append(random_window(self._other(example, generator), self.config.frames, generator))
            singers.append(singer)
        share = self.config.remix_share if self.music else 0.0
        return augment_mel(torch.stack(crops), torch.stack(music), share, generator), torch.tensor(singers)

    def _other(self, example: SongExample, generator: torch.Generator) -> NDArray[np.float16]:
        """Another song's accompaniment; where there is none at all, a placeholder that the remix does not use."""
        if not self.music:
            return example.crops[0]
        index = _any(len(self.music), generator)
        song, music = self.music[index]
        return self.music[(index + 1) % len(self.music)][1] if song is example.song else music

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Cross entropy and top-1 on held-out crops; keeps the best weights."""
        logs = log_probabilities(self.network, self.head, [crop for crop, _ in self.held_out], self.pieces)
        truth = torch.tensor([singer for _, singer in self.held_out])
        figures = {
            "cross_entropy": float(F.nll_loss(logs, truth)),
            "top1": float((logs.argmax(1) == truth).float().mean()),
        }
        self.best.offer(figures["cross_entropy"], self.network, self.head)
        return figures

    def _accumulate(self, frames: Tensor, singers: Tensor, kept: Tensor, size: int) -> tuple[float, float]:
        """The gradient in pieces of this size; `kept` (B, width) is what dropout multiplies with."""
        self.optimizers["adam"].zero_grad()
        loss = right = 0.0
        columns = (torch.split(column, size) for column in (frames, singers, kept))
        for part, truth, factor in zip(*columns, strict=True):
            truth, share = truth.to(self.device), len(truth) / len(singers)
            with torch.autocast(self.device.type, torch.bfloat16) if self.bf16 else nullcontext():
                pooled = self.network(part.to(self.device)).pooler_output
            logits = self.head(pooled.float() * factor.to(self.device))
            cost = F.cross_entropy(logits, truth) * share
            torch.autograd.backward(cost)
            loss += float(cost.detach())
            right += float((logits.argmax(1) == truth).float().mean()) * share
        return loss, right

    def _groups(self) -> Iterator[dict[str, object]]:
        """Parameters by layer and by whether they decay, each with its learning rate `base`."""
        layers: list[Iterable[nn.Parameter]] = [self.network.embeddings.parameters()]
        layers += [layer.parameters() for layer in self.network.layers]
        layers += [[*self.network.layernorm.parameters(), *self.head.parameters()]]
        for depth, parameters in enumerate(reversed(layers)):
            base = self.config.learning_rate * self.config.layer_decay**depth
            every = list(parameters)
            for decays in (True, False):
                chosen = [p for p in every if (p.dim() == 2 or p.dim() == 4) == decays]
                weight_decay = self.config.weight_decay if decays else 0.0
                yield {"params": chosen, "lr": base, "base": base, "weight_decay": weight_decay}


@torch.no_grad()
def log_probabilities(
    network: ASTModel, head: nn.Module, crops: Sequence[NDArray[np.float16]], pieces: AdaptiveSize
) -> Tensor:
    """Crops (T, 128) → (n, labels) on the CPU: the mean over a crop's windows, normalised again."""
    network.eval()
    head.eval()
    device, length, means = next(head.parameters()).device, network.config.max_length, []
    for first in range(0, len(crops), CROPS_AT_ONCE):
        read = [torch.from_numpy(np.array(crop, np.float32)) for crop in crops[first : first + CROPS_AT_ONCE]]
        cut = [ast.windows(crop, length) for crop in read]
        every = torch.cat(cut)

        def predict(start: int, stop: int, every: Tensor = every) -> Tensor:
            logits: Tensor = head(network(every[start:stop].to(device)).pooler_output)
            return F.log_softmax(logits.float().cpu(), dim=-1)

        logs = torch.split_with_sizes(
            torch.cat(list(pieces.over(len(every), predict))), [len(windows) for windows in cut]
        )
        means += [windows.mean(0) for windows in logs]
    return F.log_softmax(torch.stack(means), dim=-1)


def examples(
    songs: Iterable[LabelledSong], singers: Sequence[str], material: Mapping[LabelledSong, SongMaterial]
) -> list[SongExample]:
    """Songs with their crops, the singer's name as a number."""
    numbers = {singer: number for number, singer in enumerate(singers)}
    return [SongExample(song, numbers[song.singer], material[song].crops, material[song].music) for song in songs]


def _bf16(precision: str, device: torch.device) -> bool:
    return precision == "bf16" or (precision == "auto" and has_bf16(device))


def _any(count: int, generator: torch.Generator) -> int:
    return int(torch.randint(count, (1,), generator=generator))
