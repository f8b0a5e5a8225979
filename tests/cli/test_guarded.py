"""What an operator can mend is one sentence and exit code 2, whichever command it happens in."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cli.main import app, guarded

Refused = Callable[..., str]


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Type a command; returns its one sentence on stderr."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))

    def run(*words: str | Path) -> str:
        with pytest.raises(SystemExit) as end:
            guarded(lambda: app([str(word) for word in words]))
        lines = capsys.readouterr().err.strip().splitlines()
        assert end.value.code == 2 and len(lines) == 1, lines
        return lines[0]

    return run


def test_a_file_where_a_folder_must_be_is_named(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    assert refused("demo", "--out", tmp_path / "file") == (
        f"{tmp_path}/file/data cannot be read or written: Not a directory."
    )
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.parametrize("address", ["nonsense", "redis://host:port", "http://127.0.0.1:6379"])
@pytest.mark.parametrize("command", ["worker", "bot"])
def test_an_address_that_is_none_is_said(
    refused: Refused, monkeypatch: pytest.MonkeyPatch, address: str, command: str
) -> None:
    monkeypatch.setenv("REDIS_URL", address)
    monkeypatch.setenv("DISCORD_TOKEN", "x.y.z")
    sentence = "The setting REDIS_URL is wrong: it is no address such as redis://127.0.0.1:6379."
    assert refused(command) == sentence


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("train", " ", "{note}", "--yes"), "A voice needs a name."),
        (("singers", "add", "", "{note}"), "A singer needs a name."),
    ],
)
def test_nothing_is_kept_without_a_name(
    refused: Refused, notes: list[Path], tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    assert refused(*(word.format(note=notes[0]) for word in words)) == sentence
    assert not (tmp_path / "data").exists()


def test_a_folder_that_cannot_be_learnt_from_leaves_none_behind(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert "is not a folder" in refused("singers", "train", tmp_path / "file", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert "make one with `discovervoice corpus build`" in refused(
        "evaluate", "content", "--data", tmp_path / "none", "--out", tmp_path / "out"
    )
    assert not (tmp_path / "out").exists()
