"""The processes that wait for the child load no network library: a command and a worker cost little beside it."""

import subprocess
import sys

PARENTS = ("cli.main", "cli.offline", "cli.report", "cli.watch", "pipeline.covers.export", "worker.service")


def test_what_waits_for_the_child_never_loads_torch() -> None:
    code = (
        f"import sys, importlib; [importlib.import_module(name) for name in {PARENTS}]; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
