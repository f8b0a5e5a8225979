"""The page before it has a form: sections with a table, pictures and sentences, in one language.

Each table has what was measured here beside what the project that this one follows has reported (the constants), and a
sentence on what of the two cannot be compared.
"""

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from cli.report import number
from lab.evaluate import match_report
from lab.evaluate.boxes import PICTURE as BOXES
from lab.evaluate.intervals import LEAST, bootstrap
from lab.evaluate.recommender import FIRST
from lab.evaluate.separation import CEILING_NOTABLE
from lab.pruning.curve import PICTURE as CURVE_PICTURE
from lab.report.measured import CoverSummary, Measured, VoiceSummary

LANGUAGES = ("en", "ko")
SEED_HTDEMUCS, SEED_MDX23C = "9.648", "12.388"
"""dB, SDR after pruning; these and the next as the project that this one follows has reported them."""
SEED_HTDEMUCS_GAIN, SEED_MDX23C_GAIN = "+9 %", "+21.37 %"
"""Of the SDR, by pruning."""
SEED_MCD, SEED_UTMOS, SEED_HUMAN = "≈ 3 dB", "1.5–1.8 (UTMOS)", "≈ 3.7"
Row = tuple[str, ...]
Say = Callable[..., str]


@dataclass(frozen=True)
class Picture:
    """A PNG and what it shows."""

    data: bytes
    says: str


@dataclass(frozen=True)
class Section:
    """A heading, what it says, a table whose first row names the columns, and pictures."""

    heading: str
    sentences: Sequence[str] = ()
    table: Sequence[Row] = ()
    pictures: Sequence[Picture] = field(default=())


@dataclass(frozen=True)
class Page:
    """A whole report."""

    language: str
    title: str
    sentences: Sequence[str]
    sections: Sequence[Section]


def make_page(measured: Measured, language: str) -> Page:
    """The report in one of LANGUAGES."""
    texts = _texts(language)

    def say(key: str, **fields: object) -> str:
        return str(texts[key]).format(**fields)

    sections = (_separation, _pruning, _match, _voice, _cover, _human, _costs)
    return Page(
        language,
        say("title"),
        [say("intro"), say("made", day=datetime.now(UTC).date().isoformat())],
        [section(measured, say) for section in sections],
    )


def _separation(measured: Measured, say: Say) -> Section:
    scores = measured.separation
    columns = (say("separator"), say("stem"), "SDR (dB)", "SI-SDR (dB)", say("museval"), say("seed"))
    seed = [
        ("HTDemucs", say("vocals"), "–", "–", "–", SEED_HTDEMUCS),
        ("MDX23C", say("vocals"), "–", "–", "–", SEED_MDX23C),
    ]
    if scores is None:
        missing = say("missing", command="discovervoice evaluate separation musdb18hq")
        sentences = [missing, say("separation_seed"), say("separation_limits")]
        return Section(say("separation"), sentences, [columns, *seed])
    rows: list[Row] = []
    for place, name in enumerate(scores.names):
        for stem, *figures in (
            ("vocals", "vocals_sdr", "vocals_si_sdr", "museval_median"),
            ("instrumental", "instrumental_sdr", "instrumental_si_sdr", "instrumental_median"),
        ):
            sdr, si_sdr, medians = ([getattr(track, figure)[place] for track in scores.tracks] for figure in figures)
            rows.append((name, say(stem), _mean(sdr), _mean(si_sdr), _median(medians), "–"))
    layouts = ", ".join(sorted({track.layout for track in scores.tracks}))
    minutes = sum(track.seconds for track in scores.tracks) / 60
    sentences = [say("separation_data", tracks=len(scores.tracks), minutes=minutes, layouts=layouts)]
    if len(scores.tracks) < LEAST:
        sentences.append(say("few_tracks", least=LEAST))
    ceilings = [track.ceiling for track in scores.tracks if track.ceiling is not None]
    coded = [ceiling for ceiling in ceilings if ceiling < CEILING_NOTABLE]
    if coded:
        sentences.append(say("ceiling", tracks=len(coded), ceiling=float(np.mean(coded))))
    sentences += [row.why for row in scores.left_out]
    table = [columns, *rows, *seed]
    return Section(
        say("separation"),
        [*sentences, say("separation_seed"), say("separation_limits")],
        table,
        _pictures(measured, {BOXES: say("boxes")}),
    )


def _pruning(measured: Measured, say: Say) -> Section:
    curve = measured.pruning
    columns = (say("network"), say("zeros"), "MB", say("work"), say("vocals_sdr"), say("change"), say("seed"))
    seed = [
        ("HTDemucs", "–", "–", "–", "–", "–", SEED_HTDEMUCS_GAIN),
        ("MDX23C", "–", "–", "–", "–", "–", SEED_MDX23C_GAIN),
    ]
    if not curve:
        missing = say("missing", command="discovervoice prune spleeter --data musdb18hq --out evaluation")
        return Section(say("pruning"), [missing, say("pruning_seed"), say("pruning_limits")], [columns, *seed])
    rows = [
        (
            f"{row.separator}: {row.rule} {row.share:.0%}" if row.share else f"{row.separator}: {row.rule}",
            f"{row.zeros:.0%}",
            number(row.megabytes, 1),
            number(row.seconds, 3),
            _with(row.sdr, row.sdr_interval),
            _with(row.change, row.change_interval) if row.share else "–",
            "–",
        )
        for row in curve
    ]
    sentences = [
        say("pruning_data", tracks=curve[0].tracks),
        say("zeros_save_nothing"),
        say("pruning_seed"),
        say("pruning_limits"),
    ]
    pictures = _pictures(measured, {CURVE_PICTURE: say("curve")})
    return Section(say("pruning"), sentences, [columns, *rows, *seed], pictures)


def _match(measured: Measured, say: Say) -> Section:
    found = measured.match
    if found is None:
        missing = say("missing", command="discovervoice evaluate match")
        return Section(say("match"), [missing, say("match_seed"), say("match_limits")])
    figures = found.match
    table: list[Row] = [
        (say("figure"), say("here"), say("seed")),
        ("top-1", _with(figures.top1, figures.top1_interval), "–"),
        ("top-3", number(figures.top3), "–"),
        ("macro F1", number(figures.macro_f1), "–"),
        (say("cross_entropy"), _with(figures.cross_entropy, figures.cross_entropy_interval), say("unstated")),
        (say("calibration"), number(figures.calibration_error), "–"),
        (say("open_set"), number(figures.open_set_area), "–"),
        (say("strangers"), number(figures.strangers_named), "–"),
    ]
    for row in found.recommender:
        name = f"{say(row.method.replace(' ', '_'))}: hit@{FIRST} / nDCG@{FIRST} / {say('out_of_range')}"
        outside = number(None if np.isnan(row.out_of_range) else row.out_of_range)
        table.append((name, f"{row.hit:.2f} / {row.ndcg:.2f} / {outside}", "–"))
    sentences = [
        say("match_data", data=found.data, singers=figures.singers, recordings=figures.known, model=found.model),
        say("recommender_caveat"),
        say("match_seed"),
        say("match_limits"),
    ]
    pictures = {match_report.PICTURE: say("curves"), match_report.CONFUSION: say("confusion")}
    return Section(say("match"), sentences, table, _pictures(measured, pictures))


def _voice(measured: Measured, say: Say) -> Section:
    voice = measured.voice
    if voice is None:
        missing = say("missing", command="discovervoice evaluate voice NAME")
        return Section(say("voice"), [missing, say("voice_seed"), say("voice_limits")])
    sentences = [say("voice_data", name=voice.name, base=voice.base, minutes=voice.minutes, steps=voice.steps)]
    return Section(say("voice"), [*sentences, say("voice_seed"), say("voice_limits")], _voice_table(voice, say))


def _voice_table(voice: VoiceSummary, say: Say) -> list[Row]:
    return [
        (say("figure"), say("here"), say("vocoder"), say("seed")),
        (say("mcd"), number(voice.mcd, 2, " dB"), number(voice.mcd_copy, 2, " dB"), SEED_MCD),
        (
            say("neural_mos", model=voice.mos_model),
            number(voice.mos),
            number(voice.mos_copy),
            SEED_UTMOS,
        ),
        (say("cosine"), f"{number(voice.cosine_source)} → {number(voice.cosine)}", "–", "–"),
        (say("content"), number(voice.content_cosine), "–", "–"),
        (say("f0"), number(voice.f0_cents, 0, " cents"), "–", "–"),
        (say("rtf"), number(voice.real_time_factor), "–", "–"),
    ]


def _cover(measured: Measured, say: Say) -> Section:
    cover = measured.cover
    if cover is None:
        missing = say("missing", command="discovervoice evaluate cover SONG --voice NAME")
        return Section(say("cover"), [missing, say("cover_limits")])
    sentences = [say("cover_data", song=cover.song, voice=cover.voice), say("cover_caveat"), say("cover_limits")]
    return Section(say("cover"), sentences, _cover_table(cover, say))


def _cover_table(cover: CoverSummary, say: Say) -> list[Row]:
    return [
        (say("figure"), say("source"), say("the_cover")),
        (say("cosine"), number(cover.cosine_source), number(cover.cosine)),
        (say("content"), "–", number(cover.content_cosine)),
        (say("f0"), "–", number(cover.f0_cents, 0, " cents")),
        (say("mcd_cover"), number(cover.mcd_copy, 2, " dB"), number(cover.mcd, 2, " dB")),
        *((say("neural_mos", model=model), number(before), number(after)) for model, before, after in cover.mos),
        (say("loudness"), number(cover.lufs_song, 1, " LUFS"), number(cover.lufs, 1, " LUFS")),
        (say("clipped"), "–", f"{cover.clipped_share:.2%}"),
        (say("bleed"), "–", number(cover.bleed, 1, " dB")),
    ]


def _human(measured: Measured, say: Say) -> Section:
    table: list[Row] = [(say("clips"), "MOS", say("raters"), say("seed"))]
    for row in measured.opinions:
        found = row.opinion
        interval = (found.low, found.high) if found.low is not None and found.high is not None else None
        name = f"{say('test', number=row.test)}, {say(row.question)}: {say(f'role_{row.role}')} {row.model}".strip()
        table.append((name, _with(found.mean, interval), str(row.raters), "–"))
    table.append((say("guide_singers"), "–", "–", f"{SEED_HUMAN}, {say('listeners')}"))
    sentences = [] if measured.opinions else [say("no_human")]
    return Section(say("human"), [*sentences, say("human_seed"), say("human_limits")], table)


def _costs(measured: Measured, say: Say) -> Section:
    table: list[Row] = [(say("job"), say("count"), say("seconds"), say("memory"), say("seed"))]
    for cost in measured.costs:
        seed = say("seed_training") if cost.kind == "train" else "–"
        name = say(f"job_{cost.kind}")
        table.append((name, str(cost.count), number(cost.seconds, 1), number(cost.peak_memory_mb, 0, " MB"), seed))
    if not any(cost.kind == "train" for cost in measured.costs):
        table.append((say("job_train"), "0", "–", "–", say("seed_training")))
    sentences = [] if measured.costs else [say("no_jobs")]
    return Section(say("costs"), [*sentences, say("costs_seed"), say("costs_limits")], table)


def _pictures(measured: Measured, wanted: dict[str, str]) -> list[Picture]:
    return [Picture(measured.pictures[name], says) for name, says in wanted.items() if name in measured.pictures]


def _mean(values: Sequence[float]) -> str:
    return _with(float(np.mean(values)), bootstrap(values))


def _median(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return _with(float(np.median(known)), bootstrap(known, np.median)) if known else "–"


def _with(value: float, interval: tuple[float, float] | None) -> str:
    return number(value) + (f" ({number(interval[0])}…{number(interval[1])})" if interval else "")


@cache
def _texts(language: str) -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "texts" / f"{language}.toml").read_text("utf-8"))
