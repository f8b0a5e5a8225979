"""From figures to gates, and everything as JSON."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from files.atomic import atomic_write
from lab.evaluate.gates import VOICE_GATES, GateVerdict, judge
from lab.evaluate.trained_target import TargetFigures
from lab.evaluate.voice import Pair, VoiceEvaluation

FILE = "evaluation.json"


def pair_figures(pair: Pair) -> dict[str, float]:
    """Figures of one conversion by gate."""
    return {
        "cosine": pair.converted.cosine,
        "cosine_gain": pair.converted.cosine - pair.unconverted.cosine,
        f"mos_loss_{'song' if pair.song else 'speech'}": pair.copy.mos - pair.converted.mos,
        "cer_rise": pair.converted.cer - pair.copy.cer,
        "f0_correlation": pair.converted.f0_correlation,
    }


def target_figures(target: TargetFigures) -> dict[str, float]:
    """Figures of a target alone by gate."""
    return {"mcd": target.mcd, "real_time_factor": target.real_time_factor}


def pair_verdicts(pair: Pair) -> list[GateVerdict]:
    """The gates that apply to one conversion."""
    return judge(VOICE_GATES, pair_figures(pair))


def target_verdicts(evaluation: VoiceEvaluation, name: str) -> list[GateVerdict]:
    """The gates on one target: the mean over its conversions, and what is measured on it alone."""
    return _mean_verdicts(
        [pair for pair in evaluation.pairs if pair.target == name],
        [target for target in evaluation.targets if target.name == name],
    )


def verdicts(evaluation: VoiceEvaluation) -> list[GateVerdict]:
    """The gates on the whole: the mean over all conversions and targets."""
    return _mean_verdicts(evaluation.pairs, evaluation.targets)


def write(out: Path, evaluation: VoiceEvaluation, models: Mapping[str, str]) -> Path:
    """Write `evaluation.json`; a figure that could not be measured is null. Raises DiskFull."""
    path = out / FILE
    record = {
        "models": dict(models),
        "gates": [_verdict(verdict) for verdict in verdicts(evaluation)],
        "targets": [
            asdict(target) | {"gates": [_verdict(v) for v in target_verdicts(evaluation, target.name)]}
            for target in evaluation.targets
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


def _mean_verdicts(pairs: Sequence[Pair], targets: Sequence[TargetFigures]) -> list[GateVerdict]:
    rows = [pair_figures(pair) for pair in pairs] + [target_figures(target) for target in targets]
    means = {}
    for gate in VOICE_GATES:
        values = [row[gate.figure] for row in rows if gate.figure in row and not math.isnan(row[gate.figure])]
        if values:
            means[gate.figure] = sum(values) / len(values)
    return judge(VOICE_GATES, means)


def _verdict(verdict: GateVerdict) -> dict[str, Any]:
    gate = verdict.gate
    return {
        "figure": gate.figure,
        "says": gate.requirement,
        "limit": gate.limit,
        "sense": gate.sense,
        "value": verdict.value,
        "passed": verdict.passed,
    }
