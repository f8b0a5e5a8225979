"""Results are typed, and rows of every age can be read."""

import json
import math
from dataclasses import replace

import pytest

from store import Job, JobKind, Voice
from store.results import (
    CoverResult,
    LibraryResult,
    MatchCalibration,
    MatchCandidate,
    MatchResult,
    Result,
    SungRange,
    TrainingPoint,
    TrainResult,
    number,
    quality_of,
    result_of,
    to_json,
)

MATCH = MatchResult(
    model="Resemblyzer",
    candidates=(MatchCandidate("IU", 0.41, 0.8), MatchCandidate("Taeyeon", 0.2)),
    none=0.39,
    calibration=MatchCalibration(0.05, 0.6, 120, 0.97, 0.2, 0.03),
    range=SungRange("A2", "E4", 45.2, 63.9),
    notes=2,
    seconds=34.0,
    models={"singer": "Resemblyzer"},
    stages={"matching": 1.5},
    peak_memory_mb=512.0,
)
TRAIN = TrainResult(
    voice="mine",
    voice_id=3,
    minutes=9.5,
    steps=10_000,
    base="s24 base",
    stopped="time",
    cosine=0.87,
    first_cosine=0.5,
    mel_loss=0.6,
    first_mel_loss=0.9,
    curve=(TrainingPoint(0, 0.0, 0.9, 0.5), TrainingPoint(100, 60.0, 0.6, 0.87)),
    models={"voice": "s24"},
)
COVER = CoverResult(song="Palette", voice="mine", seconds=200.0, key_shift=-2, cosine_cover=0.84, mos_model="x")

LIBRARY = LibraryResult(name="IU", songs=3, seconds=400.0, range=SungRange("A3", "E5", 57.0, 76.0), model="resemblyzer")


@pytest.mark.parametrize(("kind", "result"), list(zip(JobKind, [MATCH, TRAIN, COVER, LIBRARY], strict=True)))
def test_a_result_survives_its_row(kind: JobKind, result: Result) -> None:
    row = json.loads(json.dumps(to_json(result)))
    assert result_of(Job(kind=kind, user_id=7, result=row)) == result


def test_what_json_has_no_word_for_becomes_none() -> None:
    row = to_json(replace(COVER, cosine_cover=math.nan, lufs=-math.inf))
    assert row["cosine_cover"] is None and row["lufs"] is None
    json.dumps(row, allow_nan=False)


@pytest.mark.parametrize("kind", sorted(JobKind))
@pytest.mark.parametrize(
    "row",
    [
        {},
        {"candidates": None, "range": None, "models": None, "lufs": None, "curve": None, "stages": 3},
        {"candidates": [{}, {"name": None, "share": "x"}, 3], "curve": [1], "stages": {"a": "b"}, "range": {"low": 1}},
        {"cosine": math.nan, "mos_cover": True, "seconds": math.inf, "steps": "many", "calibration": {"clips": []}},
    ],
)
def test_an_odd_row_reads_as_nothing_known(kind: JobKind, row: dict[str, object]) -> None:
    read = to_json(result_of(Job(kind=kind, user_id=7, result=row)))
    nothing = to_json(result_of(Job(kind=kind, user_id=7)))
    assert read | {"calibration": None} == nothing | {"calibration": None}


def test_a_calibration_in_words_is_kept() -> None:
    result = result_of(Job(kind=JobKind.MATCH, user_id=7, result={"calibration": "isotonic"}))
    assert isinstance(result, MatchResult) and result.calibration == "isotonic"


def test_a_voice_knows_how_it_was_trained() -> None:
    assert quality_of(Voice(owner_id=7, name="x", quality=to_json(TRAIN))) == TRAIN
    imported = quality_of(Voice(owner_id=7, name="x", quality={"base": "RVC", "rows": 3, "models": {"voice": "v"}}))
    assert (imported.base, imported.models, imported.steps) == ("RVC", {"voice": "v"}, None)


@pytest.mark.parametrize("value", [None, "3", True, math.nan, math.inf, [1]])
def test_only_numbers_are_figures(value: object) -> None:
    assert number({"x": value}, "x") is None


def test_zero_is_a_figure() -> None:
    assert number({"x": 0}, "x") == 0
