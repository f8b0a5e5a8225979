"""Gates and their record: limits as data, figures from pairs, JSON that any reader takes."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from lab.evaluate.figures import ConversionFigures
from lab.evaluate.gates import CONTENT_GATES, VOICE_GATES, judge
from lab.evaluate.record import pair_figures, target_verdicts, verdicts, write
from lab.evaluate.trained_target import TargetFigures
from lab.evaluate.voice import Pace, Pair, VoiceEvaluation

GOOD = ConversionFigures(
    cosine=0.85, mos=3.6, cer=0.05, f0_correlation=0.99, f0_cents=20.0, voicing_f1=0.95, content_cosine=0.9
)
PAIR = Pair(
    target="a",
    source="speech en",
    song=False,
    seconds=8.0,
    key_shift=-12,
    unconverted=replace(GOOD, cosine=0.6),
    copy=replace(GOOD, cosine=0.6, mos=4.0, cer=0.0),
    difference=GOOD,
    converted=GOOD,
)
TARGET = TargetFigures(
    name="a",
    asked_seconds=600.0,
    steps=500,
    minutes=5.0,
    base="base",
    mcd=4.0,
    mcd_copy=2.2,
    own_cosine=0.9,
    real_time_factor=0.2,
)


@pytest.mark.parametrize(
    ("figure", "passes", "misses"),
    [
        ("cosine", 0.82, 0.819),
        ("cosine_gain", 0.10, 0.099),
        ("mos_loss_speech", 0.6, 0.61),
        ("mos_loss_song", 0.8, 0.81),
        ("cer_rise", 0.1, 0.11),
        ("f0_correlation", 0.97, 0.969),
        ("mcd", 4.5, 4.51),
        ("real_time_factor", 0.3, 0.31),
        ("abx", 0.015, 0.016),
        ("speaker", 0.3, 0.31),
        ("phone", 0.52, 0.519),
    ],
)
def test_a_limit_is_where_the_gate_says(figure: str, passes: float, misses: float) -> None:
    gates = [gate for gate in (*VOICE_GATES, *CONTENT_GATES) if gate.figure == figure]
    assert len(gates) == 1
    assert judge(gates, {figure: passes})[0].passed
    assert not judge(gates, {figure: misses})[0].passed
    assert not judge(gates, {figure: math.nan})[0].passed
    assert judge(gates, {}) == []


def test_a_pair_asks_what_is_meant() -> None:
    figures = pair_figures(PAIR)
    assert figures["cosine_gain"] == pytest.approx(0.25)
    assert figures["mos_loss_speech"] == pytest.approx(0.4)
    assert figures["cer_rise"] == pytest.approx(0.05)
    assert "mos_loss_song" in pair_figures(replace(PAIR, song=True))


def test_means_leave_out_what_was_not_measured() -> None:
    silent = replace(PAIR, converted=replace(GOOD, cosine=math.nan, f0_correlation=0.5))
    by_figure = {v.gate.figure: v for v in verdicts(VoiceEvaluation((TARGET,), (PAIR, silent)))}
    assert by_figure["cosine"].value == pytest.approx(0.85)
    assert by_figure["f0_correlation"].value == pytest.approx(0.745) and not by_figure["f0_correlation"].passed
    assert by_figure["mcd"].passed and "mos_loss_song" not in by_figure
    assert target_verdicts(VoiceEvaluation((TARGET,), (PAIR,)), "nobody") == []


def test_the_record_holds_everything_and_is_strict_json(tmp_path: Path) -> None:
    pair = replace(PAIR, unconverted=replace(GOOD, f0_cents=math.nan, cer=math.inf))
    file = write(tmp_path, VoiceEvaluation((TARGET,), (pair,)), {"MOS": "a model"})
    record = json.loads(file.read_text(), parse_constant=lambda name: pytest.fail(name))
    assert record["models"] == {"MOS": "a model"}
    assert record["targets"][0]["steps"] == 500 and record["targets"][0]["asked_seconds"] == 600
    assert record["pairs"][0]["unconverted"]["f0_cents"] is None and record["pairs"][0]["unconverted"]["cer"] is None
    assert record["pairs"][0]["key_shift"] == -12
    assert {"figure", "limit", "sense", "says", "value", "passed"} == set(record["gates"][0])
    assert [path.name for path in tmp_path.iterdir()] == ["evaluation.json"]


def test_pace_tells_the_share_of_the_whole() -> None:
    reported: list[tuple[str, float]] = []
    pace = Pace(
        {"read": 10, "train": 80, "none": 0, "measure": 10}, lambda stage, share: reported.append((stage, share))
    )
    pace("read", 0.5)
    pace("train", 0.5)
    pace("none", 1.0)
    pace("measure", 1.0)
    assert reported == [("read", 0.05), ("train", 0.5), ("none", 0.9), ("measure", 1.0)]
    with pytest.raises(KeyError):
        pace("unknown", 0.0)
