"""The desk that measures: memory that runs out is one sentence."""

import pickle
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from cli.commands import app
from cli.console import DeskError
from lab.desk.evaluate import evaluate
from lab.desk.separation import SeparatorOpening
from lab.evaluate.voice import VoiceEvaluation
from models import memory
from pipeline.errors import OutOfMemory
from pipeline.pool.selection import Selection

WORK = {
    "voice": "lab.evaluate.voice.evaluate_voice",
    "content": "lab.evaluate.content.evaluate_content",
    "singers": "lab.evaluate.singers.record",
}


def desk(command: str, folder: Path) -> None:
    words = [command, "--data", folder, "--out", folder / "out", "--threads", 1]
    CliRunner().invoke(evaluate, [str(word) for word in words], catch_exceptions=False)


@pytest.mark.parametrize("command", WORK)
def test_memory_that_runs_out_is_one_sentence(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_thread: None
) -> None:
    def full(*_: object) -> None:
        raise failure

    monkeypatch.setattr(WORK[command], full)
    failure: Exception = torch.OutOfMemoryError("CUDA out of memory.")
    with pytest.raises(OutOfMemory, match="ran out of memory"):
        desk(command, tmp_path)
    failure = memory.AllocationFailed("Memory ran out with 1 windows in a batch.")
    with pytest.raises(DeskError, match="with 1 windows in a batch"):
        desk(command, tmp_path)


def test_separation_without_tracks_or_with_an_unknown_separator_is_one_sentence(tmp_path: Path) -> None:
    def run(*words: str) -> None:
        CliRunner().invoke(app, ["evaluate", "separation", str(tmp_path), *words], catch_exceptions=False)

    with pytest.raises(DeskError, match="holds no tracks"):
        run()
    with pytest.raises(DeskError, match="There is no separator demucs9"):
        run("--separator", "demucs9")
    with pytest.raises(DeskError, match="htdemucs is not here; run `discovervoice models pull htdemucs`"):
        run("--separator", "spleeter", "--separator", "htdemucs")


def test_processes_can_open_the_separators_of_the_settings() -> None:
    opening = SeparatorOpening(("spleeter",), "cpu", Selection(), torch.get_num_threads())
    copied = pickle.loads(pickle.dumps(opening))  # noqa: S301
    assert copied == opening and hash(copied) == hash(opening)
    assert [separator.model_id for separator in copied()] == [opening()[0].model_id]


@pytest.mark.parametrize(("words", "seconds"), [([], 600.0), (["--minutes", "2"], 120.0), (["--skip-training"], None)])
def test_training_can_be_left_out(
    words: list[str], seconds: float | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_thread: None
) -> None:
    asked = list[object]()

    def evaluated(data: Path, out: Path, models: object, seconds: float | None, targets: object, _: object) -> object:
        asked.extend((seconds, targets))
        out.mkdir()
        return VoiceEvaluation((), (), (), {"MOS": "a model"}, ("No DNSMOS: it is not installed.",))

    monkeypatch.setattr("lab.evaluate.voice.evaluate_voice", evaluated)
    done = CliRunner().invoke(
        evaluate, ["voice", "--data", str(tmp_path), "--out", str(tmp_path / "out"), "--threads", "1", *words]
    )
    assert done.exit_code == 0, done.output
    assert asked == [seconds, []]
    assert "No DNSMOS: it is not installed." in done.output
    assert (tmp_path / "out" / "evaluation.json").is_file()
