"""`discovervoice evaluate voice`: held-out voices against their gates, or one voice that is there."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.console import DeskError, console, no_nan
from cli.report import model_table
from lab.desk import tables, voice_tables
from lab.desk.progress import progress_bar
from lab.desk.voice_tables import measured
from pipeline.captions import figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.evaluate.one_voice import OneVoiceEvaluation
    from lab.evaluate.plan import EvaluationSource
    from pipeline.pool.model_pool import ModelPool

SHIPPED_SOURCES = {"libri-1998": "en", "nsh": "ru", "af_heart": "en"}
"""Voices that ship and their languages: what one voice sings where no other data are given."""


def voice(
    name: Annotated[
        str | None,
        typer.Argument(help="One voice: yours, a member's as #ID, a free one; a file; a folder of recordings."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="What `discovervoice corpus build` made, or a folder of recordings for each singer."),
    ] = None,
    recordings: Annotated[
        Path | None, typer.Option(help="Recordings of the one voice's owner, which it has not heard.")
    ] = None,
    minutes: Annotated[
        float, typer.Option(min=0.05, max=10080.0, callback=no_nan, help="Training time of each target.")
    ] = 10.0,
    targets: Annotated[str, typer.Option(help="Voices of the data, with commas; some held-out ones if empty.")] = "",
    out: Annotated[Path, typer.Option(help="Folder for voices, sounds and figures.")] = Path("evaluation"),
    skip_training: Annotated[bool, typer.Option("--skip-training", help="Measure voices from one note only.")] = False,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 2,
) -> None:
    """Measure one voice; or train held-out ones, convert speech and song, print the gates, and go on where it was."""
    import torch

    torch.set_num_threads(threads)
    if name is not None:
        _one(name, data, recordings, out)
    elif data is None:
        raise DeskError("Name a voice, or give --data: a corpus or a folder of singers to train held-out voices on.")
    else:
        chosen = [target.strip() for target in targets.split(",") if target.strip()]
        _held_out(data, out, None if skip_training else minutes * 60, chosen)


def _held_out(data: Path, out: Path, seconds: float | None, chosen: list[str]) -> None:
    from lab.evaluate import record
    from lab.evaluate.voice import evaluate_voice
    from pipeline.pool.model_pool import ModelPool

    with progress_bar() as report:
        evaluation = evaluate_voice(data, out, ModelPool(), seconds, chosen, report)
    file = record.write(out, evaluation)
    for target in evaluation.targets:
        console.print(voice_tables.pair_table(evaluation, target.name))
    console.print(voice_tables.instant_table(evaluation))
    if evaluation.targets:
        console.print(voice_tables.target_table(evaluation))
    for untrained in evaluation.untrained:
        verdicts = record.target_verdicts(evaluation, untrained.name)
        console.print(tables.gate_table(f"Gates: {untrained.name}", verdicts))
    console.print(tables.gate_table("Gates: all targets", record.verdicts(evaluation)))
    console.print(model_table(evaluation.models))
    for sentence in evaluation.missing:
        console.print(sentence, highlight=False)
    console.print(f"Figures: {file}; sounds beside it.")


def _one(name: str, data: Path | None, recordings: Path | None, out: Path) -> None:
    from lab.desk.voice_choice import open_voice, sounds_of
    from lab.evaluate.loudest import loudest
    from lab.evaluate.one_voice import FILE, evaluate_one_voice
    from lab.evaluate.plan import HELD_OUT_CLIPS, MAX_SECONDS
    from lab.evaluate.voice import VOICE_RATE
    from pipeline.listening.notes import read_voice
    from pipeline.pool.model_pool import ModelPool
    from pipeline.pool.model_settings import ModelSettings
    from store import StoreSettings

    with progress_bar() as report:
        models = ModelPool(selection=ModelSettings().selection(StoreSettings().data_dir))
        files = sounds_of(recordings) if recordings else []
        (out / "voice").mkdir(parents=True, exist_ok=True)
        opened = open_voice(name, models, out / "voice", files)
        sources = _sources(data, VOICE_RATE, models, out / "cache")
        own = [loudest(read_voice(file, VOICE_RATE, file.name), MAX_SECONDS, VOICE_RATE) for file in files]
        evaluation = evaluate_one_voice(opened, sources, own[:HELD_OUT_CLIPS], VOICE_RATE, models, out, report)
    console.print(one_voice_table(evaluation))
    if evaluation.own is not None:
        own_figures = evaluation.own
        console.print(
            f"Its owner's recordings, reconstructed: MCD {measured(own_figures.mcd, 2, ' dB')} (WORLD's copy "
            f"{measured(own_figures.mcd_copy, 2, ' dB')}), speaker cosine {measured(own_figures.own_cosine)}, "
            f"real-time factor {measured(own_figures.real_time_factor)}.",
            soft_wrap=True,
        )
    else:
        console.print("MCD was not measured: give --recordings of its owner.")
    console.print(model_table(evaluation.models))
    for sentence in evaluation.missing:
        console.print(sentence, highlight=False, soft_wrap=True)
    console.print(f"Figures: {out / FILE}; sounds beside it.", highlight=False)


def _sources(data: Path | None, rate: int, models: "ModelPool", cache: Path) -> "Sequence[EvaluationSource]":
    """Of a corpus or of a folder of singers; else voices that ship, and the real song."""
    from cli.shipped import shipped_voices
    from lab.evaluate.plan import EvaluationSource, choose_sources, real_song
    from pipeline.listening.notes import read_voice

    if data is not None:
        return choose_sources(data, rate, models, cache)
    spoken = []
    for folder, language in SHIPPED_SOURCES.items():
        file = sorted((shipped_voices() / folder).glob("*.ogg"))[0]
        wav = read_voice(file, rate, file.name)
        spoken.append(
            EvaluationSource(name=folder, speaker=folder, wav=wav, rate=rate, language=language, kind="speech", text="")
        )
    return [*spoken, real_song(rate, models, cache)]


def one_voice_table(evaluation: "OneVoiceEvaluation") -> Table:
    """Every source: itself, WORLD's copy, converted."""
    made = f"{evaluation.minutes:.1f} min of sound, {evaluation.steps} steps" if evaluation.minutes else "imported"
    title = f"{evaluation.name}: {evaluation.network}, from {evaluation.base}, {made}"
    table = Table("source (key shift)", title=title, title_justify="left")
    for column in ("cosine", "content", "f0 r", "cents", "V/UV F1", "MOS"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in evaluation.sources:
        name = f"{row.source} ({figure(row.key_shift, '+d')})"
        table.add_row(name, measured(row.cosine_source), "", "", "", "", measured(row.own.mos))
        for label, cosine, figures in (
            ("WORLD copy", "", row.copy),
            ("converted", measured(row.cosine), row.converted),
        ):
            table.add_row(
                f"  {label}",
                cosine,
                measured(figures.content_cosine),
                measured(figures.f0_correlation, 3),
                f"{measured(figures.f0_cents, 0)}/{measured(figures.f0_cents_median, 0)}",
                measured(figures.voicing_f1),
                measured(figures.mos),
                end_section=label == "converted",
            )
    table.caption = "cosine: speaker, to the owner. cents: root mean square/median, after the shift. MOS: DistillMOS."
    return table
