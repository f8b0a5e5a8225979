"""The desk that makes weights: it trains, goes on, draws, and refuses with one sentence."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.commands import app
from cli.console import DeskError
from lab.pretrain import loop
from models.weights.integrity import load_tensors


def desk(*words: object) -> str:
    done = CliRunner().invoke(app, ["pretrain", *map(str, words)], catch_exceptions=False)
    return done.output


SETTINGS = "[task]\nbatch = 2\nseconds = 1.0\nbf16 = false\n[schedule]\nsteps = 3\nlog_every = 1\n"


def test_content_is_trained_goes_on_and_is_drawn(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "few.toml").write_text(SETTINGS)
    out = tmp_path / "pretrain"
    said = desk("content", "--data", corpus, "--out", out, "--config", tmp_path / "few.toml", "--threads", 1)
    assert "content: 3 steps" in said
    assert "p.weight" in load_tensors(out / "content" / "content.safetensors")
    desk("content", "--data", corpus, "--out", out, "--config", tmp_path / "few.toml", "--steps", 5, "--threads", 1)
    assert [line["step"] for line in loop.read_log(out / "content")] == [1, 2, 3, 4, 5]
    desk("plot", "--out", out, "--picture", tmp_path / "losses.png")
    assert (tmp_path / "losses.png").read_bytes().startswith(b"\x89PNG")


def test_the_map_and_the_base_of_h24_are_trained(labelled_corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "pretrain"
    for role, file, few, tensor in (
        ("text", "h24_content", "batch = 2", "out.weight"),
        ("voice", "h24_base", "batch = 2\nconvert_batch = 1\nadversary_from = 1", "head.weight"),
    ):
        (tmp_path / "few.toml").write_text(f"[task]\n{few}\n[schedule]\nsteps = 2\nlog_every = 1\n")
        words = ("--data", labelled_corpus, "--out", out, "--config", tmp_path / "few.toml", "--threads", 1)
        assert f"{role}: 2 steps" in desk(role, *words)
        assert tensor in load_tensors(out / role / f"{file}.safetensors")
        assert [line["step"] for line in loop.read_log(out / role)] == [1, 2]
        assert list((out / "material" / role).glob("*.npz"))


def test_what_cannot_be_done_is_one_sentence(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(DeskError, match="holds no corpus"):
        desk("content", "--data", tmp_path, "--out", tmp_path / "p")
    (tmp_path / "bad.toml").write_text("[task]\nwidths = 1")
    with pytest.raises(DeskError, match="holds widths; known are"):
        desk("content", "--data", corpus, "--out", tmp_path / "p", "--config", tmp_path / "bad.toml")
    with pytest.raises(DeskError, match="must hold synthetic clips of two seconds and more"):
        desk("text", "--data", corpus, "--out", tmp_path / "p", "--threads", 1)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DeskError, match="holds no training's log"):
        desk("plot", "--out", tmp_path / "empty")
    with pytest.raises(DeskError, match="holds no training's log"):
        desk("plot", "--out", tmp_path / "nowhere")
