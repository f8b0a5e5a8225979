"""What a process leaves about itself: nothing in its user's home."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BEGINS = {
    "the laboratory by itself": "from lab.networks.hibari import Hibari; Hibari().text([1, 2, 3])",
    "a command": """
import contextlib, sys
from cli.main import main
sys.argv = ["discovervoice", "--help"]
with contextlib.suppress(SystemExit):
    main()
import onnxruntime
""",
}


@pytest.mark.parametrize("begins", BEGINS)
def test_no_library_writes_down_what_it_would_report_to_its_maker(tmp_path: Path, begins: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    subprocess.run(
        [sys.executable, "-c", BEGINS[begins]], env=environment, check=True, capture_output=True, timeout=120
    )
    assert [path for path in tmp_path.rglob("*") if "onnxruntime" in path.name] == []
