"""Remake requirements.lock: every package of pyproject.toml, with what it needs, at one exact version.

Run by `make lock`. Needs the `uv` command (`pip install uv`) and a package index.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = "# Made by `make lock`. Install with: pip install --no-deps -r requirements.lock\n"


def resolve() -> str:
    """Return the pinned requirements as `uv` resolves them, one a line, without index addresses."""
    command = ["uv", "pip", "compile", "pyproject.toml", "--extra", "dev", "--python-version", "3.11"]
    command += [
        "--python-platform",
        "x86_64-manylinux_2_28",
        "--no-header",
        "--no-annotate",
        "--no-emit-index-url",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"uv could not resolve pyproject.toml:\n{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    lock = ROOT / "requirements.lock"
    draft = lock.with_suffix(".part")
    draft.write_text(HEADER + resolve())
    draft.replace(lock)
    print(f"{lock.name}: {sum('==' in line for line in lock.read_text().splitlines())} packages")
