"""The laboratory's commands join by entry points; without its packages they say how to install them."""

import subprocess
import sys
import tomllib
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner

from cli.commands import app
from cli.console import DeskError
from cli.laboratory import GROUP, INSTALL, ROOMS, added_commands

RUN = CliRunner()
ADDED = {"corpus", "evaluate", "pretrain", "prune", "report", "separators"}
COMMANDS = {"corpus": "corpus", "evaluate": "evaluate", "pretrain": "pretrain", "singers train": "singers"}
WORK = {  # a command, and the module that its work needs first
    "corpus build folder": "lab.corpus.build",
    "evaluate voice --data folder": "lab.evaluate.voice",
    "evaluate content --data folder": "lab.evaluate.content",
    "evaluate singers --data folder": "lab.evaluate.singers",
    "evaluate separation folder": "lab.evaluate.separation",
    "pretrain content --data folder": "lab.pretrain.content",
    "pretrain text --data folder": "lab.pretrain.text_map",
    "pretrain voice --data folder": "lab.pretrain.voice",
    "pretrain singers --data folder": "lab.pretrain.singers",
    "singers train folder": "lab.classifiers.train",
}


class Uninstalled:
    """A finder in whose world `module` imports a package that is not installed."""

    def __init__(self, module: str, package: str) -> None:
        self.module, self.package = module, package

    def find_spec(self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None) -> ModuleSpec | None:
        if name == self.module:
            raise ModuleNotFoundError(f"No module named {self.package!r}", name=self.package)
        return None


def without(monkeypatch: pytest.MonkeyPatch, module: str, package: str) -> None:
    """Let the next import of `module` miss `package`."""
    room, _, name = module.rpartition(".")
    monkeypatch.delitem(sys.modules, module, raising=False)
    if room in sys.modules:
        monkeypatch.delattr(sys.modules[room], name, raising=False)
    monkeypatch.setattr(sys, "meta_path", [Uninstalled(module, package), *sys.meta_path])


def help_of(*words: str) -> str:
    done = RUN.invoke(app, [*words, "--help"])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("installed", [True, False])
def test_help_lists_them_with_and_without_their_packages(installed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not installed:
        for module in COMMANDS.values():
            without(monkeypatch, f"lab.desk.{module}", "pyworld")
    assert all(f"│ {name}" in help_of() for name in (*ADDED, "singers"))
    assert "│ train" in help_of("singers")
    assert ("Not installed" in help_of()) is not installed
    assert set(added_commands()) == ADDED
    assert set(added_commands("singers.")) == {"train"}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_cannot_be_imported_says_what_to_install(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [*command.split(), "folder", "--data", "x"]
    without(monkeypatch, f"lab.desk.{COMMANDS[command]}", "pyworld")
    assert str(RUN.invoke(app, words).exception) == INSTALL
    assert "pip install 'discovervoice[lab]'" in INSTALL


@pytest.mark.parametrize("command", WORK)
def test_work_whose_package_is_missing_says_what_to_install(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, WORK[command], "faster_whisper")
    with pytest.raises(DeskError, match="pip install"):
        RUN.invoke(app, command.split(), catch_exceptions=False)


def test_a_missing_module_of_ours_is_no_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "lab.desk.corpus", "lab.corpus.gone")
    with pytest.raises(ModuleNotFoundError):
        RUN.invoke(app, ["corpus", "sources"], catch_exceptions=False)


def test_a_package_that_the_service_misses_is_not_the_laboratorys(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "cli.offline", "av")
    with pytest.raises(ModuleNotFoundError):
        RUN.invoke(app, ["songs", "list"], catch_exceptions=False)
    with pytest.raises(ModuleNotFoundError):
        RUN.invoke(app, ["singers", "list"], catch_exceptions=False)


def test_importing_the_desk_imports_no_module_of_the_laboratory() -> None:
    script = "import sys, cli.main; print(*[name for name in sys.modules if name.partition('.')[0] == 'lab'])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_a_missing_package_is_one_sentence_and_exit_code_2() -> None:
    script = (
        "import sys; sys.modules['pyworld'] = None\n"  # as if it were not installed
        "sys.argv = ['discovervoice', 'evaluate', 'voice', '--data', 'folder']\n"
        "from cli.main import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (2, "", INSTALL)


def test_the_installed_entry_points_are_those_of_the_project_and_load() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    declared = project["project"]["entry-points"][GROUP]
    installed = entry_points(group=GROUP)
    assert {entry.name: entry.value for entry in installed} == declared
    assert all(callable(entry.load()) for entry in installed)
    assert set(ROOMS) == set(project["tool"]["ruff"]["lint"]["isort"]["known-first-party"])


def test_help_of_the_laboratory_loads_no_torch() -> None:
    script = (
        "import sys; from typer.testing import CliRunner; from cli.commands import app\n"
        "done = CliRunner().invoke(app, ['--help']); assert 'pretrain' in done.output\n"
        "print(*{'torch', 'numpy', 'av'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
