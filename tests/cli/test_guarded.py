"""What an operator can mend is one sentence and exit code 2, whichever command it happens in."""

from pathlib import Path

import pytest

from tests.cli.conftest import Desk


def test_a_file_where_a_folder_must_be_is_named(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    assert desk.refused("demo", "--out", tmp_path / "file") == (
        f"{tmp_path}/file/data cannot be read or written: Not a directory."
    )
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.parametrize("address", ["nonsense", "redis://host:port", "http://127.0.0.1:6379"])
@pytest.mark.parametrize("command", ["worker", "bot"])
def test_an_address_that_is_none_is_said(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, address: str, command: str
) -> None:
    monkeypatch.setenv("REDIS_URL", address)
    monkeypatch.setenv("DISCORD_TOKEN", "x.y.z")
    sentence = "The setting REDIS_URL is wrong: it is no address such as redis://127.0.0.1:6379."
    assert desk.refused(command) == sentence


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("train", " ", "{note}", "--yes"), "A voice needs a name that can be seen. Choose another name."),
        (("singers", "add", "", "{note}"), "A singer needs a name that can be seen. Choose another name."),
    ],
)
def test_nothing_is_kept_without_a_name(
    desk: Desk, notes: list[Path], tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    assert desk.refused(*(word.format(note=notes[0]) for word in words)) == sentence
    assert not (tmp_path / "data").exists()


def test_a_folder_that_cannot_be_learnt_from_leaves_none_behind(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert "is not a folder" in desk.refused("singers", "train", tmp_path / "file", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert "make one with `discovervoice corpus build`" in desk.refused(
        "evaluate", "content", "--data", tmp_path / "none", "--out", tmp_path / "out"
    )
    assert not (tmp_path / "out").exists()
