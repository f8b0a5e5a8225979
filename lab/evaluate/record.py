"""From figures to gates, and everything as JSON."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from files.atomic import atomic_write
from lab.evaluate.gates import VOICE_GATES, GateVerdict, judge
from lab.evaluate.pairs import Pair
from lab.evaluate.trained_target import TargetFigures
from lab.evaluate.voice import VoiceEvaluation

FILE = "evaluation.json"
NAN = float("nan")
OF_EACH_TARGET = {"cosine": "cosine_target", "instant_cosine": "instant_cosine_target"}
"""Figures with one gate on the mean and another on every target."""


def pair_figures(pair: Pair) -> dict[str, float]:
    """Figures of one conversion by gate, trained where something was trained, and untrained."""
    figures = {"instant_cosine": pair.instant.cosine, "instant_mos": pair.instant.mos - pair.copy.mos}
    if pair.converted is None:
        return figures
    return figures | {
        "cosine": pair.converted.cosine,
        "cosine_gain": pair.converted.cosine - pair.unconverted.cosine,
        "mos_speech" if pair.kind == "speech" else "mos_song": pair.converted.mos - pair.copy.mos,
        _words(pair): pair.converted.cer - pair.copy.cer,
        "f0_correlation": pair.converted.f0_correlation,
        "f0_cents": pair.converted.f0_cents,
    }


def _words(pair: Pair) -> str:
    if not pair.independent_cer:
        return "cer_rise_whisper"
    return "cer_rise_real_song" if pair.kind == "real song" else "cer_rise"


def target_figures(target: TargetFigures) -> dict[str, float]:
    """Figures of a target alone by gate."""
    return {"mcd": target.mcd, "real_time_factor": target.real_time_factor}


def pair_verdicts(pair: Pair) -> list[GateVerdict]:
    """The gates that apply to one conversion; its cosine is held against the limit for a target."""
    return judge(VOICE_GATES, _as_one_target(pair_figures(pair)))


def target_verdicts(evaluation: VoiceEvaluation, name: str) -> list[GateVerdict]:
    """The gates on one target: the mean over its conversions, and what is measured on it alone."""
    return judge(VOICE_GATES, _as_one_target(_target_means(evaluation, name)))


def verdicts(evaluation: VoiceEvaluation) -> list[GateVerdict]:
    """The gates on the whole: the mean over all conversions and targets, and the worst target where each must pass."""
    worst, whose = dict[str, float](), dict[str, str]()
    for untrained in evaluation.untrained:
        means = _target_means(evaluation, untrained.name)
        for figure, gate in OF_EACH_TARGET.items():
            value = means.get(figure)
            if value is not None and not value >= worst.get(gate, math.inf):  # what was not measured is the worst
                worst[gate], whose[gate] = value, untrained.name
    means = _means(evaluation.pairs, evaluation.targets) | worst
    return [
        GateVerdict(verdict.gate, verdict.value, verdict.passed, whose.get(verdict.gate.figure, ""))
        for verdict in judge(VOICE_GATES, means)
    ]


def write(out: Path, evaluation: VoiceEvaluation) -> Path:
    """Write `evaluation.json`; a figure that could not be measured is null. Raises DiskFull."""
    path = out / FILE
    trained = {target.name: asdict(target) for target in evaluation.targets}
    record = {
        "models": dict(evaluation.models),
        "missing": evaluation.missing,
        "gates": [_verdict(verdict) for verdict in verdicts(evaluation)],
        "targets": [
            trained.get(untrained.name, {"name": untrained.name})
            | {"instant": {"seconds": untrained.seconds, "notes": untrained.notes}}
            | {"gates": [_verdict(v) for v in target_verdicts(evaluation, untrained.name)]}
            for untrained in evaluation.untrained
        ],
        "pairs": [asdict(pair) | {"gates": [_verdict(v) for v in pair_verdicts(pair)]} for pair in evaluation.pairs],
    }
    with atomic_write(path) as file:
        file.write(json.dumps(plain(record), indent=1, ensure_ascii=False, allow_nan=False).encode())
    return path


def plain(value: Any) -> Any:
    """The same with NaN and infinity as None, which JSON knows."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value


def _target_means(evaluation: VoiceEvaluation, name: str) -> dict[str, float]:
    return _means(
        [pair for pair in evaluation.pairs if pair.target == name],
        [target for target in evaluation.targets if target.name == name],
    )


def _means(pairs: Sequence[Pair], targets: Sequence[TargetFigures]) -> dict[str, float]:
    """By gate, of the figures that could be measured; NaN where none could."""
    rows = [pair_figures(pair) for pair in pairs] + [target_figures(target) for target in targets]
    means = {}
    for gate in VOICE_GATES:
        values = [row[gate.figure] for row in rows if gate.figure in row]
        measured = [value for value in values if not math.isnan(value)]
        if values:
            means[gate.figure] = sum(measured) / len(measured) if measured else NAN
    return means


def _as_one_target(figures: Mapping[str, float]) -> dict[str, float]:
    return {OF_EACH_TARGET.get(name, name): value for name, value in figures.items()}


def _verdict(verdict: GateVerdict) -> dict[str, Any]:
    gate = verdict.gate
    return {
        "figure": gate.figure,
        "says": gate.requirement,
        "limit": gate.limit,
        "sense": gate.sense,
        "value": verdict.value,
        "passed": verdict.passed,
        "worst": verdict.worst,
    }
