"""The processes that wait for the child load no network library: a command and a worker cost little beside it."""

import subprocess
import sys
from pathlib import Path

import pytest

SOUND = {"torch", "numpy", "av", "scipy", "matplotlib", "discord"}
ROWS = {"sqlalchemy", "aiohttp"}
SLOW = {"pydantic", "scipy.signal", "scipy.stats", "scipy.optimize", "matplotlib", "librosa"}
TASKS = {"pipeline.covers.cover", "pipeline.training.train"}
EXPORTED = """
from pathlib import Path
from cli.handover import _export
from store.results import MatchResult
from worker.messages import JobOutcome
Path("match.png").write_bytes(b"a picture")
Path("out").mkdir()
_export(JobOutcome(MatchResult(), {"picture": Path("match.png")}), Path("out"))
assert Path("out/match.png").is_file()
"""
MATCHING = """
import worker.child
from pipeline.pool.availability import open_models
from pipeline.pool.selection import Selection
from worker import child_tasks, match_task
from worker.messages import ReadyTask
ready = child_tasks.perform(ReadyTask(able=False), open_models("cpu", Selection()), lambda _: None, lambda *_: None)
assert ready.singer_model and not ready.models
"""
"""What a child loads until a match is drawn."""


@pytest.mark.parametrize(
    ("begun", "without"),
    [
        ("import cli.main", SOUND | ROWS | {"typer", "rich"}),  # the child begins with it
        ("from cli.main import main; sys.argv = ['discovervoice', '--help']; main()", SOUND | ROWS),
        ("import cli.offline, cli.watch, worker.service", SOUND),
        (EXPORTED, SOUND | {"aiohttp"}),
        ("import pipeline.covers.export", {"torch", "scipy"}),
        ("import worker.child", SOUND | ROWS | {"pydantic"}),
        (
            MATCHING,
            ROWS | TASKS | SLOW,
        ),
        ("import bot.app", {"torch", "numpy", "av", "scipy"}),
    ],
)
def test_a_process_loads_no_more_than_it_needs(begun: str, without: set[str], tmp_path: Path) -> None:
    code = f"import sys, atexit; atexit.register(lambda: print(*{without!r} & sys.modules.keys(), file=sys.stderr))\n"
    path = f"import sys; sys.path[:0] = {sys.path!r}\n"
    done = subprocess.run(
        [sys.executable, "-c", path + code + begun], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stderr.split() == []
