"""A small training of each kind that processes can share, on made-up material: the real steps, in float64.

Rounding is left out on purpose: Adam makes a whole step of a gradient that is nothing but rounding, in float32.
"""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import nn

from cli.song_folder import LabelledSong
from lab.classifiers.fit import fit
from lab.classifiers.start import begin
from lab.classifiers.task import SingerConfig, SingerTask, SongExample
from lab.corpus.clips import CorpusClip
from lab.pretrain import content, loop, singers, voice
from lab.pretrain.config import Schedule
from lab.pretrain.text_map import TextClip, TextMapConfig, TextMapTask
from lab.pretrain.voice_material import VoiceClip
from lab.separators.stems import StemMaterial, read_sides
from lab.separators.task import SeparatorConfig, SeparatorTask
from models.rvc import S24, pretrained
from models.speaker import resemblyzer
from pipeline.errors import CrewLost
from pipeline.pool.model_pool import ModelPool
from pipeline.progress import ignore
from pipeline.training import rvc
from pipeline.training.base import Base, TrainOptions
from pipeline.training.crew import Crew, crew
from pipeline.training.data import TrainingData
from pipeline.training.h24 import HarmonicBase
from pipeline.training.loop import TrainingLoop
from pipeline.training.rvc import OfficialBase
from pipeline.training.s24 import SmallBase
from tests.lab.separators.stem_songs import small, write_songs
from tests.models.rvc.base_files import SMALL, write_base
from tests.pipeline.training.test_rvc import buzz

Work = Callable[[Crew, Path], None]
"""What each process of a crew does, in a folder of its own."""
Weights = Mapping[str, torch.Tensor]
FRAMES = 80
"""Of a window for the harmonic decoder; a real training has twice as many."""
SHORT, ONCE = Schedule(2, log_every=1, save_seconds=0.0), Schedule(1, log_every=1)
LONG, KILLED_AT = replace(SHORT, steps=5), 3
LARGE = ("voice", "h24", "text")
"""Their networks have their full size: one step says it all."""


def draws(number: int = 0) -> np.random.Generator:
    """Numbers of their own for each thing that is made up."""
    return np.random.default_rng(number)


def clip(number: int, *, held_out: bool = False) -> CorpusClip:
    """A clip of nobody, every other one synthetic."""
    return CorpusClip(Path(f"{number}.ogg"), f"voice-{number % 2}", "en", 4.0, held_out, number % 2 == 0, 7000.0)


def content_task(crew: Crew, folder: Path) -> loop.Task:
    """Crops of which some have no phone that is known."""

    def made(clips: Sequence[CorpusClip], *_: object) -> list[content.ContentExample]:
        return [
            content.ContentExample(
                draws(n).normal(0, 3000, 64000).astype(np.int16),
                draws(n).normal(0, 1, (200, 512)).astype(np.float16),
                np.where(draws(n).random(200) < n / 6, draws(n).integers(0, 178, 200), -1),
            )
            for n in range(len(clips))
        ]

    config = content.ContentConfig(width=32, layers=1, batch=4, seconds=1.0, bf16=False, from_shipped=False)
    with patch.object(content, "prepare", made):
        return content.ContentTask([clip(n, held_out=n > 4) for n in range(7)], config, folder, crew=crew)


def singer_encoder_task(crew: Crew, folder: Path) -> loop.Task:
    """Clips of two voices and of a crowd."""

    def made(clips: Sequence[CorpusClip], *_: object) -> list[singers.SingerEncoderExample]:
        frames = [draws(n).normal(-0.5, 0.3, (120, 128)).astype(np.float16) for n in range(len(clips))]
        unit = [np.eye(256, dtype=np.float32)[n] for n in range(len(clips))]
        return [
            singers.SingerEncoderExample(f, f[:0] if n % 2 else f[::-1], unit[n], c)
            for n, (c, f) in enumerate(zip(clips, frames, strict=True))
        ]

    config = singers.SingerEncoderConfig(width=64, layers=1, frames=64, batch=4, pieces=1)
    crowd = CorpusClip(Path("c.ogg"), "crowd", "en", 4.0, False, False, 7000.0)
    music = draws(9).normal(-0.5, 0.3, (120, 128)).astype(np.float16)
    with patch.object(singers, "prepare", made), patch.object(singers, "_music", lambda *_: music):
        clips = [*(clip(n, held_out=n > 4) for n in range(7)), crowd, crowd]
        return singers.SingerEncoderTask(clips, config, folder, crew=crew)


def text_task(crew: Crew, folder: Path) -> loop.Task:
    """Features and decoder frames."""
    clips = [
        TextClip(
            draws(n).normal(0, 1, (120, 1024)).astype(np.float16),
            draws(n).normal(0, 1, (120, 128)).astype(np.float16),
            draws(n).uniform(100, 200, 240).astype(np.float32),
            draws(n).normal(5, 1, 240).astype(np.float32),
        )
        for n in range(3)
    ]
    return TextMapTask(clips, TextMapConfig(batch=2, filters_every=1), crew)


def voice_task(crew: Crew, folder: Path) -> loop.Task:
    """Windows of two bandwidths, with conversion and discriminator."""
    clips = []
    for n in range(4):
        draw = draws(n)
        speaker = np.abs(draw.normal(0, 1, 256)).astype(np.float32)
        clips.append(
            VoiceClip(
                CorpusClip(Path(f"{n}"), f"v{n}", "en", 2.0, False, n % 2 == 0, 5000.0 + 2000 * n),
                draw.normal(0, 3000, 200 * 240).astype(np.int16),
                1.0,
                np.full(200, 120 + 40 * n, np.float32),
                draw.normal(6, 1, 200).astype(np.float32),
                draw.normal(0, 1, (100, 128)).astype(np.float16),
                speaker / np.linalg.norm(speaker),
            )
        )
    config = voice.VoiceConfig(batch=2, convert_batch=2, convert_every=1, adversary_from=0, warm_steps=1)
    vars(voice)["FRAMES"] = FRAMES
    return voice.VoiceTask(clips, resemblyzer.load(), config, crew)


def separator_task(crew: Crew, folder: Path) -> loop.Task:
    """A small MDX23C on noise."""
    trainable = small("mdx23c", folder)
    sides = read_sides(write_songs(folder / "songs", 2, 1), trainable.stems)
    learnt, held_out = (StemMaterial(songs, trainable.stems, 0.5) for songs in (sides.train, sides.held_out))
    config = SeparatorConfig(batch=2, warm_steps=1, checked=1)
    return SeparatorTask(trainable, trainable.network, learnt, held_out, config, crew=crew)


def classifier_task(crew: Crew, folder: Path) -> SingerTask:
    """Songs of three singers, with dropout and other songs' music."""
    config = SingerConfig(width=64, layers=1, frames=64, batch=4, dropout=0.3, warm_steps=1)
    songs = []
    for number in range(6):
        crop, noise = (draws(number).normal(-0.5, 0.3, (n, 128)).astype(np.float16) for n in (100, 80))
        song = LabelledSong(Path(f"{number}"), f"{number % 3}", "", f"{number}")
        songs.append(SongExample(song, number % 3, (crop,), noise))
    return SingerTask(begin(None, config, 0), ["0", "1", "2"], songs, songs[:3], config, crew=crew)


TASKS: Mapping[str, Callable[[Crew, Path], Any]] = {
    "content": content_task,
    "singers": singer_encoder_task,
    "text": text_task,
    "voice": voice_task,
    "separators": separator_task,
    "classifiers": classifier_task,
}
BASES: Mapping[str, Callable[[], Base]] = {
    "rvc": lambda: OfficialBase("rvc-40k"),
    "s24": SmallBase,
    "h24": HarmonicBase,
}
KINDS = (*TASKS, *BASES, "loop")


def pretrained_weights(kind: str, crew: Crew, folder: Path, schedule: Schedule) -> Weights:
    """A task of the laboratory, run by its own loop to the end of the schedule."""
    task = TASKS[kind](crew, folder / "material")
    for module in task.modules.values():
        module.double()
    for name in ("decoder", "loss", "heard_as", "teacher"):
        if isinstance(part := getattr(task, name, None), nn.Module):
            part.double()
    before = _weights(task.modules)
    if kind == "classifiers":
        fit(task, folder / kind, schedule, crew=crew)
    else:
        loop.run(task, folder / kind, schedule, crew=crew)
    return _moved(before, _weights(task.modules))


def voice_weights(kind: str, crew: Crew, folder: Path, schedule: Schedule) -> Weights:
    """A voice's learner, a few steps from its base; some clips are shorter than others."""
    models = pool(folder)
    speaker = torch.nn.functional.normalize(torch.rand(256, generator=torch.Generator().manual_seed(0)), dim=0)
    base = BASES[kind]()
    learner: Any = base.learner(models, speaker, TrainOptions(), crew)
    parts = [part for part in vars(learner).values() if isinstance(part, nn.Module)]
    for part in parts:
        part.double()
    before = _weights({"network": learner.network, "discriminator": getattr(learner, "discriminator", nn.Module())})
    data = material(kind)
    for number in range(schedule.steps):
        learner.step(data, 2, number, 0.1, crew.generator(number))
    after = {"network": learner.network, "discriminator": getattr(learner, "discriminator", nn.Module())}
    return _moved(before, _weights(after))


def loop_weights(kind: str, crew: Crew, folder: Path, schedule: Schedule) -> Weights:
    """The loop of voices on a base of RVC's, which several processes break off in its middle and take up again."""
    for steps in (4,) if crew.size == 1 else (2, 4):
        models = pool(folder)
        options = TrainOptions(steps=steps, batch=2, measure_steps=2)
        training = TrainingLoop(models, torch.zeros(256), options, BASES["rvc"](), crew)
        learner: Any = training.learner
        for part in (learner.network, learner.discriminator, learner.loss):
            part.double()
        training.resume(folder / "training.pt")
        before = _weights(learner._modules)
        with patch.dict(vars(models), speaker=SimpleNamespace(embed=lambda wav: None)):
            training.run(material("rvc"), folder / "training.pt", ignore)
    assert [moment.step for moment in training.curve] == [0, 2, 4]
    return _moved(before, _weights(learner._modules))


def pool(folder: Path) -> ModelPool:
    """The embedded models, and a small base of RVC's."""
    models = ModelPool("cpu")
    files = write_base(folder / "base")
    models.locate = lambda name: files  # type: ignore[assignment]
    return models


def material(kind: str) -> TrainingData:
    """Recordings of a buzz, at the base's rate and with its width of content."""
    if kind == "rvc":
        return BASES[kind]().data([buzz(0.5), buzz(6.0)], ModelPool())
    width, frames, even = {"s24": (192, S24.segment_frames, False), "h24": (128, FRAMES, True)}[kind]
    return TrainingData([buzz(6.0, width, 24_000)], 24_000, frames, even=even)


def _weights(modules: Mapping[str, nn.Module]) -> dict[str, torch.Tensor]:
    return {f"{name}.{key}": t.clone() for name, module in modules.items() for key, t in module.state_dict().items()}


def _moved(before: Weights, after: Weights) -> Weights:
    """What was reached. Nothing is equal because nothing was learnt."""
    assert any(not torch.equal(before[name], tensor) for name, tensor in after.items())
    return after


def in_float64() -> None:
    """From here on what code of ours calls float32 is float64, in this process."""
    from_numpy = torch.from_numpy

    def doubled(array: Any) -> torch.Tensor:
        tensor = from_numpy(array)
        return tensor.double() if tensor.is_floating_point() else tensor

    torch.set_default_dtype(torch.float64)
    torch.from_numpy = doubled  # type: ignore[assignment]
    torch.Tensor.float = torch.Tensor.double  # type: ignore[method-assign]


def member(rank: int, size: int, port: int, folder: Path, work: Work) -> None:
    """What `torchrun` starts: one process of `size`, which does its work in a folder of its own."""
    environment = {"RANK": f"{rank}", "WORLD_SIZE": f"{size}", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": f"{port}"}
    os.environ |= environment | {"TORCHELASTIC_RUN_ID": "test"}
    torch.set_num_threads(1)
    in_float64()
    pretrained.BASES["rvc-40k"] = SMALL
    rvc.CLIP_FRAMES = 100
    own = folder / f"{rank}-of-{size}"
    try:
        with crew(torch.device("cpu")) as members:
            work(members, own)
    except CrewLost as error:
        (own / "lost").write_text(str(error))


def every_kind(crew: Crew, folder: Path) -> None:
    """Train each kind, and write the weights that it ends with."""
    for kind in KINDS:
        (folder / kind / "material").mkdir(parents=True)
        train = pretrained_weights if kind in TASKS else voice_weights if kind in BASES else loop_weights
        schedule = ONCE if kind in LARGE else SHORT
        torch.save(train(kind, crew, folder / kind, schedule), folder / f"{kind}.pt")


def to_its_end(crew: Crew, folder: Path) -> None:
    """A longer training of one kind; goes on where it was."""
    (folder / "long" / "material").mkdir(parents=True, exist_ok=True)
    torch.save(pretrained_weights("singers", crew, folder / "long", LONG), folder / "long.pt")


def until_a_kill(crew: Crew, folder: Path) -> None:
    """Train each kind, then begin the longer one, in which the second process is killed. The first writes its error."""
    every_kind(crew, folder)
    step = singers.SingerEncoderTask.step

    def fatal(task: singers.SingerEncoderTask, number: int, generator: torch.Generator) -> dict[str, float]:
        if number == KILLED_AT and not crew.leads:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(task, number, generator)

    with patch.object(singers.SingerEncoderTask, "step", fatal):
        to_its_end(crew, folder)
