"""One training of a separator: from true stems, from a larger separator, or from both."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel

from lab.separators.stems import StemMaterial
from lab.separators.trainable import TrainableSeparator
from pipeline.training.crew import ALONE, Crew


@dataclass(frozen=True)
class SeparatorConfig:
    """The training."""

    batch: int = 4
    learning_rate: float = 1e-4
    warm_steps: int = 20
    distilled: float = 0.5
    """The share of the teacher's estimates in what is to be given; the rest are the true stems. Without teacher: 0."""
    remixed: float = 0.8
    """The share of crops whose stems come from different songs."""
    average: float = 0.99
    """Decay of the moving average of the weights, which is what is kept."""
    clip: float = 5.0
    """The largest norm of the gradient."""
    checked: int = 4
    """Held-out crops on which the loss is looked at."""


class SeparatorTask:
    """A network, its optimizer, its moving average; `lab.pretrain.loop` runs it.

    Normalisations keep the statistics that they have, so that a step depends on nothing but its batch, and a batch may
    be dealt to several processes. Weights that are zero in `masks` stay zero.
    """

    def __init__(
        self,
        trainable: TrainableSeparator,
        network: nn.Module,
        learnt: StemMaterial,
        held_out: StemMaterial,
        config: SeparatorConfig,
        *,
        teacher: nn.Module | None = None,
        masks: Mapping[str, Tensor] | None = None,
        crew: Crew = ALONE,
    ) -> None:
        self.trainable, self.config, self.teacher, self.masks, self.crew = trainable, config, teacher, masks or {}, crew
        self.learnt, self.held_out = learnt, held_out
        self.network = network.requires_grad_(True).eval()
        self.device = next(network.parameters()).device
        self.average = AveragedModel(network, avg_fn=_moved(config.average))
        self.modules = {"network": network, "average": self.average}
        self.optimizers = {"adam": torch.optim.Adam(network.parameters(), config.learning_rate)}

    def step(self, number: int, generator: torch.Generator) -> dict[str, float]:
        """Learn from one batch."""
        config, adam = self.config, self.optimizers["adam"]
        for group in adam.param_groups:
            group["lr"] = config.learning_rate * min(1.0, (number + 1) / config.warm_steps)
        stems = self.crew.share(self.learnt.draw(config.batch, self.trainable.length, generator)).to(self.device)
        loss = separation_loss(self.trainable, self.network, stems, self.teacher, self.config.distilled)
        adam.zero_grad()
        torch.autograd.backward(loss)
        self.crew.average(self.network.parameters())
        nn.utils.clip_grad_norm_(self.network.parameters(), config.clip)
        adam.step()
        self._mask()
        self.average.update_parameters(self.network)
        return {"loss": float(loss.detach())}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """The error of the moving average on the same held-out crops each time, against the true stems."""
        generator = torch.Generator().manual_seed(0)
        losses = []
        for _ in range(self.config.checked):
            stems = self.held_out.draw(1, self.trainable.length, generator).to(self.device)
            losses.append(float(separation_loss(self.trainable, self.average.module, stems)))
        return {"loss": sum(losses) / len(losses)}

    @torch.no_grad()
    def _mask(self) -> None:
        for name, mask in self.masks.items():
            self.network.get_parameter(name).mul_(mask)


def separation_loss(
    trainable: TrainableSeparator,
    network: nn.Module,
    stems: Tensor,
    teacher: nn.Module | None = None,
    distilled: float = 0.0,
) -> Tensor:
    """Mean absolute error on the mix of stems (B, stems, 2, n): towards the truth, and by a share towards a teacher."""
    mix = stems.sum(1)
    estimate = trainable.estimate(network, mix)
    true = F.l1_loss(estimate, trainable.wanted(stems))
    if teacher is None or not distilled:
        return true
    with torch.no_grad():
        taught = trainable.estimate(teacher, mix)
    return torch.lerp(true, F.l1_loss(estimate, taught), distilled)


def _moved(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """A moving average that follows fast at first, so that a short training is not held back by where it began."""

    def move(average: Tensor, current: Tensor, updates: Tensor | int) -> Tensor:
        return torch.lerp(average, current, 1 - min(decay, (1 + float(updates)) / (10 + float(updates))))

    return move
