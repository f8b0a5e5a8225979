"""The recogniser: whole or not at all, and right about a text that is known."""

from pathlib import Path

import pytest

from lab.evaluate import transcript
from lab.evaluate.transcript import FOLDER, character_error_rate, join, load, plain
from models.content.whisper import halves
from models.weights.integrity import WeightsError
from tests.conftest import LIBRARY
from tests.lab.evaluate.conftest import read_mono

TEXT = "Please bring me four fresh lemons and a jar of honey."


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the joined model."""
    return tmp_path_factory.mktemp("whisper")


def test_it_reads_known_words(cache: Path) -> None:
    recogniser = load(cache, threads=2)
    wav = read_mono(LIBRARY / "bf_emma" / "1.ogg", 16000)
    assert character_error_rate(TEXT, recogniser.text(wav, "en")) < 0.05
    words = recogniser.words(wav, "en")
    assert [word.text for word in words][-3:] == ["jar", "of", "honey"]
    assert all(0 <= word.start < word.end <= len(wav) / 16000 + 0.1 for word in words)
    assert [path.name for path in (cache / FOLDER).glob(".*")] == []


def test_an_altered_model_is_refused(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir()
    (folder / "model.bin").write_bytes(b"half")
    with pytest.raises(WeightsError, match="pinned"):
        join(tmp_path)
    (folder / "model.bin").unlink()
    monkeypatch.setattr(transcript, "halves", lambda: halves()[:1])
    with pytest.raises(WeightsError, match="pinned"):
        join(tmp_path)
    assert not (folder / "model.bin").exists()


@pytest.mark.parametrize(
    ("reference", "found", "rate"),
    [
        ("Over the hills!", "over  the hills", 0.0),
        ("abcd", "abxd", 0.25),
        ("abcd", "", 1.0),
        ("ab", "ab cd", 1.5),
        ("Città, perché?", "città perché", 0.0),
        ("don't", "dont", 0.0),
    ],
)
def test_the_error_rate_counts_edits(reference: str, found: str, rate: float) -> None:
    assert character_error_rate(reference, found) == pytest.approx(rate)


def test_plain_keeps_letters_of_every_language() -> None:
    assert plain(" Straße, 3 –  «ÉTÉ» ") == "straße 3 été"
