"""The pictures that members get: dark, as wide as a telephone, in their language, and true to what they show."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from numpy.typing import NDArray
from PIL import Image

from bot.texts.grammar import FILLED
from cli.report import number, semitones
from pipeline.canvas import BLUE, GREY, ORANGE, PAPER, PIXELS, SMALL, shortened
from pipeline.captions import ENGLISH, KOREAN, captions, figure
from pipeline.covers.picture import plot_cover, sung_columns
from pipeline.covers.waveform import WaveformMeter
from pipeline.matching.match import Candidate, Match
from pipeline.matching.picture import plot_match
from pipeline.sheet import Sheet
from pipeline.training import picture as training_picture
from pipeline.training.loop import Moment
from pipeline.training.picture import plot_training


def pixels(path: Path) -> NDArray[np.int_]:
    """(height, width, 3), 0…255."""
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def covered(picture: NDArray[np.int_], colour: str) -> int:
    """How many pixels have this colour."""
    return int((np.abs(picture - 255 * np.array(to_rgb(colour))).max(-1) < 8).sum())


def is_dark_and_narrow(picture: NDArray[np.int_]) -> bool:
    return picture.shape[1] == 780 and covered(picture[:6], PAPER) == picture[:6, :, 0].size


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_match_draws_each_voice_and_nobody_as_long_as_they_are_probable(tmp_path: Path, language: str) -> None:
    names = ["A", "아주 긴 이름을 가진 목소리라서 다 들어가지 않는 목소리", "C"]
    shares = (0.5, 0.1, 0.1)
    candidates = [Candidate(name, share, 0.8) for name, share in zip(names, shares, strict=True)]
    plot_match(tmp_path / "match.png", Match(candidates, 0.3), language)
    picture = pixels(tmp_path / "match.png")
    assert is_dark_and_narrow(picture)
    assert covered(picture, GREY) / covered(picture, BLUE) == pytest.approx(0.3 / 0.7, rel=0.1)


@pytest.mark.parametrize("peak", [1.0, 0.5, 0.002])
def test_a_cover_is_coloured_where_it_is_sung_however_quiet_it_is(tmp_path: Path, peak: float) -> None:
    meter = WaveformMeter(8000)
    meter.add(np.random.default_rng(0).uniform(-peak, peak, (2, 40 * 8000)).astype(np.float32))
    f0 = np.zeros(4000, np.float32)
    f0[1000:2000] = 220
    plot_cover(tmp_path / "cover.png", meter.value(), f0, "밤편지", "Me", 2, "ko")
    picture = pixels(tmp_path / "cover.png")
    assert is_dark_and_narrow(picture)
    assert covered(picture, ORANGE) / covered(picture, GREY) == pytest.approx(1 / 3, rel=0.15)
    assert covered(picture, ORANGE) == pytest.approx(746 / 4 * 216, rel=0.15)  # a quarter of it, from edge to edge


def test_a_column_is_sung_where_a_tenth_of_it_has_a_pitch_and_none_is_beyond_the_vocals() -> None:
    f0 = np.zeros(300, np.float32)
    f0[5:9], f0[100:110] = 200, 200
    edges = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    assert sung_columns(f0, edges).tolist() == [False, True, False, False]


@pytest.mark.parametrize("likeness", [0.8, float("nan")])
def test_a_training_is_drawn_with_and_without_a_likeness(tmp_path: Path, likeness: float) -> None:
    curve = [Moment(step, 30.0 * step, 1.0, likeness) for step in range(4)]
    plot_training(tmp_path / "training.png", curve, curve[2], "ko")
    picture = pixels(tmp_path / "training.png")
    assert is_dark_and_narrow(picture)
    assert (covered(picture, ORANGE) > 500) == (likeness == 0.8)


CURVES: dict[str, tuple[list[float], int]] = {
    "falls": ([0.8, 0.3, 0.1, 0.03, 0.01, 0.0], 0),
    "rises at the end": ([0.3, 0.31, 0.3, 0.3, 0.31, 0.85], 5),
    "rises slowly": ([0.0, 0.3, 0.5, 0.6, 0.65, 0.66], 5),
    "peak": ([0.2, 0.2, 0.9, 0.2, 0.2], 2),
    "valley": ([0.9, 0.9, 0.2, 0.9, 0.9], 2),
    "saw": ([0.5, 0.9] * 6, 5),
    "noise": (np.random.default_rng(0).uniform(0.6, 0.8, 200).tolist(), 100),
    "flat": ([0.5] * 6, 3),
    "gap": ([0.5, 0.6, float("nan"), 0.7, 0.8], 3),
    "one": ([0.7], 0),
}
"""How alike the voice became, and at which of the moments it was kept."""


LONG = "이 목소리가 가장 닮아서 고른 때의 정도: {likeness}"


@pytest.mark.parametrize(
    ("shape", "kept"), [*((shape, LONG) for shape in CURVES), ("peak", ENGLISH.best), ("saw", KOREAN.best)]
)
def test_what_is_said_of_the_moment_that_is_kept_stands_beside_the_curve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: str, kept: str
) -> None:
    likeness, best = CURVES[shape]
    curve = [Moment(step, 30.0 * step, 1.0, value) for step, value in enumerate(likeness)]
    drawn = []
    for words in (kept, "\u200b"):
        monkeypatch.setattr(training_picture, "captions", lambda _, words=words: replace(KOREAN, best=words))
        plot_training(tmp_path / "training.png", curve, curve[best])
        drawn.append(pixels(tmp_path / "training.png"))
    rows, columns = np.nonzero((drawn[0] != drawn[1]).any(-1))
    beside = drawn[1][rows.min() - 3 : rows.max() + 4, columns.min() - 3 : columns.max() + 4]
    assert columns.max() < PIXELS - 3 and columns.min() > 60 and rows.min() > 40
    assert np.ptp(beside, axis=-1).max() < 12, "orange near the words"


def test_every_caption_is_there_in_both_languages() -> None:
    assert captions("ko") is KOREAN and captions("en") is captions("fr") is ENGLISH
    for field in fields(ENGLISH):
        english, korean = getattr(ENGLISH, field.name), getattr(KOREAN, field.name)
        assert english.isascii() and any("가" <= letter <= "힣" for letter in korean)
        assert ("{" in english) == ("{" in korean)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_cover_is_drawn_with_the_sign_that_its_card_has(tmp_path: Path, language: str) -> None:
    words, meter, f0 = captions(language), WaveformMeter(8000), np.zeros(10, np.float32)
    meter.add(np.zeros((2, 8000), np.float32))
    drawn = Sheet(PIXELS, 408)
    drawn.words(PIXELS / 2, 344, words.key.format(shift="−1"), SMALL, anchor=0.5)
    drawn.save(tmp_path / "key.png")
    plot_cover(tmp_path / "cover.png", meter.value(), f0, "S", "v", -1, language)
    middle = slice(320, 350), slice(300, 480)
    assert (pixels(tmp_path / "cover.png")[middle] == pixels(tmp_path / "key.png")[middle]).all()


@pytest.mark.parametrize(("value", "spec"), [(-12, "+d"), (0, "+d"), (3, "+d"), (-9.31, ".1f"), (-0.04, "+.1%")])
def test_pictures_and_the_desk_write_numbers_as_members_read_them(value: float, spec: str) -> None:
    assert figure(value, spec) == FILLED.format(f"{{:{spec}}}", value)
    assert number(-9.31, 1, " LUFS") == "−9.3 LUFS" and number(-0.04, 1, " dBTP") == "0.0 dBTP"
    assert [semitones(count) for count in (-12, 0, 3)] == ["−12 semitones", "0 semitones", "+3 semitones"]


def test_a_name_that_is_too_long_is_shortened_by_the_room_it_takes() -> None:
    assert shortened("Slow Motion Dream", 20) == "Slow Motion Dream"
    assert shortened("Slow Motion Dream", 10) == "Slow Moti…"
    assert shortened("밤편지밤편지", 12) == "밤편지밤편지"
    assert shortened("밤편지밤편지", 11) == "밤편지밤…"


def test_the_smallest_words_are_read_on_a_telephone(tmp_path: Path) -> None:
    """As high as the letters of a text of 11 CSS pixels, the least that browsers and Discord show."""
    sheet = Sheet(PIXELS, 60)
    sheet.words(10, 45, "H", SMALL)
    sheet.save(tmp_path / "letter.png")
    rows = np.flatnonzero((pixels(tmp_path / "letter.png").max(-1) > 100).any(1))
    assert (rows[-1] - rows[0] + 1) * 390 / PIXELS >= 0.7 * 11
