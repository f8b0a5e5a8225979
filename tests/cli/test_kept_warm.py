"""A command's working process stays for the next command."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def test_a_second_match_is_done_by_the_process_of_the_first(seeded: Path, tmp_path: Path, notes: list[Path]) -> None:
    data = shutil.copytree(seeded, tmp_path / "data")
    own = {"DATA_DIR": str(data), "KEEP_WARM_SECONDS": "15", "DATABASE_URL": "", "COLUMNS": "200"}
    words = [sys.executable, "-m", "cli.main", "match", str(notes[0]), "--out", str(tmp_path / "out")]

    def match() -> "subprocess.CompletedProcess[str]":
        """Returns only when nobody holds its outputs any more."""
        return subprocess.run(words, env=os.environ | own, capture_output=True, text=True, timeout=50)

    def answer(done: "subprocess.CompletedProcess[str]") -> str:
        """What was printed, less its stages: which of them are seen is the clock's."""
        return "".join(line for line in done.stdout.splitlines(keepends=True) if not line.startswith("match: "))

    place = data / "desk" / "child"
    first, stays = match(), place.stat()
    second = match()
    assert (second.returncode, second.stderr, answer(second)) == (0, "", answer(first))
    assert "Heard: 19 s" in answer(first)
    assert os.path.samestat(place.stat(), stays)
    deadline = time.monotonic() + 60
    while place.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not place.exists()
