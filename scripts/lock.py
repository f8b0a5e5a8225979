"""Make the three locks anew, or check them: every package of pyproject.toml, with what it needs, at one exact version.

`make lock` keeps the versions that still fit; `make lock UPGRADE=--upgrade` takes the newest. `make check-lock`
resolves each lock for every Python and platform below without installing anything. `make hashes` asks the index for the
hashes of every file of these versions. All need the `uv` and `packaging` packages and a package index.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {"requirements.lock": (), "requirements-lab.lock": ("lab",), "requirements-dev.lock": ("dev",)}
"""Each lock and its extras; each holds the one before, at the same versions."""
HEADER = "# Made by `make lock`. Install with: pip install --no-deps -r {name}\n"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_28", "aarch64-apple-darwin")
MACHINES = {"linux": ("x86_64", "aarch64"), "darwin": ("arm64",)}
PLAIN = ("sys_platform == 'linux'", "python_full_version >= '3.13'", "python_full_version < '3.11.3'")
"""Markers that stand for uv's longer ones where they mean the same everywhere."""


def make(options: list[str]) -> None:
    """Write every lock; a smaller one takes its versions from the largest."""
    largest = list(LOCKS)[-1]
    for name in (largest, *(name for name in LOCKS if name != largest)):
        lock = ROOT / name
        draft = lock.with_suffix(".draft")
        shutil.copyfile(lock if name == largest and lock.exists() else ROOT / largest, draft)
        _resolve(draft, LOCKS[name], options if name == largest else [])
        lines = [_plain(line) for line in draft.read_text().splitlines() if line and not line.startswith("#")]
        draft.write_text(HEADER.format(name=name) + "".join(f"{line}\n" for line in lines))
        draft.replace(lock)
        print(f"{name}: {len(lines)} packages")


def check() -> None:
    """Resolve each lock for every Python and platform; exits 1 if a package has no wheel somewhere, and says which."""
    refusals = []
    for name, python, platform in product(LOCKS, PYTHONS, PLATFORMS):
        command = ["uv", "pip", "install", "--dry-run", "--no-deps", "--only-binary", ":all:", "--requirements", name]
        with tempfile.TemporaryDirectory() as folder:
            target = ["--target", folder, "--python-version", python, "--python-platform", platform]
            macos = {"MACOSX_DEPLOYMENT_TARGET": "14.0"}  # PyAV's wheels ask for it
            done = subprocess.run(
                [*command, *target], cwd=ROOT, env={**os.environ, **macos}, capture_output=True, text=True
            )
        print(f"{name:<22} Python {python:<5} {platform:<24} {'no' if done.returncode else 'resolved'}")
        if done.returncode:
            refusals.append(done.stderr)
    sys.exit("\n".join(refusals) or 0)


def hashes() -> None:
    """Write each lock anew beside itself, with the sha256 of every file that this machine's index offers."""
    for name in LOCKS:
        hashed = name.replace(".lock", ".hashed.lock")
        command = ["uv", "pip", "compile", name, "--no-deps", "--universal", "--python-version", PYTHONS[0]]
        command += ["--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url", "--output-file", hashed]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"uv could not hash {name}:\n{done.stderr}")
        print(f"{hashed}: {(ROOT / hashed).read_text().count('--hash=')} hashes")


def _resolve(draft: Path, extras: tuple[str, ...], options: list[str]) -> None:
    """Let uv write the pinned requirements into `draft`, for all environments of pyproject.toml, without addresses."""
    command = ["uv", "pip", "compile", "pyproject.toml", "--universal", "--python-version", PYTHONS[0]]
    command += ["--no-header", "--no-annotate", "--no-emit-index-url", "--output-file", str(draft)]
    command += [word for extra in extras for word in ("--extra", extra)]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"uv could not resolve pyproject.toml:\n{done.stderr}")


def _plain(line: str) -> str:
    """A pinned line with the shortest marker that means the same in every environment."""
    requirement = Requirement(line)
    marker = requirement.marker
    if marker is None:
        return line
    pinned = f"{requirement.name}{requirement.specifier}"
    wanted = [marker.evaluate(environment) for environment in _environments()]
    if all(wanted):
        return pinned
    for text in PLAIN:
        candidate = Requirement(f"{requirement.name} ; {text}").marker
        assert candidate is not None
        if [candidate.evaluate(environment) for environment in _environments()] == wanted:
            return f"{pinned} ; {text}"
    return line


def _environments() -> list[dict[str, str]]:
    """What markers are evaluated against: CPython of every version on every platform."""
    fixed = {"implementation_name": "cpython", "platform_python_implementation": "CPython", "os_name": "posix"}
    return [
        fixed
        | {"python_version": version.rpartition(".")[0], "python_full_version": version}
        | {"sys_platform": system, "platform_system": system.capitalize(), "platform_machine": machine}
        for version in ("3.11.0", "3.11.3", "3.12.0", "3.13.0", "3.14.0")
        for system, machines in MACHINES.items()
        for machine in machines
    ]


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--check"]:
            check()
        case ["--hashes"]:
            hashes()
        case options:
            make(options)
