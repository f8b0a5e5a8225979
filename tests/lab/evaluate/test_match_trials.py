"""What /match's answers are worth: on trials whose figures are known, on made voices, and on real ones."""

from pathlib import Path

import numpy as np
import pytest

from lab.desk.match import match_figures_table
from lab.errors import SingersError
from lab.evaluate.heard_singers import hear_singers
from lab.evaluate.match_report import MatchEvaluation, read_match, write_match
from lab.evaluate.match_trials import (
    MatchTrials,
    ask_library,
    confusion_with_none,
    measure_match,
    open_set_curve,
    reliability,
)
from lab.evaluate.recommender import measure_recommender
from lab.evaluate.singer_folder import FolderSinger
from models.signal import Floats32
from pipeline.pool.model_pool import ModelPool
from tests.conftest import LIBRARY


def clips(random: np.random.Generator, centre: Floats32, count: int, spread: float) -> Floats32:
    own = centre + spread * random.normal(size=(count, len(centre)))
    return np.asarray(own / np.linalg.norm(own, axis=1, keepdims=True), np.float32)


@pytest.fixture
def trials() -> MatchTrials:
    """Two singers: three answers right and one wrong, of two strangers one refused."""
    return MatchTrials(
        ("a", "b"),
        np.array([[0.8, 0.1, 0.1], [0.6, 0.2, 0.2], [0.5, 0.3, 0.2], [0.1, 0.7, 0.2]]),
        np.array([0, 0, 1, 1]),
        np.array([[0.0, 0.3, 0.7], [0.6, 0.0, 0.4]]),
        np.array([0, 1]),
    )


def test_figures_are_those_that_are_known(trials: MatchTrials) -> None:
    figures = measure_match(trials)
    assert (figures.top1, figures.top3, figures.strangers_named, figures.refused) == (0.75, 1.0, 0.5, 0.0)
    known = -np.log([0.8, 0.6, 0.3, 0.7]).mean()
    assert figures.cross_entropy == pytest.approx((known - np.log([0.7, 0.4]).mean()) / 2)
    assert confusion_with_none(trials).tolist() == [[2, 0, 0], [1, 1, 0], [1, 0, 1]]
    assert figures.macro_f1 == pytest.approx(np.mean([2 * 2 / (4 + 2), 2 * 1 / (1 + 2), 2 * 1 / (1 + 2)]))
    assert figures.top1_interval is None  # two singers


def test_the_calibration_error_weighs_both_kinds_alike(trials: MatchTrials) -> None:
    means, shares, weights = reliability(trials)
    wanted = {0.5: (0, 1 / 8), 0.6: (0.125 / 0.375, 0.375), 0.7: (1, 0.375), 0.8: (1, 1 / 8)}
    assert {round(mean, 2): (share, weight) for mean, share, weight in zip(means, shares, weights, strict=True)} == {
        mean: (pytest.approx(share), pytest.approx(weight)) for mean, (share, weight) in wanted.items()
    }
    error = 0.5 / 8 + abs(0.6 - 1 / 3) * 0.375 + 0.3 * 0.375 + 0.2 / 8
    assert measure_match(trials).calibration_error == pytest.approx(error)


def test_the_open_set_curve_goes_from_nobody_named_to_everybody(trials: MatchTrials) -> None:
    named, rightly = open_set_curve(trials)
    assert (named[0], rightly[0], named[-1], rightly[-1]) == (0, 0, 1, 0.75)
    assert (np.diff(named) >= 0).all() and (np.diff(rightly) >= 0).all()
    assert measure_match(trials).open_set_area == pytest.approx(0.75)  # all who are right are surer than any stranger


def test_voices_that_lie_apart_are_named_and_alike_ones_are_not() -> None:
    random = np.random.default_rng(0)
    centres = [random.normal(size=32).astype(np.float32) for _ in range(8)]
    apart = {f"{n}": clips(random, centre, 6, 0.3) for n, centre in enumerate(centres)}
    alike = {name: clips(random, centres[0], 6, 0.3) for name in apart}
    good, bad = (measure_match(ask_library(voices)) for voices in (apart, alike))
    assert good.top1 == 1 and good.known == good.unknown == 48 and good.strangers_named < 0.2
    assert bad.top1 < 0.5 and bad.cross_entropy > good.cross_entropy + 0.5
    assert good.top1_interval == (1, 1)


def test_too_little_data_is_one_sentence() -> None:
    few = {name: np.eye(4, dtype=np.float32)[:3] for name in "abc"}
    with pytest.raises(SingersError, match=r"At least 3 singers are needed, each with 4 recordings.*here are 0"):
        ask_library(few)


def test_real_voices_are_heard_named_and_written(tmp_path: Path, models: ModelPool, one_thread: None) -> None:
    folders = [LIBRARY / name for name in ("libri-1688", "libri-533", "af_heart")]
    singers = [FolderSinger(folder.name, tuple(sorted(folder.glob("*.ogg")))) for folder in folders]
    heard = hear_singers(singers, 4, models)
    trials = ask_library({name: one.embeddings for name, one in heard.items()})
    figures = measure_match(trials)
    assert figures.known == 12 and figures.top1 > 0.9
    evaluation = MatchEvaluation("some", models.singer.name, figures, tuple(measure_recommender(heard)))
    write_match(tmp_path / "out", evaluation, trials)
    assert read_match(tmp_path / "out" / "match.json").match == figures
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "match-confusion.png",
        "match.json",
        "match.png",
    ]
    (tmp_path / "out" / "match.json").write_text("[]")
    with pytest.raises(SingersError, match="is not what `discovervoice evaluate match` writes"):
        read_match(tmp_path / "out" / "match.json")


def test_few_singers_give_no_interval_and_the_table_says_so() -> None:
    shares = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1]])
    trials = MatchTrials(("a", "b"), shares, np.arange(2), np.array([[0.0, 0.3, 0.7], [0.1, 0.0, 0.9]]), np.arange(2))
    table = match_figures_table(measure_match(trials), "some data")
    assert "Fewer than 5 give no interval." in str(table.caption)
