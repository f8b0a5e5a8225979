"""The command that trains a singer classifier: it trains, prints what ran, and refuses with one sentence."""

import shutil
from pathlib import Path

import pytest
import torch
import typer
from typer.testing import CliRunner

from cli.console import DeskError
from lab.classifiers import crops
from lab.desk.singers import train
from pipeline.errors import OutOfMemory
from tests.conftest import LIBRARY

SETTINGS = "[task]\nwidth = 64\nlayers = 1\nframes = 128\nbatch = 2\n[schedule]\nlog_every = 1\nvalidate_every = 2\n"
app = typer.Typer()
app.command()(train)


def desk(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    songs = tmp_path / "songs"
    songs.mkdir()
    for voice in ("libri-533", "maxim"):
        for clip in sorted((LIBRARY / voice).glob("*.ogg"))[:3]:
            shutil.copyfile(clip, songs / f"{voice} - {clip.stem}.ogg")
    (tmp_path / "few.toml").write_text(SETTINGS + "steps = 4\n")
    return songs


def test_it_trains_goes_on_and_says_what_ran(folder: Path, tmp_path: Path) -> None:
    words = [folder, "--out", tmp_path / "out", "--separated", "--config", tmp_path / "few.toml", "--threads", 1]
    said = desk(*words, "--min-songs", 3, "--device", "cpu", "--steps", 2)
    assert "Device: cpu" in said and "SwiftF0" in said and "2 steps from nothing" in said
    assert "top-1" in said and "macro F1" in said and "measuring" in said, said
    assert "4 steps from nothing" in desk(*words, "--min-songs", 3, "--device", "cpu")
    assert (tmp_path / "out" / "singers.safetensors").is_file()


def test_what_cannot_be_done_is_one_sentence(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(DeskError, match="is not a folder"):
        desk(tmp_path / "gone", "--out", out)
    with pytest.raises(DeskError, match=r"Fewer than two singers have at least 5|No song of the folder"):
        desk(folder, "--out", out, "--separated")
    with pytest.raises(DeskError, match=r"nothing\.safetensors is missing"):
        desk(folder, "--out", out, "--from", tmp_path / "nothing.safetensors")
    with pytest.raises(DeskError, match="known are"):
        (tmp_path / "bad.toml").write_text("[task]\nwidths = 1")
        desk(folder, "--out", out, "--config", tmp_path / "bad.toml")
    with pytest.raises(DeskError, match="cuda"):
        desk(folder, "--out", out, "--device", "cuda:7")


def test_the_separator_that_is_set_runs_or_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [folder, "--out", tmp_path / "out", "--config", tmp_path / "few.toml", "--min-songs", 3, "--device", "cpu"]
    monkeypatch.setenv("MODELS_DIR", str(tmp_path / "weights"))
    monkeypatch.setenv("SEPARATOR", "htdemucs")
    with pytest.raises(DeskError, match="htdemucs is not here; run `discovervoice models pull htdemucs`"):
        desk(*words)
    monkeypatch.setenv("SEPARATOR", "spleeters")
    with pytest.raises(DeskError, match="There is no separator spleeters"):
        desk(*words)


def test_what_it_does_not_use_is_not_asked_for(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for setting, value in (("F0", "rmvpe"), ("MOS", "utmos"), ("SEPARATOR", "htdemucs"), ("SINGERS", "gone")):
        monkeypatch.setenv(setting, value)
    monkeypatch.setenv("MODELS_DIR", str(tmp_path / "weights"))
    words = [folder, "--out", tmp_path / "out", "--config", tmp_path / "few.toml", "--min-songs", 3, "--device", "cpu"]
    assert "1 steps from nothing" in desk(*words, "--separated", "--steps", 1)
    with pytest.raises(DeskError, match="htdemucs is not here"):
        desk(*words)


def test_the_limit_of_time_is_at_least_a_second(folder: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, [str(folder), "--out", str(tmp_path / "out"), "--separated", "--seconds", "0"])
    assert done.exit_code == 2 and not (tmp_path / "out").exists()


def test_memory_that_runs_out_anywhere_is_one_sentence(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(crops, "mel_frames", full)
    with pytest.raises(OutOfMemory, match="ran out of memory"):
        desk(folder, "--out", tmp_path / "out", "--separated", "--min-songs", 3, "--device", "cpu")
