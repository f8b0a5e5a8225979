"""`discovervoice prune` and `separators train` at the desk: what they print, and what they refuse in one sentence."""

from pathlib import Path

import pytest

from cli.console import DeskError
from lab.desk.prune import prune
from lab.desk.separators import train
from tests.lab.separators.stem_songs import small, write_songs

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def own(tmp_path: Path) -> str:
    """A small MDX23C in one file of ours."""
    trainable = small("mdx23c", tmp_path)
    trainable.save(trainable.network, tmp_path / "own.safetensors", "")
    return str(tmp_path / "own.safetensors")


def test_a_file_is_pruned_and_what_came_of_it_learns_on(
    own: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = write_songs(tmp_path / "songs", test=1), tmp_path / "out"
    prune(own, data, out, rule=["structured"], share=[0.4], steps=0, tracks=None, config=None, device="cpu", threads=1)
    said = capsys.readouterr().out
    assert "Units taken out do: with" in said and "1 held-out tracks are too few for an interval" in said
    smaller = str(out / "structured-40.safetensors")
    train(smaller, data, tmp_path / "learnt", teacher=own, steps=1, device="cpu", seed=0, threads=1)
    said = capsys.readouterr().out
    assert "1 steps; error on held-out crops" in said and "SEPARATOR=" in said
    assert (tmp_path / "learnt" / "separator.safetensors").is_file()


def test_what_cannot_be_done_is_one_sentence_and_leaves_nothing(own: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(DeskError, match=r"^There is no folder "):
        prune(own, tmp_path / "nowhere", out, device="cpu", threads=1)
    with pytest.raises(DeskError, match="classic cannot be pruned or trained"):
        train("classic", write_songs(tmp_path / "songs"), out, device="cpu", threads=1)
    with pytest.raises(DeskError, match="There is no rule luck"):
        prune(own, tmp_path / "songs", out, rule=["luck"], device="cpu", threads=1)
    settings = tmp_path / "settings.toml"
    settings.write_text("[task]\nmagic = 3\n")
    with pytest.raises(DeskError, match=r"settings\.toml holds magic; known are batch"):
        train(own, tmp_path / "songs", out, config=settings, device="cpu", threads=1)
    assert not out.exists()
