"""What a folder of evaluations and the service's rows hold, as far as each is there."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.history import JobCost, OpinionRow
from lab.errors import ReportError
from lab.evaluate import cover as cover_evaluation
from lab.evaluate import match_report, one_voice, separation
from lab.evaluate.boxes import PICTURE as BOXES
from lab.evaluate.match_report import MatchEvaluation, read_match
from lab.evaluate.separation import SeparationScores, read_scores
from lab.pruning.curve import PICTURE as CURVE_PICTURE
from lab.pruning.curve import TABLE as CURVE_TABLE
from lab.pruning.curve import CurveRow, read_table

PICTURES = (BOXES, CURVE_PICTURE, match_report.PICTURE, match_report.CONFUSION)


@dataclass(frozen=True, kw_only=True)
class VoiceSummary:
    """What `evaluate voice` found of a voice; None where it was not measured."""

    name: str
    network: str
    base: str
    minutes: float
    steps: int
    mcd: float | None
    mcd_copy: float | None
    own_cosine: float | None
    real_time_factor: float | None
    cosine_source: float | None
    """Means over the sources."""
    cosine: float | None
    f0_cents: float | None
    content_cosine: float | None
    mos: float | None
    mos_copy: float | None
    mos_model: str


@dataclass(frozen=True, kw_only=True)
class CoverSummary:
    """What `evaluate cover` found."""

    song: str
    voice: str
    cosine_source: float | None
    cosine: float | None
    content_cosine: float | None
    f0_cents: float | None
    mcd: float | None
    mcd_copy: float | None
    mos: tuple[tuple[str, float | None, float | None], ...]
    """Model, of the source, of the cover."""
    lufs_song: float | None
    lufs: float | None
    clipped_share: float
    bleed: float | None


@dataclass(frozen=True, kw_only=True)
class Measured:
    """All that a report can show; None or empty where nothing is."""

    separation: SeparationScores | None
    pruning: Sequence[CurveRow]
    match: MatchEvaluation | None
    voice: VoiceSummary | None
    cover: CoverSummary | None
    opinions: Sequence[OpinionRow]
    costs: Sequence[JobCost]
    pictures: dict[str, bytes]
    """PNG by the name of its file."""


def read_measured(folder: Path, opinions: Sequence[OpinionRow] = (), costs: Sequence[JobCost] = ()) -> Measured:
    """What `discovervoice evaluate` and `prune` left in a folder.

    Raises ReportError: there is nothing of it, or a file is damaged. TracksError, SingersError and PruningError say the
    same.
    """
    names = separation.FILE, CURVE_TABLE, match_report.FILE, one_voice.FILE, cover_evaluation.FILE
    files = {name: folder / name for name in names}
    there = {name for name, path in files.items() if path.is_file()}
    if not there:
        raise ReportError(
            f"{folder} holds nothing that `discovervoice evaluate` writes. Run `discovervoice evaluate match` first, "
            "or name its --out."
        )
    return Measured(
        separation=read_scores(files[separation.FILE]) if separation.FILE in there else None,
        pruning=read_table(files[CURVE_TABLE]) if CURVE_TABLE in there else (),
        match=read_match(files[match_report.FILE]) if match_report.FILE in there else None,
        voice=_voice(files[one_voice.FILE]) if one_voice.FILE in there else None,
        cover=_cover(files[cover_evaluation.FILE]) if cover_evaluation.FILE in there else None,
        opinions=opinions,
        costs=costs,
        pictures={name: (folder / name).read_bytes() for name in PICTURES if (folder / name).is_file()},
    )


def _voice(path: Path) -> VoiceSummary:
    stored = _json(path)
    try:
        rows, own = stored["sources"], stored["own"] or {}
        return VoiceSummary(
            name=stored["name"],
            network=stored["network"],
            base=stored["base"],
            minutes=stored["minutes"],
            steps=stored["steps"],
            mcd=own.get("mcd"),
            mcd_copy=own.get("mcd_copy"),
            own_cosine=own.get("own_cosine"),
            real_time_factor=own.get("real_time_factor"),
            cosine_source=_mean([row["cosine_source"] for row in rows]),
            cosine=_mean([row["cosine"] for row in rows]),
            f0_cents=_mean([row["converted"]["f0_cents"] for row in rows]),
            content_cosine=_mean([row["converted"]["content_cosine"] for row in rows]),
            mos=_mean([row["converted"]["mos"] for row in rows]),
            mos_copy=_mean([row["copy"]["mos"] for row in rows]),
            mos_model=stored["models"]["MOS"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise _damaged(path) from error


def _cover(path: Path) -> CoverSummary:
    stored = _json(path)
    try:
        return CoverSummary(
            song=stored["song"],
            voice=stored["voice"],
            cosine_source=stored["cosine_source"],
            cosine=stored["cosine_cover"],
            content_cosine=stored["content_cosine"],
            f0_cents=stored["f0_cents"],
            mcd=stored["mcd"],
            mcd_copy=stored["mcd_copy"],
            mos=tuple((pair["model"], pair["before"], pair["after"]) for pair in stored["mos"]),
            lufs_song=stored["lufs_song"],
            lufs=stored["lufs_cover"],
            clipped_share=stored["clipped_share"],
            bleed=stored["bleed_cover"],
        )
    except (KeyError, TypeError) as error:
        raise _damaged(path) from error


def _json(path: Path) -> dict[str, Any]:
    try:
        stored: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise _damaged(path) from error
    return stored


def _damaged(path: Path) -> ReportError:
    return ReportError(f"{path} is not what `discovervoice evaluate` writes. Remove it, or run the evaluation again.")


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
