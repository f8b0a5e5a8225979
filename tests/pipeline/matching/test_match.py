"""Matching: calibrated, honest about "none of them", never a similarity sold as a probability."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file
from scipy.optimize import minimize

from models.signal import SPEECH_RATE, Floats32
from pipeline.listening.notes import Note, read_notes
from pipeline.matching.match import (
    MIN_TEMPERATURE,
    Library,
    _cross_entropy,
    _probabilities,
    _trials,
    embed,
    fit_library,
    match,
)
from pipeline.matching.picture import percent
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.decode import NOTE, decode
from tests.conftest import LIBRARY

PICTURED = Path(__file__).parents[3] / "docs" / "images" / "bot-figures.json"
MATCH_NOTES = 3
"""Of the demo."""


@pytest.fixture(scope="module")
def shipped(models: ModelPool) -> dict[str, Floats32]:
    """What the model hears of each voice's clips, as it ships (worker/library/test_shipped_embeddings.py)."""
    embedded = sorted(LIBRARY.glob(f"*/{models.singer_id}.safetensors"))
    return {file.parent.name: load_file(file)["embeddings"] for file in embedded}


@pytest.fixture(scope="module")
def library(shipped: dict[str, Floats32]) -> Library:
    return fit_library(shipped)


def test_a_clip_that_was_held_out_finds_its_voice(shipped: dict[str, Floats32]) -> None:
    sure = 0
    for name, clips in shipped.items():
        rest = fit_library({**shipped, name: clips[:-1]})
        answer = match(clips[-1:], rest)
        assert answer.candidates[0].name == name
        sure += answer.candidates[0].probability > answer.none
    assert sure >= len(shipped) - 1  # one voice's held-out clip is sung, its others mostly spoken


def test_a_stranger_is_none_of_them(shipped: dict[str, Floats32]) -> None:
    for name in shipped:
        others = fit_library({other: clips for other, clips in shipped.items() if other != name})
        assert match(shipped[name], others).none > 0.5


def test_the_demos_member_is_none_of_them(library: Library, notes: list[Path], models: ModelPool) -> None:
    heard = [wav for wav, _ in read_notes([Note(path, path.name) for path in notes[:MATCH_NOTES]])]
    answer = match(embed(heard, models.singer), library)
    assert answer.none > 0.8
    shown = json.loads(PICTURED.read_text("utf-8"))["en"]["match"]  # by the bot, in the README's pictures
    assert shown["none"] == pytest.approx(answer.none, abs=0.01)
    pairs = zip(shown["candidates"], answer.candidates, strict=False)
    assert all(one["similarity"] == pytest.approx(other.similarity, abs=0.01) for one, other in pairs)
    assert 0.5 < answer.candidates[0].similarity < 0.85  # alike, and yet another person


@pytest.mark.parametrize("gain_db", [-40, -12, 14])
def test_no_gain_and_no_silence_changes_an_answer(
    gain_db: int, library: Library, shipped: dict[str, Floats32], models: ModelPool
) -> None:
    path = min((LIBRARY / "maxim").glob("*.ogg"))
    wav = decode(path, SPEECH_RATE, channels=1, limits=NOTE, name=path.name)
    silence = np.zeros(5 * SPEECH_RATE, np.float32)
    other = np.concatenate([silence, wav * np.float32(10 ** (gain_db / 20) / np.abs(wav).max()), silence])
    answers = [match(embed([sound], models.singer), library).candidates[0] for sound in (wav, other)]
    assert {answer.name for answer in answers} == {"maxim"} and answers[0].similarity > 0.8
    assert answers[1].similarity == pytest.approx(answers[0].similarity, abs=0.01)


def test_probabilities_sum_to_one_best_first(library: Library, shipped: dict[str, Floats32]) -> None:
    answer = match(shipped["maxim"][:1], library)
    shares = [c.probability for c in answer.candidates]
    assert sum(shares) + answer.none == pytest.approx(1.0)
    assert shares == sorted(shares, reverse=True)


def test_the_calibration_reports_itself_on_held_out_clips(library: Library, shipped: dict[str, Floats32]) -> None:
    fit = library.calibration
    print(fit)
    assert fit.clips == sum(len(clips) for clips in shipped.values())
    assert fit.top1 >= 0.95
    assert fit.temperature >= MIN_TEMPERATURE
    assert fit.error < 0.1


def test_shuffled_voices_are_reported_as_worthless(shipped: dict[str, Floats32]) -> None:
    everything = np.concatenate(list(shipped.values()))
    np.random.default_rng(0).shuffle(everything)
    mixed = {str(i): part for i, part in enumerate(np.array_split(everything, len(shipped)))}
    assert fit_library(mixed).calibration.top1 < 0.3


def invented(spread: float, count: int, draw: np.random.Generator) -> dict[str, Floats32]:
    """Voices of six clips each in twelve dimensions, about means that are `spread` apart."""
    names = [f"{spread:g}-{number}" for number in range(count)]
    result = {}
    for number, name in enumerate(names):
        mean = np.ones(12) + spread * np.eye(12)[number]
        clips = mean + draw.normal(0, 0.2, (6, 12))
        result[name] = (clips / np.linalg.norm(clips, axis=1, keepdims=True)).astype(np.float32)
    return result


def test_who_was_taught_to_the_encoder_stands_for_no_stranger() -> None:
    draw = np.random.default_rng(0)
    taught, others = invented(6.0, 8, draw), invented(0.6, 3, draw)  # the encoder pushed those that it knows apart
    stranger = np.ones((1, 12), np.float32) / np.sqrt(12).astype(np.float32)
    everybody = fit_library({**taught, **others})
    fair = fit_library({**taught, **others}, [name.upper() for name in taught])
    assert match(stranger, fair).none > match(stranger, everybody).none + 0.05
    assert fair.calibration.clips == everybody.calibration.clips == 66
    assert fit_library({**taught, **others}, [*taught, *list(others)[1:]]).calibration == everybody.calibration


def test_voices_with_too_few_clips_do_not_break_the_fit(shipped: dict[str, Floats32]) -> None:
    few = fit_library({name: clips[:2] for name, clips in shipped.items()})
    assert few.calibration.clips == 0
    assert match(shipped["maxim"][:1], few).candidates[0].name == "maxim"


def test_a_recording_without_a_voice_has_no_embedding(models: ModelPool) -> None:
    assert len(embed([np.zeros(SPEECH_RATE * 3, np.float32)], models.singer)) == 0


@pytest.mark.parametrize("spread", [0.5, 1.5, 4.0, 8.0])
def test_no_other_temperature_and_threshold_fit_the_library_better(spread: float) -> None:
    draw = np.random.default_rng(round(10 * spread))
    voices = [draw.normal(size=64) + spread * draw.normal(size=(5, 64)) for _ in range(8)]
    clips = [np.asarray(own / np.linalg.norm(own, axis=1, keepdims=True), np.float32) for own in voices]
    found = fit_library({f"voice {number}": own for number, own in enumerate(clips)}).calibration
    scores, truth = _trials(clips, np.ones(len(clips), bool))
    known = truth < len(clips)
    weight = np.where(known, 0.5 / known.sum(), 0.5 / (~known).sum())

    def loss(x: NDArray[np.float64]) -> float:
        return _cross_entropy(_probabilities(scores, max(MIN_TEMPERATURE, np.exp(x[0])), x[1]), truth, weight)

    searched = minimize(loss, [np.log(0.05), 0.8], method="Nelder-Mead", options={"maxiter": 2000, "fatol": 1e-9})
    assert found.cross_entropy <= searched.fun + 1e-6
    assert found.cross_entropy == pytest.approx(loss(np.array([np.log(found.temperature), found.threshold])))
    if spread > 1:  # else many fit equally well
        assert found.temperature == pytest.approx(max(MIN_TEMPERATURE, np.exp(searched.x[0])), rel=0.01)
        assert found.threshold == pytest.approx(searched.x[1], abs=0.005)


@pytest.mark.parametrize(
    ("share", "drawn"),
    [(0.0, "< 1 %"), (0.009, "< 1 %"), (0.01, "1 %"), (0.4, "40 %"), (0.99, "99 %"), (1.0, "> 99 %")],
)
def test_what_is_drawn_is_never_said_to_be_impossible_or_certain(share: float, drawn: str) -> None:
    assert percent(share) == drawn
