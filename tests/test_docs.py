"""What the pages say is so: commands run, options and files exist, links lead somewhere, settings are real."""

import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import typer
import yaml  # type: ignore[import-untyped]
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings
from typer.testing import CliRunner

from bot.settings import BotSettings
from cli import offline
from cli.commands import app
from cli.desk_settings import DeskSettings
from cli.log import LogSettings
from cli.main import guarded
from cli.torchrun import SHARED
from metrics import MetricsSettings
from store import StoreSettings
from tests.warm_child import WarmChildren
from worker.doorbell import QueueSettings
from worker.settings import WorkerSettings

ROOT = Path(__file__).resolve().parent.parent
KOREAN = sorted((ROOT / "docs").glob("*.ko.md"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SETTINGS: dict[str, tuple[type[BaseSettings], ...]] = {
    "bot": (BotSettings,),
    "bot, worker": (QueueSettings, MetricsSettings),
    "worker, command line": (WorkerSettings,),
    "command line": (DeskSettings,),
    "bot, worker, command line": (StoreSettings, LogSettings),
}
OFFLINE = (
    "match",
    "train",
    "cover",
    "singers",
    "songs",
    "backup",
    "forget",
    "restore",
)  # done here; the others need a token, or minutes
COMPOSE_WORDS = {"up", "logs", "ps", "stop", "run"}
CLICK: Any = typer.main.get_command(app)


def commands(page: Path) -> list[str]:
    """Every command of a page's `sh` blocks, continued lines joined."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    lines = [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


ALL = [pytest.param(line, id=f"{page.name}: {line}") for page in PAGES for line in commands(page)]


def is_run(line: str) -> bool:
    """Whether the slow test runs this command; the others are looked up."""
    first, second = [*shlex.split(line), ""][:2]
    return first in ("mkdir", "cp") or (
        first == "discovervoice" and second in OFFLINE and shlex.split(line)[1:3] != ["singers", "train"]
    )


def problem(line: str) -> str | None:
    """Why a command cannot be right, or None."""
    first, *rest = shlex.split(line)
    if first == "discovervoice":
        return wrong_desk(rest)
    if first == "torchrun":
        return wrong_torchrun(rest)
    if first == "docker":
        return wrong_compose(rest)
    if first == "make":
        targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        return f"no targets {set(rest) - targets}" if set(rest) - targets else None
    if first == "export":
        name = rest[0].partition("=")[0]
        return None if name in fields() else f"no setting {name}"
    if first == ".venv/bin/pytest":
        missing = [path for path in rest if not path.startswith("-") and not (ROOT / path).exists()]
        return f"no {missing}" if missing else None
    if line in (". .venv/bin/activate", "git pull"):
        return None if "VENV := .venv\n" in (ROOT / "Makefile").read_text() else "the Makefile makes another venv"
    if first == "cp" and rest[0] == ".env.example":
        return None if (ROOT / rest[0]).is_file() else "no .env.example"
    return None if is_run(line) else "nobody checks this command"


def wrong_desk(words: list[str]) -> str | None:
    """Why `discovervoice WORDS` cannot be right: an unknown command or option, or too few arguments."""
    command, path = CLICK, list[str]()
    context = click.Context(command, info_name="discovervoice")
    while words and hasattr(command, "commands"):
        if words[0] == "--help":
            return None
        command, path, words = command.get_command(context, words[0]), [*path, words[0]], words[1:]
        if command is None:
            return f"no command {' '.join(path)}"
        context = click.Context(command, context, info_name=path[-1])
    if CliRunner().invoke(app, [*path, "--help"]).exit_code:
        return f"{' '.join(path)} has no help"
    try:
        command.make_context(path[-1], list(words))
    except Exception as error:  # click's, for an unknown option or a missing argument
        return str(error) or type(error).__name__
    return None


def wrong_torchrun(words: list[str]) -> str | None:
    """Why `torchrun WORDS` cannot be right: an option that it does not have, or a command that cannot be shared."""
    from torch.distributed.run import get_args_parser

    own = get_args_parser().parse_args(words)
    if not own.no_python or own.training_script != "discovervoice":
        return "it starts no discovervoice"
    theirs: list[str] = own.training_script_args
    shared = any(tuple(theirs[: len(command)]) == command for command in SHARED)
    return wrong_desk(theirs) if shared else "several processes cannot share it"


def wrong_compose(words: list[str]) -> str | None:
    """Why `docker WORDS` cannot be right: not compose, an unknown service or, in `run`, a wrong command."""
    file = "docker-compose.yml"
    if words[1] == "--file":
        file, words = words[2], [words[0], *words[3:]]
    if words[0] != "compose" or words[1] not in COMPOSE_WORDS or not (ROOT / file).is_file():
        return "not a compose command that is known here"
    services = yaml.safe_load((ROOT / file).read_text())["services"]
    named = [word for word in words[2:] if not word.startswith("-")]
    if words[1] == "run":
        return wrong_desk(named[1:]) if named and named[0] in services else f"no service {named}"
    return f"no services {set(named) - set(services)}" if set(named) - set(services) else None


def fields() -> dict[str, tuple[str, str]]:
    """Every setting that is read, with its default as the table writes it, and who reads it."""
    return {
        name.upper(): ("" if field.default in (None, "", PydanticUndefined) else f"`{field.default}`", readers)
        for readers, kinds in SETTINGS.items()
        for kind in kinds
        for name, field in kind.model_fields.items()
    }


def table_rows(page: Path) -> Iterator[list[str]]:
    """The cells of every table row of a page."""
    for line in page.read_text().splitlines():
        if line.startswith("| "):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def anchors(page: Path) -> set[str]:
    """The headings of a page as fragments."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def dead(page: Path, text: str) -> list[str]:
    """Relative links of `text`, as it stands in `page`, that lead nowhere."""
    found = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, fragment = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        place = (page.parent / path).resolve() if path else page
        if not place.exists() or (fragment and fragment not in anchors(place)):
            found.append(target)
    return found


@pytest.mark.parametrize("line", ALL)
def test_a_command_of_the_pages_exists_with_its_options(line: str) -> None:
    assert problem(line) is None


@pytest.mark.parametrize(
    "line",
    [
        "discovervoice dance",
        "discovervoice up --prot 1",
        "discovervoice cover --voice Carlo",
        "discovervoice singers rename X",
        "docker compose up wroker",
        "docker compose run --rm worker-cpu sing",
        "docker build .",
        "make love",
        "export REDIS_ADDRESS=x",
        ".venv/bin/pytest tests/nothing.py",
        "curl example.org",
    ],
)
def test_a_wrong_command_would_be_seen(line: str) -> None:
    assert problem(line) is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_that_exist(page: Path) -> None:
    assert dead(page, page.read_text()) == []
    assert dead(page, "[x](nowhere.md) ![y](#no-such-heading)") == ["nowhere.md", "#no-such-heading"]


def test_the_settings_table_is_the_settings() -> None:
    rows = [row for row in table_rows(ROOT / "docs" / "operators.md") if re.fullmatch(r"`[A-Z0-9_]+`", row[0])]
    assert {row[0].strip("`"): (row[1], row[2]) for row in rows} == fields()


@pytest.mark.parametrize("page", KOREAN, ids=lambda page: page.name)
def test_a_korean_page_has_the_commands_of_the_english_one(page: Path) -> None:
    assert commands(page) == commands(page.with_name(page.name.replace(".ko.md", ".md")))


def test_the_operators_page_in_korean_has_every_setting_table_and_heading() -> None:
    korean, english = (ROOT / "docs" / name for name in ("operators.ko.md", "operators.md"))
    named = [[re.findall(r"`[^`]*`", "".join(row[:2])) for row in table_rows(page)] for page in (korean, english)]
    settings = [[row for row in rows if row and re.fullmatch("`[A-Z0-9_]+`", row[0])] for rows in named]
    assert len(named[0]) == len(named[1]) and settings[0] == settings[1] and len(settings[0]) == len(fields())
    heads = [len(re.findall(r"^#+ ", page.read_text(), re.MULTILINE)) for page in (korean, english)]
    assert heads[0] == heads[1]


def test_the_readme_names_every_embedded_model() -> None:
    roles = {row[1] for row in table_rows(ROOT / "README.md") if len(row) == 4}
    names = {
        found
        for name in (
            "content/student",
            "quality/distillmos",
            "pitch/swift_f0",
            "pitch/trackers",
            "speaker/resemblyzer",
            "separation/spleeter",
        )
        for found in re.findall(r'^(?:\w+_)?NAME = "(.+)"$', (ROOT / "models" / f"{name}.py").read_text(), re.MULTILINE)
    }
    assert len(names) == 6 and names <= roles


def test_the_notice_credits_every_weights_file() -> None:
    notice = (ROOT / "NOTICE").read_text()
    assert all(f"models/weights/{file.name}" in notice for file in (ROOT / "models" / "weights").glob("*.safetensors"))


def test_pages_hold_no_path_of_a_machine_and_pictures_are_small() -> None:
    for page in [*PAGES, ROOT / "NOTICE", ROOT / "Dockerfile", ROOT / "docker-compose.yml", ROOT / ".env.example"]:
        assert not re.search(r"/(work|home|root|Users)/|(?<!=)/tmp/", page.read_text()), page
    assert all(picture.stat().st_size < 150_000 for picture in (ROOT / "docs" / "images").iterdir())


@pytest.fixture
def desk(tmp_path: Path, song: Path, seeded: Path) -> Path:
    """A folder in which the pages' commands find their files: two notes, a singer's clips, a song, and a library."""
    shutil.copytree(seeded, tmp_path / "data")
    for folder, chosen in (("demo/notes", "carlo_0[1-2].ogg"), ("worker/library/voices/bf_emma", "*.ogg")):
        (tmp_path / folder).mkdir(parents=True)
        for file in (ROOT / folder).glob(chosen):
            shutil.copy(file, tmp_path / folder)
    shutil.copy(song, tmp_path / "song.mp3")
    return tmp_path


def run(line: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Do a command as an operator does, and return what it said; trainings last a second.

    `discovervoice` runs in this process: to load torch anew for each command would take most of the time.
    """
    words = shlex.split(re.sub(r"--minutes \S+", "--minutes 0.02", line))
    if words[0] != "discovervoice":
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(["sh", "-ec", line], env={**os.environ, "PATH": path}, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout
    files = [sorted(str(path) for path in Path().glob(word)) if "*" in word else [word] for word in words[1:]]
    with pytest.raises(SystemExit) as end:
        guarded(lambda: app([word for some in files for word in some]))
    said = capsys.readouterr()
    assert not end.value.code, f"{line}\n{said.out}{said.err}"
    return said.out


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_commands_of_the_pages_do_what_they_say(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], warm_children: WarmChildren
) -> None:
    monkeypatch.setattr(offline, "Child", warm_children)
    monkeypatch.chdir(desk)
    monkeypatch.setenv("DATA_DIR", str(desk / "data"))  # the warm child works in another folder
    pages = [page for page in PAGES if page not in KOREAN]
    lines = [line for page in pages for line in commands(page) if is_run(line) and ".env" not in line]
    said: dict[str, str] = {}
    for line in lines:
        said[" ".join(shlex.split(line)[:2])] = run(line, capsys)
    for name in ("match.png", "cover.mp3", "cover.png", "vocals.flac", "instrumental.flac"):
        assert (desk / "results" / name).stat().st_size > 1000
    assert "none of them" in said["discovervoice match"] and "Resemblyzer" in said["discovervoice cover"]
    with sqlite3.connect(desk / "backup" / "discovervoice.db") as copy:
        assert {"Kokoro Emma", "Maxim"} <= {name for (name,) in copy.execute("SELECT name FROM singer")}
        assert copy.execute("SELECT title FROM song").fetchall() == [("Slow Motion Dream",)]
        kept = [key for (key,) in copy.execute("SELECT media_key FROM song")]
    assert all((desk / "backup" / "media" / key[:2] / key).is_file() for key in kept)
    assert "Removed of 123456789012345678: 0 notes" in said["discovervoice forget"]
