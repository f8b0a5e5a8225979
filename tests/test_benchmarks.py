"""The benchmark of a GPU, on the CPU: rows of every kind, and what fails or hangs is a row, too."""

import json
import math
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import __main__ as everything
from benchmarks import gpu, inference, networks, peers, rounding, steps
from benchmarks.boxed import Ended, Piece, in_boxes
from benchmarks.whole_cover import CoverRow
from tests.lab.separators.stem_songs import write_songs


def test_a_piece_that_fails_hangs_or_dies_costs_itself_alone() -> None:
    pieces = [
        Piece("fails", int, ("no number",), 20.0),
        Piece("hangs", time.sleep, (60.0,), 0.2),
        Piece("dies", os._exit, (3,), 20.0),
        Piece("works", abs, (-5,), 20.0),
    ]
    fails, hangs, dies, works = in_boxes(pieces, 60.0)
    assert fails.error.startswith("ValueError: invalid literal") and fails.value is None
    assert hangs.error == "took longer than 0 s" and dies.error == "its process ended (3)"
    assert works == Ended("works", 5)
    assert [ended.error for ended in in_boxes(pieces[3:], 0.0)] == ["no time was left for it"]


@pytest.mark.usefixtures("one_thread")
def test_a_training_is_measured_by_batch_until_one_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("WARM", 0), ("LEAST", 1), ("TIMED_SECONDS", 0.0)):
        monkeypatch.setattr(steps, name, value)
    timed = steps.timed

    def scarce(name: str, learner: Any, data: Any, batch: int, device: Any) -> steps.StepsRow:
        if batch > 1:
            raise RuntimeError("CUDA error: out of memory")
        return timed(name, learner, data, batch, device)

    monkeypatch.setattr(steps, "timed", scarce)
    one, two = steps.run_steps("s24", "cpu", 1, (1, 2, 4), 60.0, 4.0)
    assert (one.batch, one.note) == (1, "") and one.steps_per_second > 0 and one.gib > 0.1
    assert one.minutes == pytest.approx(10_000 / one.steps_per_second / 60)
    assert (two.batch, two.note) == (2, "does not fit")


@pytest.mark.usefixtures("one_thread")
def test_a_network_agrees_with_itself_and_nearly_in_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "SECONDS", 2)
    monkeypatch.setattr(inference, "multiplies_bf16", lambda device: True)
    exact, half = inference.run_network("resemblyzer", "cpu", 1)
    assert (exact.precision, exact.decibels) == ("float32", math.inf)
    assert half.precision == "bfloat16" and 20 < half.decibels < 80 and half.factor > 0


@pytest.mark.usefixtures("one_thread")
def test_a_separator_is_looked_at_before_and_after_it_learnt(tmp_path: Path) -> None:
    config = replace(rounding.CONFIG, n_fft=512, hop=128, bins=256, channels=4, growth=2, scales=2, blocks=1)
    before, after = rounding.looks(config, write_songs(tmp_path, test=1), steps=3, samples=15 * 128)
    assert (before.step, after.step) == (0, 3)
    assert before.sdr != after.sdr and before.agreements != after.agreements
    assert all(10 < decibels < 90 for seen in (before, after) for decibels in seen.agreements)
    told = rounding.Look(10, 1.5, [28.0, 30.0, 41.0], 0.004)
    assert told.row() == "| 10 | 1.50 | 30.0 (28.0 … 41.0) | 2 of 3 | 0.004 |"


def test_tables_json_and_the_end_tell_what_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        [steps.StepsRow("s24", 4, 12.5, 1.5, 13.3)],
        [inference.NetworkRow("spleeter", "float32", 0.02, 0.7, math.inf)],
        [CoverRow("first", 60.0, 9.0, "reading 0.50", 41.0)],
    ]

    def boxes(pieces: Iterator[Piece], seconds: float) -> list[Ended]:
        assert seconds <= 9 * 60 and {piece.name for piece in pieces} >= {"training rvc-48k", "melband, compiled"}
        done = [Ended(str(number), made) for number, made in enumerate(rows)]
        return [*done, Ended("melband, compiled", error="took longer than 60 s")]

    monkeypatch.setattr(gpu, "in_boxes", boxes)
    assert gpu.main(["--device", "cpu"]) == 1
    printed = capsys.readouterr().out
    assert "| spleeter | float32 | 0.02 | 0.7 | equal |" in printed
    assert "| melband, compiled | took longer than 60 s |" in printed
    told = json.loads(printed[printed.index("\n{") :])
    assert told["Training"][0]["steps_per_second"] == 12.5 and told["Networks"][0]["decibels"] is None
    assert told["errors"] == {"melband, compiled": "took longer than 60 s"}
    rows[:] = []
    monkeypatch.setattr(gpu, "in_boxes", lambda *_: [])
    assert gpu.main(["--device", "cpu"]) == 0


def test_one_command_runs_every_program_and_says_which_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    programs = {
        path.stem
        for path in Path(everything.__file__).parent.glob("*.py")
        if '__name__ == "__main__"' in path.read_text()
    }
    assert set(everything.PROGRAMS) == programs - {
        "__main__",
        "pruning",
        "rounding",
        "workers",
    }  # those are given data, or a server
    ran = list[list[str]]()

    def process(command: list[str], check: bool) -> subprocess.CompletedProcess[str]:
        ran.append(command[1:])
        return subprocess.CompletedProcess(command, int("benchmarks.effort" in command))

    monkeypatch.setattr(subprocess, "run", process)
    monkeypatch.setattr(everything, "present", lambda: [torch.device("cpu")])
    assert everything.main(["--quick", "effort", "gpu", "retention"]) == 1
    assert ran == [["-m", "benchmarks.effort", "--pairs", "1"], ["-m", "benchmarks.retention", "2000"]]
    printed = capsys.readouterr().out
    assert "`python -m benchmarks.effort --pairs 1`: ended with 1" in printed
    assert "No cuda device is at hand: not measured." in printed


def test_a_peer_that_is_not_installed_has_a_row_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(peers.PEERS, "melband", replace(peers.PEERS["melband"], package="no_such_package"))
    assert peers.compare("melband", 5, 1.0, False) == "| melband | no_such_package is not installed | – | – |"


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has the device")
def test_a_device_that_is_not_there_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        gpu.main(["--device", "cuda"])
    assert ended.value.code == 2 and "cuda cannot be used on this machine" in capsys.readouterr().err


def test_every_row_that_was_aimed_at_names_a_program_that_is_there() -> None:
    text = (Path(everything.__file__).parent / "README.md").read_text()
    lines = text[text.index("| work | as it was") :].partition("\n\n")[0].splitlines()
    rows = [[cell.strip() for cell in line[1:-1].split("|")] for line in lines[2:]]
    assert len(rows) > 20 and {len(row) for row in rows} == {6}
    commands = [row[5] for row in rows]
    named = [command.split("benchmarks.")[1].split("`")[0].split()[0] for command in commands if "`" in command]
    assert {command for command in commands if "`" not in command} == {"the same", "none"}
    assert set(named) <= set(everything.PROGRAMS)
