"""Gates and their record: limits as data, figures from pairs, JSON that any reader takes."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from lab.evaluate.figures import ConversionFigures
from lab.evaluate.gates import CONTENT_GATES, VOICE_GATES, judge
from lab.evaluate.pairs import Pair
from lab.evaluate.record import pair_figures, pair_verdicts, target_verdicts, verdicts, write
from lab.evaluate.trained_target import TargetFigures
from lab.evaluate.untrained_target import Untrained
from lab.evaluate.voice import Pace, VoiceEvaluation

GOOD = ConversionFigures(
    cosine=0.86,
    campplus_cosine=0.7,
    spectral_distance=3.0,
    mos=3.9,
    dnsmos=3.4,
    cer=0.05,
    f0_correlation=0.997,
    f0_cents=8.0,
    f0_cents_median=4.0,
    voicing_f1=0.95,
    content_cosine=0.9,
)
PAIR = Pair(
    target="a",
    source="speech en",
    kind="speech",
    language="en",
    independent_cer=True,
    seconds=8.0,
    key_shift=-12,
    instant_key_shift=0,
    unconverted=replace(GOOD, cosine=0.6),
    copy=replace(GOOD, cosine=0.6, mos=4.0, cer=0.0),
    difference=GOOD,
    converted=GOOD,
    instant=replace(GOOD, cosine=0.8, mos=3.8),
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
    real_time_factor=0.05,
)
NOTE = Untrained(name="a", model=Path("m"), index=Path("i"), seconds=11.0, notes=("1.ogg",))


def evaluation(*pairs: Pair, targets: tuple[TargetFigures, ...] = (TARGET,)) -> VoiceEvaluation:
    """Of one note a target."""
    names = dict.fromkeys(pair.target for pair in pairs)
    return VoiceEvaluation(targets, tuple(replace(NOTE, name=name) for name in names), pairs, {"MOS": "a model"})


@pytest.mark.parametrize(
    ("figure", "passes", "misses"),
    [
        ("cosine", 0.85, 0.849),
        ("cosine_target", 0.82, 0.819),
        ("cosine_gain", 0.20, 0.199),
        ("mos_speech", -0.15, -0.151),
        ("mos_song", -0.15, -0.151),
        ("cer_rise", 0.06, 0.061),
        ("cer_rise_whisper", 0.06, 0.061),
        ("cer_rise_real_song", 0.12, 0.121),
        ("f0_correlation", 0.995, 0.9949),
        ("f0_cents", 10.0, 10.1),
        ("mcd", 4.5, 4.51),
        ("real_time_factor", 0.10, 0.101),
        ("instant_cosine", 0.78, 0.779),
        ("instant_cosine_target", 0.72, 0.719),
        ("instant_mos", -0.15, -0.151),
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
    assert figures["cosine_gain"] == pytest.approx(0.26)
    assert figures["mos_speech"] == pytest.approx(-0.1)
    assert figures["cer_rise"] == pytest.approx(0.05)
    assert figures["f0_cents"] == 8.0
    assert figures["instant_cosine"] == 0.8 and figures["instant_mos"] == pytest.approx(-0.2)
    sung, real, italian = (
        pair_figures(replace(PAIR, kind="song")),
        pair_figures(replace(PAIR, kind="real song")),
        pair_figures(replace(PAIR, language="it", independent_cer=False)),
    )
    assert "mos_song" in sung and "cer_rise" in sung and "mos_speech" not in sung
    assert "mos_song" in real and "cer_rise_real_song" in real and "cer_rise" not in real
    assert "cer_rise_whisper" in italian and "cer_rise" not in italian


def test_every_target_has_its_own_limit_and_the_worst_is_named() -> None:
    low = replace(PAIR, target="b", converted=replace(GOOD, cosine=0.81), instant=replace(GOOD, cosine=0.71))
    both = evaluation(PAIR, replace(PAIR, converted=replace(GOOD, cosine=0.92)), low)
    by_figure = {v.gate.figure: v for v in verdicts(both)}
    assert by_figure["cosine"].value == pytest.approx((0.86 + 0.92 + 0.81) / 3) and by_figure["cosine"].passed
    worst, instant = by_figure["cosine_target"], by_figure["instant_cosine_target"]
    assert (worst.value, worst.worst, worst.passed) == (0.81, "b", False)
    assert (instant.value, instant.worst, instant.passed) == (0.71, "b", False)
    of_one = {v.gate.figure: v for v in target_verdicts(both, "b")}
    assert of_one["cosine_target"].value == 0.81 and "cosine" not in of_one and "instant_cosine" not in of_one
    assert {v.gate.figure for v in pair_verdicts(low)} >= {"cosine_target", "instant_cosine_target"}


def test_means_leave_out_what_was_not_measured() -> None:
    silent = replace(PAIR, converted=replace(GOOD, cosine=math.nan, f0_correlation=0.5))
    by_figure = {v.gate.figure: v for v in verdicts(evaluation(PAIR, silent))}
    assert by_figure["cosine"].value == pytest.approx(0.86)
    assert by_figure["f0_correlation"].value == pytest.approx(0.7485) and not by_figure["f0_correlation"].passed
    assert by_figure["mcd"].passed and "mos_song" not in by_figure
    assert target_verdicts(evaluation(PAIR), "nobody") == []


def test_what_no_judge_measured_is_listed_and_does_not_pass() -> None:
    unheard = replace(PAIR, converted=replace(GOOD, cer=math.nan))
    by_figure = {v.gate.figure: v for v in verdicts(evaluation(unheard))}
    assert math.isnan(by_figure["cer_rise"].value) and not by_figure["cer_rise"].passed


def test_without_training_only_the_note_is_judged() -> None:
    untrained = evaluation(replace(PAIR, converted=None, difference=None, key_shift=None), targets=())
    assert {v.gate.figure for v in verdicts(untrained)} == {"instant_cosine", "instant_cosine_target", "instant_mos"}


def test_the_record_holds_everything_and_is_strict_json(tmp_path: Path) -> None:
    pair = replace(PAIR, unconverted=replace(GOOD, f0_cents=math.nan, cer=math.inf))
    file = write(tmp_path, replace(evaluation(pair), missing=("No DNSMOS: …",)))
    record = json.loads(file.read_text(), parse_constant=lambda name: pytest.fail(name))
    assert record["models"] == {"MOS": "a model"} and record["missing"] == ["No DNSMOS: …"]
    assert record["targets"][0]["steps"] == 500 and record["targets"][0]["asked_seconds"] == 600
    assert record["targets"][0]["instant"] == {"seconds": 11.0, "notes": ["1.ogg"]}
    measured = record["pairs"][0]
    assert measured["unconverted"]["f0_cents"] is None and measured["unconverted"]["cer"] is None
    assert measured["key_shift"] == -12 and measured["instant_key_shift"] == 0
    assert measured["instant"]["campplus_cosine"] == 0.7 and measured["converted"]["spectral_distance"] == 3.0
    assert {"figure", "limit", "sense", "says", "value", "passed", "worst"} == set(record["gates"][0])
    assert [path.name for path in tmp_path.iterdir()] == ["evaluation.json"]


def test_a_record_without_training_has_no_converted_sound(tmp_path: Path) -> None:
    pair = replace(PAIR, converted=None, difference=None, key_shift=None)
    record = json.loads(write(tmp_path, evaluation(pair, targets=())).read_text())
    assert record["pairs"][0]["converted"] is None and record["targets"][0]["name"] == "a"


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
