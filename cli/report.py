"""A finished cover, training or match as a table for the terminal; every figure beside the model that measured it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table

from cli.console import counted
from pipeline.captions import figure

if TYPE_CHECKING:
    from store import Singer
    from store.results import CoverResult, MatchResult, SongSuggestion, TrainResult


@dataclass(frozen=True)
class StageTimes:
    """The seconds of a job's stages, and the seconds of sound that it processed, if any."""

    job: str
    stages: Mapping[str, float]
    seconds: float | None = None


def number(value: float | None, digits: int = 2, unit: str = "") -> str:
    """A figure, or a dash where there is none."""
    return "–" if value is None else figure(value, f".{digits}f") + unit


def match_table(result: "MatchResult") -> Table:
    """Candidates with calibrated probability and similarity, and "none of them"."""
    table = Table(title=f"Match ({result.model})", title_justify="left")
    table.add_column("voice")
    table.add_column("probability", justify="right")
    table.add_column("similarity", justify="right")
    for candidate in result.candidates:
        table.add_row(candidate.name, f"{candidate.share:.1%}", number(candidate.similarity))
    table.add_row("none of them", "–" if result.none is None else f"{result.none:.1%}", "")
    fit = result.calibration
    if fit is not None and not isinstance(fit, str):
        table.caption = (
            f"Calibrated on {fit.clips} held-out clips of the library: top-1 {number(fit.top1)}, "
            f"cross entropy {number(fit.cross_entropy)} nat, calibration error {number(fit.error)}."
        )
    if result.narrowband:
        table.caption = f"{table.caption or ''} A note has telephone quality: “none” comes too often.".strip()
    return table


def singer_table(singers: "Sequence[Singer]", model: str) -> Table:
    """The library; a singer whom another model embedded is not compared."""
    table = Table("singer", "clips", "compared", "source", "licence")
    for singer in singers:
        compared = "yes" if singer.embedding_model == model else "no"
        table.add_row(singer.name, str(singer.clips), compared, singer.source, singer.licence)
    if any(singer.embedding_model != model for singer in singers):
        table.caption = (
            f"“no”: not embedded by {model}, which /match compares by. The voices that ship are embedded again at the "
            "next start; add others again with their clips."
        )
    return table


def singer_line(singer: "Singer") -> str:
    """Of how many different clips a singer was added; too few are told."""
    from pipeline.matching.match import MIN_CLIPS

    few = f" Fewer than {MIN_CLIPS} different ones do not calibrate /match: add it again with more."
    return f"{singer.name}: {counted(singer.clips, 'clip')}.{few if singer.clips < MIN_CLIPS else ''}"


def training_line(result: "TrainResult") -> str:
    """A training's steps and minutes, and its figures on held-out seconds before and after."""
    likeness = f"{number(result.first_cosine)} → {number(result.cosine)}"
    error = f"{number(result.first_mel_loss)} → {number(result.mel_loss)}"
    narrow = " A note has telephone quality: the voice sounds dull." if result.narrowband else ""
    octave = " The notes have less than 3 s with a pitch: covers choose no octave." if result.no_octave else ""
    return (
        f"{result.steps} steps on {number(result.minutes, 1)} minutes of voice, started from {result.base}, "
        f"ended by: {result.stopped}. Held out: likeness {likeness}, log-mel error {error}.{octave}{narrow}"
    )


def cover_table(result: "CoverResult") -> Table:
    """Source against cover."""
    table = Table(title=f"Cover: {result.song} in {result.voice}", title_justify="left")
    for column in ("figure", "source", "cover", "measured by"):
        table.add_column(column)
    table.add_row(
        "speaker cosine to target",
        number(result.cosine_source),
        number(result.cosine_cover),
        result.speaker_model,
    )
    table.add_row("neural MOS (1–5)", number(result.mos_source), number(result.mos_cover), result.mos_model)
    table.add_row("log-f0 correlation", "", number(result.f0_correlation, 3), result.pitch_model)
    table.add_row("f0 error", "", number(result.f0_cents, 0, " cents"), result.pitch_model)
    table.add_row("voicing F1", "", number(result.voicing_f1), result.pitch_model)
    if result.vocals_only:
        table.add_row("vocals", "as given", "", "")
    if result.vocals_only or result.instrumental:
        table.add_row("instrumental", "", result.instrumental or "none", "")
    table.add_row("loudness", number(result.song_lufs, 1, " LUFS"), number(result.lufs, 1, " LUFS"), "BS.1770-4")
    table.add_row("true peak", "", number(result.true_peak_db, 1, " dBTP"), "BS.1770-4")
    table.add_row("key shift of the vocals", "", semitones(result.key_shift), "")
    if result.instrumental_shift is not None:
        table.add_row("key shift of the instrumental", "", semitones(result.instrumental_shift), "")
    if result.vocal_level is not None:
        table.add_row("vocals against the instrumental", "", f"{figure(result.vocal_level, '+d')} dB", "")
    table.caption = " ".join(_remarks(result))
    return table


def _remarks(cover: "CoverResult") -> list[str]:
    """What the figures alone would not tell."""
    remarks = []
    if cover.no_octave:
        remarks.append(
            "No octave was chosen: too little of the voice or of the song has a pitch. Set it with --key-shift."
        )
    if cover.scaled_db:
        remarks.append(
            f"The song was {number(cover.scaled_db, 1, ' dB')} above full scale; the cover is that much softer."
        )
    return remarks


def semitones(count: int | None) -> str:
    """A key shift, or a dash where none is known."""
    return "–" if count is None else f"{figure(count, '+d')} semitones"


def stage_table(rows: Sequence[StageTimes]) -> Table:
    """Seconds of every stage of every job; the real-time factor where a job has a length of sound."""
    table = Table(title="Time", title_justify="left")
    for column in ("job", "stage", "seconds", "real-time factor"):
        table.add_column(column, justify="right" if column in ("seconds", "real-time factor") else "left")
    for row in rows:
        label = row.job
        for stage, spent in row.stages.items():
            factor = number(spent / row.seconds, 2) if row.seconds else ""
            table.add_row(label, stage, number(spent, 1), factor)
            label = ""
    return table


def files_of(result: "CoverResult") -> list[str]:
    """The names of what a cover leaves in the operator's folder."""
    vocals = [] if result.vocals_only else ["vocals.flac"]
    rest = [] if result.vocals_only or result.instrumental else ["instrumental.flac"]
    picture = ["cover.png"] if result.measured else []
    return [f"cover.{result.encoding.split()[0]}", *vocals, *rest, "converted.flac", *picture]


def model_table(models: Mapping[str, str]) -> Table:
    """Every model that ran."""
    table = Table(title="Models that ran", title_justify="left")
    table.add_column("role")
    table.add_column("model")
    for role, name in models.items():
        table.add_row(role, name)
    return table


def song_line(song: "SongSuggestion") -> str:
    """A song that suits whoever was heard, and how."""
    by = f" ({song.singer})" if song.singer else ""
    key = f"--key-shift {song.key_shift}" if song.key_shift else "in its own key"
    moved = f"{song.key} → {song.sung_key}" if song.sung_key != song.key else song.key
    key += f" ({moved})" if song.key else ""
    inside = "" if song.inside is None else f", {song.inside:.0%} of it in the range"
    return f"A song to sing: {song.title}{by}, {key}{inside}."
