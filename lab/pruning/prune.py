"""A separator pruned by several rules, a little more each time, learning again from its unpruned self in between."""

import json
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from shutil import rmtree
from typing import Any

import torch
from torch import Tensor, nn

from files.atomic import atomic_write
from lab.errors import PruningError
from lab.evaluate.track_scores import TrackScores, score_track
from lab.evaluate.tracks import Track
from lab.pretrain import loop
from lab.pretrain.config import Schedule
from lab.pruning import rules
from lab.pruning.curve import PICTURE, ROWS, UNPRUNED, Curve, CurvePoint, cost, plot, read_curve, write_curve
from lab.pruning.structure import take_units
from lab.separators.stems import MIXTURE, VOCALS, StemMaterial, StemSides, StemSong
from lab.separators.task import SeparatorConfig, SeparatorTask, separation_loss
from lab.separators.trainable import TrainableSeparator, open_trainable
from models.separation.channels import groups
from models.separation.separator_file import SUFFIX
from models.weights.integrity import NotFetched, digest
from pipeline.progress import Report, ignore

RULES = ("none", "magnitude", "band", "structured")
"""What is done to the network; `none` only learns on, as long as the others: what a gain must be held against."""
BATCHES = 8
"""That saliencies are summed over."""
PLAN, TRAINING = "plan.json", "training"


@dataclass(frozen=True)
class PruneOptions:
    """What is tried."""

    rules: tuple[str, ...] = RULES
    shares: tuple[float, ...] = (0.1, 0.3, 0.5)
    """Each begins where the one before ended."""
    steps: int = 200
    """Of learning after each share."""
    seed: int = 0


def prune_separator(
    trainable: TrainableSeparator,
    sides: StemSides,
    options: PruneOptions,
    config: SeparatorConfig,
    out: Path,
    report: Report = ignore,
) -> Curve:
    """Prune by every rule and share; writes a file a point, and the curve. Goes on where it was stopped.

    Raises PruningError: a network that no rule can work on, a held-out song that cannot be measured, or `out` holds
    another pruning.
    """
    return _Pruning(trainable, sides, options, config, out, report).run()


class _Pruning:
    """One call of `prune_separator`."""

    def __init__(
        self,
        trainable: TrainableSeparator,
        sides: StemSides,
        options: PruneOptions,
        config: SeparatorConfig,
        out: Path,
        report: Report,
    ) -> None:
        self.trainable, self.options, self.config, self.out, self.report = trainable, options, config, out, report
        self.original = trainable.network
        self.device = next(self.original.parameters()).device
        self.learnt = StemMaterial(sides.train, trainable.stems, config.remixed)
        self.held_out = StemMaterial(sides.held_out, trainable.stems, remixed=0.0)
        self.tracks = [_track(song) for song in sides.held_out]
        if not groups(self.original) or not rules.layers(self.original):
            raise PruningError(f"{trainable.name} has nothing that can be pruned.")
        self._plan({"train": [song.name for song in sides.train], "held_out": [song.name for song in sides.held_out]})

    def run(self) -> Curve:
        curve = read_curve(self.out) or Curve(self.trainable.start, [track.name for track in self.tracks], [])
        if not curve.points:
            self.report(UNPRUNED, 0.0)
            curve = self._add(curve, self._measured(UNPRUNED, 0.0, self.original, self._sdr(self.original), 0))
        for rule in self.options.rules:
            before = self.trainable.network
            for number, share in enumerate(sorted(self.options.shares)):
                path = self.out / f"{rule}-{round(100 * share):02}{SUFFIX}"
                if not any(point.file == path.name for point in curve.points):
                    steps = (number + 1) * self.options.steps
                    last = [point for point in curve.points if point.rule in (UNPRUNED, rule)][-1]
                    curve = self._add(curve, self._pruned(rule, share, deepcopy(before), last.sdr, path, steps))
                before = open_trainable(str(path), _nowhere, self.device).network
        plot(self.out / PICTURE, curve)
        return curve

    def _pruned(
        self, rule: str, share: float, network: nn.Module, before: list[float], path: Path, steps: int
    ) -> CurvePoint:
        """Take, look, learn again, keep, look."""
        self.report(f"{rule} {share:.0%}", 0.0)
        self._take(rule, share, network)
        untuned = self._sdr(network) if rule != "none" else before
        learnt = self._tuned(rule, share, network, path.stem) if self.options.steps else network
        self.trainable.save(learnt, path, f"{rule}, {share:.0%}, {steps} steps")
        point = self._measured(rule, share, learnt, untuned, steps, path)
        rmtree(self.out / TRAINING / path.stem, ignore_errors=True)
        return point

    def _tuned(self, rule: str, share: float, network: nn.Module, stem: str) -> nn.Module:
        """The moving average of a network that learns again; what was zeroed stays zero."""
        task = SeparatorTask(
            self.trainable,
            network,
            self.learnt,
            self.held_out,
            self.config,
            teacher=self.original,
            masks={} if rule in ("none", "structured") else rules.masks(network),
        )
        schedule = Schedule(self.options.steps, seed=self.options.seed + round(100 * share), save_seconds=120.0)
        name = f"{rule} {share:.0%}"
        loop.run(task, self.out / TRAINING / stem, schedule, lambda _, done: self.report(name, done))
        return task.average.module

    def _take(self, rule: str, share: float, network: nn.Module) -> None:
        """Prune a network in place."""
        generator = torch.Generator().manual_seed(self.options.seed)
        if rule == "magnitude":
            rules.magnitude(network, share)
        elif rule == "band":
            mixes = (stems.sum(1) for stems in self._batches(generator, rules.ROUNDS))
            rules.band(network, share, self.original, self.trainable.estimate, mixes)
        elif rule == "structured":
            take_units(network, share, self.trainable.full_widths, self._loss, self._batches(generator, BATCHES))
        elif rule != "none":
            raise PruningError(f"There is no rule {rule}. There are: {', '.join(RULES)}.")

    def _loss(self, network: nn.Module, stems: Tensor) -> Tensor:
        return separation_loss(self.trainable, network, stems)

    def _batches(self, generator: torch.Generator, count: int) -> Iterator[Tensor]:
        for _ in range(count):
            yield self.learnt.draw(self.config.batch, self.trainable.length, generator).to(self.device)

    def _measured(
        self, rule: str, share: float, network: nn.Module, untuned: list[float], steps: int, path: Path | None = None
    ) -> CurvePoint:
        if path is None:
            path = self.out / f"{UNPRUNED}{SUFFIX}"
            self.trainable.save(network, path, UNPRUNED)
        mix = self.held_out.draw(1, self.trainable.length, torch.Generator().manual_seed(0)).sum(1).to(self.device)
        seconds, others = cost(self.trainable, self.original, network, mix)
        return CurvePoint(
            rule=rule,
            share=share,
            zeros=rules.zeros(network),
            parameters=sum(parameter.numel() for parameter in network.parameters()),
            megabytes=path.stat().st_size / 1e6,
            seconds=seconds,
            unpruned_seconds=others,
            sdr=self._sdr(network) if rule != UNPRUNED else untuned,
            untuned_sdr=untuned,
            steps=steps,
            file=path.name,
            sha256=digest(path),
        )

    def _sdr(self, network: nn.Module) -> list[float]:
        """SDR of the vocals of every held-out track in dB. Raises PruningError."""
        separator = self.trainable.vocals(network.eval())
        scores = []
        for track in self.tracks:
            score = score_track(track, [separator])
            if not isinstance(score, TrackScores):
                raise PruningError(f"{score.why} Take it out of the held-out songs.")
            scores.append(score.vocals_sdr[0])
        return scores

    def _add(self, curve: Curve, point: CurvePoint) -> Curve:
        longer = replace(curve, points=[*curve.points, point])
        write_curve(self.out, longer)
        return longer

    def _plan(self, songs: dict[str, Any]) -> None:
        """Write down what is done here. Raises PruningError if `out` holds something else."""
        plan = json.loads(
            json.dumps({"start": self.trainable.start, **asdict(self.options), **asdict(self.config), **songs})
        )
        path = self.out / PLAN
        if (self.out / ROWS).exists() and (before := _stored(path)) != plan:
            changed = [name for name in plan if before.get(name) != plan[name]]
            raise PruningError(
                f"{self.out} holds a pruning with other {' and '.join(changed)}. Choose another --out, or remove it."
            )
        self.out.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as file:
            file.write(json.dumps(plan, ensure_ascii=False, indent=1).encode())


def _track(song: StemSong) -> Track:
    """A held-out song as the evaluation reads it. Raises PruningError."""
    if MIXTURE not in song.files:
        raise PruningError(f"{song.name} is held out and has no mixture.wav. Add it, or take the folder out.")
    return Track(song.name, (song.files[MIXTURE], 0), (song.files[VOCALS], 0))


def _stored(path: Path) -> dict[str, Any]:
    try:
        stored = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return stored if isinstance(stored, dict) else {}


def _nowhere(name: str) -> dict[str, Path]:
    raise NotFetched(f"{name} is not looked up here.")


def checked_rules(names: Sequence[str]) -> tuple[str, ...]:
    """Rules by name. Raises PruningError."""
    if unknown := [name for name in names if name not in RULES]:
        raise PruningError(f"There is no rule {unknown[0]}. There are: {', '.join(RULES)}.")
    return tuple(dict.fromkeys(names))
