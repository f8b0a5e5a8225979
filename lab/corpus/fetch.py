"""Package files by the user's own pip, npm and apt-get, as they are set up; each is checked by its sha256."""

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from lab.corpus.catalogue import Package
from lab.errors import BuildError
from models.weights.integrity import digest

TIME_LIMIT = 1800.0  # s for one package


def fetch(package: Package, folder: Path) -> Path:
    """The package's file in `folder`; downloaded only if it is not there yet. Raises BuildError."""
    path = folder / package.file
    if path.is_file() and digest(path) == package.sha256:
        return path
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".part-") as fresh:
        _download(package, Path(fresh))
        files = [file for file in Path(fresh).iterdir() if file.is_file()]
        if len(files) != 1:
            raise BuildError(
                f"{package.manager} gave {len(files)} files for {package.name} {package.version}, not one."
            )
        if digest(files[0]) != package.sha256:
            raise BuildError(
                f"{package.name} {package.version} is not the file that is pinned in lab/corpus/sources.toml: "
                "its sha256 differs."
            )
        files[0].replace(path)
    return path


def command(package: Package, folder: Path) -> list[str]:
    """What downloads the package into `folder`, when run there. Raises BuildError: the program is missing."""
    exact = f"{package.name}{'==' if package.manager == 'pip' else '@'}{package.version}"
    if package.manager == "pip":
        own = [sys.executable, "-m", "pip"] if importlib.util.find_spec("pip") else [_program("pip", package)]
        plain = ["--disable-pip-version-check", "--no-input", "--only-binary", ":all:"]
        return [*own, "download", "--no-deps", *plain, "--dest", str(folder), exact]
    if package.manager == "npm":
        return [_program("npm", package), "pack", exact, "--ignore-scripts", "--pack-destination", str(folder)]
    return [_program("apt-get", package), "download", f"{package.name}={package.version}"]


def _program(name: str, package: Package) -> str:
    program = shutil.which(name)
    if program is None:
        raise BuildError(f"The program {name} is needed to download {package.name}, and it is not installed.")
    return program


def _download(package: Package, folder: Path) -> None:
    words = command(package, folder)
    try:
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=TIME_LIMIT)
    except subprocess.TimeoutExpired as error:
        raise BuildError(f"{package.manager} took over {TIME_LIMIT / 60:.0f} minutes for {package.name}.") from error
    if done.returncode != 0:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        wrong = [line for line in lines if line.lower().startswith(("e:", "error", "npm err"))]
        reason = (wrong or lines or ["no reason given"])[0].rstrip(".")
        raise BuildError(f"{package.manager} could not download {package.name} {package.version}: {reason}.")
