"""Remake requirements.lock: every package of pyproject.toml, with what it needs, at one exact version.

Run by `make lock`. Needs the `uv` command (`pip install uv`) and a package index. Versions that still fit are kept;
`make lock UPGRADE=--upgrade` takes the newest.
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = "# Made by `make lock`. Install with: pip install --no-deps -r requirements.lock\n"


def resolve(draft: Path, options: list[str]) -> None:
    """Let `uv` write the pinned requirements into `draft`, without index addresses."""
    command = ["uv", "pip", "compile", "pyproject.toml", "--extra", "dev", "--python-version", "3.11"]
    command += ["--python-platform", "x86_64-manylinux_2_28", "--no-header", "--no-annotate", "--no-emit-index-url"]
    done = subprocess.run([*command, "-o", draft, *options], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"uv could not resolve pyproject.toml:\n{done.stderr}")


if __name__ == "__main__":
    lock = ROOT / "requirements.lock"
    draft = lock.with_suffix(".part")
    shutil.copyfile(lock, draft)
    resolve(draft, sys.argv[1:])
    draft.write_text(HEADER + draft.read_text().removeprefix(HEADER))
    draft.replace(lock)
    print(f"{lock.name}: {sum('==' in line for line in lock.read_text().splitlines())} packages")
