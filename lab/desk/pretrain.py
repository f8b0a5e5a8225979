"""`discovervoice pretrain`: make the weights that the service ships, from a corpus."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cli.console import DeskError, console

if TYPE_CHECKING:
    from lab.corpus.clips import CorpusClip
    from lab.pretrain.loop import Task
    from lab.pretrain.text_map import TextMapConfig, TextMapTask
    from lab.pretrain.voice import VoiceConfig, VoiceTask
    from pipeline.progress import Report
    from pipeline.training.crew import Crew

app = typer.Typer(no_args_is_help=True, help="Make the weights that the service ships, from a corpus.")

Data = Annotated[Path, typer.Option(help="A folder that `discovervoice corpus build` made.")]
Out = Annotated[Path, typer.Option(help="Folder for the training's state, log and weights; it goes on where it was.")]
Config = Annotated[Path | None, typer.Option(help="Settings (TOML); those of the shipped weights if not given.")]
Steps = Annotated[int | None, typer.Option(min=1, help="Steps, instead of the settings' own.")]
Threads = Annotated[int, typer.Option(min=1, help="CPU threads.")]
Make = Callable[[list["CorpusClip"], Any, Path, "Report", "Crew"], "Task"]
Export = Callable[[Any, Path], None]


@app.command()
def content(
    data: Data, out: Out = Path("pretrain"), config: Config = None, steps: Steps = None, threads: Threads = 2
) -> None:
    """Distil the content encoder from Whisper base; writes content.safetensors."""
    from lab.pretrain.content import ContentConfig, ContentTask, export

    options = _Options(data, out, config, steps, threads)
    _run("content", ContentConfig, ContentTask, export, "content.safetensors", options)


@app.command()
def text(
    data: Data, out: Out = Path("pretrain"), config: Config = None, steps: Steps = None, threads: Threads = 2
) -> None:
    """Train the map from Whisper's layers to text features, on synthetic clips; writes h24_content.safetensors."""
    from lab.pretrain.text_map import TextMapConfig, TextMapTask, export, read_text_clips
    from models.content import whisper

    def make(
        clips: "list[CorpusClip]", settings: "TextMapConfig", folder: Path, report: "Report", crew: "Crew"
    ) -> "TextMapTask":
        return TextMapTask(read_text_clips(clips, whisper.load(), folder, report), settings, crew)

    options = _Options(data, out, config, steps, threads)
    _run("text", TextMapConfig, make, export, "h24_content.safetensors", options)


@app.command()
def voice(
    data: Data, out: Out = Path("pretrain"), config: Config = None, steps: Steps = None, threads: Threads = 2
) -> None:
    """Train the voice base on the content encoder in use; writes h24_base.safetensors."""
    from lab.pretrain.voice import VoiceConfig, VoiceTask, export
    from lab.pretrain.voice_material import read_voice_clips
    from pipeline.pool.model_pool import ModelPool

    def make(
        clips: "list[CorpusClip]", settings: "VoiceConfig", folder: Path, report: "Report", crew: "Crew"
    ) -> "VoiceTask":
        models = ModelPool()
        return VoiceTask(read_voice_clips(clips, models, folder, report), models.speaker, settings, crew)

    _run("voice", VoiceConfig, make, export, "h24_base.safetensors", _Options(data, out, config, steps, threads))


@app.command()
def singers(
    data: Data, out: Out = Path("pretrain"), config: Config = None, steps: Steps = None, threads: Threads = 2
) -> None:
    """Train a small AST to know voices, also after separation; writes singers.safetensors."""
    from lab.pretrain.singers import SingerEncoderConfig, SingerEncoderTask, export

    options = _Options(data, out, config, steps, threads)
    _run("singers", SingerEncoderConfig, SingerEncoderTask, export, "singers.safetensors", options)


@app.command()
def plot(out: Out = Path("pretrain"), picture: Path = Path("losses.png")) -> None:
    """Draw the losses of every training in a folder."""
    from lab.pretrain import loop
    from pipeline.training.picture import plot_losses

    logs = {folder.name: loop.read_log(folder) for folder in sorted(out.glob("*")) if (folder / loop.LOG).exists()}
    if not logs:
        raise DeskError(f"{out} holds no training's log.")
    plot_losses(picture, logs)
    console.print(f"Picture: {picture}")


@dataclass(frozen=True)
class _Options:
    """The options of every training."""

    data: Path
    out: Path
    config: Path | None
    steps: int | None
    threads: int


def _run(role: str, kind: type[Any], make: Make, export: Export, file: str, options: _Options) -> None:
    """Train until the steps are done, with a bar, and export to the file; Ctrl-C or a kill loses at most a minute.

    Of several processes the leader reads the corpus first, writes and tells.
    """
    import torch

    from lab.corpus.clips import read_corpus
    from lab.errors import LabError
    from lab.pretrain import config, loop
    from pipeline.training.crew import crew

    torch.set_num_threads(options.threads)
    columns = (
        TextColumn("{task.description:<9}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[losses]}"),
    )
    out = options.out
    try:
        settings, schedule = config.read_config(options.config or config.shipped(role), kind)
        schedule = schedule if options.steps is None else config.with_steps(schedule, options.steps)
        with (
            crew(torch.device("cpu")) as members,
            Progress(*columns, console=console, disable=not members.leads) as progress,
        ):
            bar = progress.add_task("reading", total=1.0, losses="")

            def report(stage: str, fraction: float) -> None:
                progress.update(bar, description=stage, completed=fraction)

            def log(line: dict[str, float]) -> None:
                progress.update(bar, losses=loop.as_text(line))

            with members.leader_first():
                task = make(read_corpus(options.data), settings, out / "material" / role, report, members)
            done = loop.run(task, out / role, schedule, report, log, members)
            if not members.leads:
                return
            export(task, out / role / file)
    except LabError as error:
        raise DeskError(str(error)) from error
    console.print(f"{role}: {done} steps; state, log and weights in {out / role}.")
