"""The walls of the house: who may import whom, what the bot never loads, what the lock may hold."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import LONG_FIRST

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "files": set[str](),
    "models": {"files"},
    "pipeline": {"files", "models"},
    "store": {"files"},
    "metrics": {"files", "store"},
    "worker": {"files", "store", "metrics", "pipeline"},
    "bot": {"files", "store", "metrics", "worker.doorbell"},
    "cli": {"files", "models", "pipeline", "store", "metrics", "worker", "bot"},
    "lab": {"files", "models", "pipeline", "store", "cli"},
}
OUTSIDE = {  # what a room may not know of the world
    "files": {"discord", "redis", "arq", "sqlmodel", "sqlalchemy", "torch", "numpy", "av"},
    "models": {"discord", "redis", "arq", "sqlmodel", "sqlalchemy", "onnxruntime", "swift_f0"},
    "pipeline": {"discord", "redis", "arq", "sqlmodel", "sqlalchemy", "onnxruntime", "swift_f0"},
    "store": {"discord", "redis", "arq", "torch"},
    "metrics": {"discord", "redis", "arq", "torch", "sqlmodel", "sqlalchemy"},
    "worker": {"discord", "onnxruntime"},
    "bot": {"torch", "torchaudio", "numpy", "av", "onnxruntime"},
    "cli": {"onnxruntime"},
    "lab": {"discord", "redis", "arq"},
}
REPORTS = re.compile(r"(.*)\n *(?:import onnxruntime|from onnxruntime\b)")
"""The line before ONNX Runtime, which reports to its maker what it runs."""
LOCKS = ("requirements.lock", "requirements-lab.lock", "requirements-dev.lock")
HEAVY = ("torch", "numpy", "av")
LONGEST = 400
PIN = re.compile(r"[a-z0-9][a-z0-9._-]*==[0-9][A-Za-z0-9.!+_-]*( ; [a-z_]+ (==|<|>=) '[a-z0-9.]+')?")


def imported(source: str, package: str) -> Iterator[tuple[int, str]]:
    """Line and absolute name of everything that a module of `package` imports, wherever in the file."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = [*above, *([node.module] if node.module else [])]
            yield from ((node.lineno, ".".join([*base, alias.name])) for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            yield node.lineno, "importlib.import_module"


def breaches(room: str, source: str, package: str) -> list[str]:
    """What a module imports although its room may not."""
    return [f"line {line}: {name}" for line, name in imported(source, package) if not allowed(room, name)]


def allowed(room: str, name: str) -> bool:
    """Whether a module of the room may import `name`."""
    top = name.partition(".")[0]
    if name == "importlib.import_module" or top in OUTSIDE[room]:
        return False
    if top not in MAY_IMPORT or top == room:
        return True
    return any(name == permitted or name.startswith(f"{permitted}.") for permitted in MAY_IMPORT[room])


def unpinned(lock: str) -> list[str]:
    """Lines of a lock that are neither a comment nor one exact version."""
    return [line for line in lock.splitlines() if line and not line.startswith("# ") and not PIN.fullmatch(line)]


def too_long(files: dict[str, str]) -> list[str]:
    """Files of more lines than a reader keeps in mind."""
    return [f"{name}: {lines}" for name, text in files.items() if (lines := text.count("\n")) > LONGEST]


def defined_twice(files: dict[str, str]) -> dict[str, list[str]]:
    """Public class names with more than one definition at module level, and the files that define them."""
    places: dict[str, list[str]] = {}
    for name, text in files.items():
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(name)
    return {name: where for name, where in places.items() if len(where) > 1}


def foreign(owners: dict[str, list[str]]) -> dict[str, set[str]]:
    """Rooms whose name a distribution other than ours has taken."""
    return {room: others for room in MAY_IMPORT if (others := set(owners.get(room, [])) - {"discovervoice"})}


def loaded_by(modules: str) -> set[str]:
    """Which heavy packages a fresh interpreter holds after importing `modules`."""
    script = f"import sys, {modules}; print(*set({HEAVY!r}) & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def sources() -> dict[str, str]:
    """Our Python files and pages, by their path from the root."""
    folders = (*MAY_IMPORT, "tests", "scripts", "benchmarks", "docs")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".md")]
    return {str(path.relative_to(ROOT)): path.read_text() for path in [*files, ROOT / "README.md"]}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_what_it_may(room: str) -> None:
    files = sorted((ROOT / room).rglob("*.py"))
    assert files
    found = [
        f"{path.relative_to(ROOT)} {breach}"
        for path in files
        for breach in breaches(room, path.read_text(), ".".join(path.parent.relative_to(ROOT).parts))
    ]
    assert not found


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("models", "import pipeline.errors"),
        ("models", "from .. import store"),
        ("pipeline", "def f():\n    from store import Job"),
        ("pipeline", "import sqlmodel"),
        ("store", "if TYPE_CHECKING:\n    from worker.doorbell import Doorbell"),
        ("worker", "from models import speaker"),
        ("bot", "from worker import settings"),
        ("bot", "import worker.service"),
        ("bot", "from pipeline.errors import SoundError"),
        ("bot", "import numpy as np"),
        ("bot", "import importlib\nimportlib.import_module('torch')"),
    ],
)
def test_the_wall_sees_a_breach(room: str, source: str) -> None:
    assert breaches(room, source, room)


@pytest.mark.parametrize(
    ("room", "package", "source"),
    [
        ("bot", "bot", "from worker.doorbell import Doorbell"),
        ("bot", "bot", "from worker import doorbell"),
        ("bot", "bot.texts", "from ..names import safe"),
        ("models", "models.rvc", "from .config import RVCConfig\nimport torch, ast"),
        ("worker", "worker", "from pipeline.matching.match import match\nfrom store import Job\nfrom . import tasks"),
    ],
)
def test_the_wall_lets_through_what_is_allowed(room: str, package: str, source: str) -> None:
    assert not breaches(room, source, package)


def test_the_bot_never_loads_torch_numpy_or_pyav() -> None:
    assert loaded_by("cli.main, bot.app, bot.settings, worker.doorbell, worker.errors, pipeline.errors, store") == set()


def test_what_the_bot_must_not_load_would_be_seen() -> None:
    assert loaded_by("numpy") == {"numpy"}


def test_no_installed_package_takes_a_rooms_name() -> None:
    assert foreign(dict(packages_distributions())) == {}
    assert foreign({"models": ["someones-models"], "bot": ["discovervoice"]}) == {"models": {"someones-models"}}
    for room in MAY_IMPORT:
        spec = find_spec(room)
        assert room not in sys.stdlib_module_names
        assert spec is not None and spec.origin == str(ROOT / room / "__init__.py")


def test_the_page_tells_the_walls() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)/` \| [^|]+ \| ([^|]+) \|$", page, re.MULTILINE))
    assert {room: set(re.findall(r"`([\w.]+)`", cell)) for room, cell in rows.items()} == MAY_IMPORT


def test_only_the_bottom_room_knows_temporary_names_and_what_a_full_disk_says() -> None:
    by_hand = re.compile(r"ENOSPC|EDQUOT|EFBIG|mkstemp|os\.replace|\.part\"\)|with_suffix\(\"\.(part|tmp)")
    resumed = {"models/weights/download.py", "models/weights/pull.py"}  # what a later pull goes on with
    found = {
        name
        for name, text in sources().items()
        if name.partition("/")[0] in MAY_IMPORT and not name.startswith("files/") and by_hand.search(text)
    }
    assert found <= resumed
    assert by_hand.search('draft = path.with_name(path.name + ".part")') and by_hand.search("errno.ENOSPC")


def test_a_class_name_has_one_meaning_in_all_rooms() -> None:
    rooms = {
        name: text for name, text in sources().items() if name.endswith(".py") and name.partition("/")[0] in MAY_IMPORT
    }
    assert defined_twice(rooms) == {}
    twice = {
        "a.py": "class A: ...",
        "b.py": "class A:\n    class B: ...\nclass _P: ...",
        "c.py": "class _P: ...\nclass B: ...",
    }
    assert defined_twice(twice) == {"A": ["a.py", "b.py"]}


def test_no_file_is_longer_than_400_lines() -> None:
    assert too_long(sources()) == []
    assert too_long({"a.py": "\n" * 401, "b.py": "\n" * 400}) == ["a.py: 401"]


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_every_package_and_names_no_index(name: str) -> None:
    lock = (ROOT / name).read_text()
    assert unpinned(lock) == []
    assert {"torch==2.11.0", "torchaudio==2.11.0"} <= set(lock.splitlines())
    assert "://" not in lock and "--index" not in lock and "--extra-index" not in lock


def test_each_lock_holds_the_one_before() -> None:
    run, lab, dev = ({line for line in (ROOT / name).read_text().splitlines() if line[0] != "#"} for name in LOCKS)
    assert run < lab < dev
    assert not any(line.startswith(("mypy", "ruff", "pytest", "simcord", "faster-whisper")) for line in run)


@pytest.mark.parametrize(
    "line", ["numpy", "numpy>=2", "numpy==2.*", "x @ file:x.whl", "--no-binary x", "-r other", "a==1 ; os", "#x"]
)
def test_an_unpinned_line_would_be_seen(line: str) -> None:
    assert unpinned(f"# comment\ntorch==2.11.0\n{line}\n") == [line]


def test_the_tests_that_begin_a_run_are_there() -> None:
    assert [start for start in LONG_FIRST if not (ROOT / "tests" / start).exists()] == []


def test_what_would_report_to_its_maker_is_silenced_before_it_is_loaded() -> None:
    sources = [file.read_text() for room in MAY_IMPORT for file in (ROOT / room).rglob("*.py")]
    before = [line.strip() for source in sources for line in REPORTS.findall(source)]
    assert set(before) == {"no_telemetry()"} and len(before) >= 4
