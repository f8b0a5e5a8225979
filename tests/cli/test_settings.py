"""Numbers of settings and options have bounds; one beyond them is said, and nothing is begun."""

from pathlib import Path
from typing import get_args

import pytest
from pydantic_settings import BaseSettings
from typer.testing import CliRunner

from bot.settings import BotSettings
from cli.commands import app
from cli.console import DeskError
from cli.wrong_settings import check_settings
from models.pitch import trackers
from models.precision import PRECISIONS
from pipeline.pool.availability import MOS_NAMES, VOICE_BASES
from store import StoreSettings
from tests.cli.conftest import Desk
from worker.doorbell import QueueSettings
from worker.settings import WorkerSettings

ALL: tuple[type[BaseSettings], ...] = (StoreSettings, BotSettings, WorkerSettings, QueueSettings)
NUMBERS = [
    (kind, name) for kind in ALL for name, field in kind.model_fields.items() if field.annotation in (int, float)
]

NAMES = {"f0": trackers.NAMES, "mos": MOS_NAMES, "voice_base": VOICE_BASES, "precision": tuple(PRECISIONS)}


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "-1", "1e300"])
@pytest.mark.parametrize(("kind", "name"), NUMBERS, ids=lambda one: one if isinstance(one, str) else "")
def test_a_number_without_sense_is_refused(
    monkeypatch: pytest.MonkeyPatch, kind: type[BaseSettings], name: str, value: str
) -> None:
    monkeypatch.setenv(name.upper(), value)
    with pytest.raises(ValueError, match=name):
        kind()


@pytest.mark.parametrize(("name", "value"), [("CLIP_DAYS", "nan"), ("JOB_DAYS", "-1"), ("CACHE_GB", "much")])
def test_a_setting_that_is_wrong_is_named_in_one_sentence(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    said = desk.refused("songs", "list")
    assert said.startswith(f"The setting {name} is wrong: it is “{value}”, and can be a number above 0 and at most ")
    default = {"CLIP_DAYS": 30, "JOB_DAYS": 90, "CACHE_GB": 20}[name]
    assert said.endswith(f". Correct it in .env or the environment, or leave it out: then it is {default}.")
    assert not desk.data.exists()


def test_every_setting_that_is_wrong_is_told_at_once_and_no_secret_in_the_wrong_line(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (
        ("CLIP_DAYS", "0"),
        ("JOB_DAYS", "A1b2C3d4E5f6G7h8"),
        ("DATABASE_URL", "mysql://me:secret@host"),
    ):
        monkeypatch.setenv(name, value)
    said = desk.told("songs", "list")
    assert all(f"The setting {name} is wrong: " in said for name in ("CLIP_DAYS", "JOB_DAYS", "DATABASE_URL"))
    assert "G7h8" not in said and "secret" not in said and said.count("Correct it in .env") == 3


@pytest.mark.parametrize("command", ["up", "bot", "worker", "doctor"])
def test_settings_of_other_rooms_and_the_token_are_told_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(desk.data.parent)
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)
    wrong = {"CLIP_DAYS": "0", "MAX_NOTES": "many", "TRAIN_MINUTES": "-1", "REDIS_URL": "x", "LOG_FORMAT": "xml"}
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    said = desk.told(command, code=1 if command == "doctor" else 2)
    assert [name for name in wrong if said.count(f"The setting {name} is wrong: ") != 1] == []
    assert not desk.data.exists()


@pytest.mark.parametrize("command", ["up", "bot", "doctor"])
@pytest.mark.parametrize("name", ["TRAIN_MINUTES", "MAX_NOTES"])
def test_a_missing_token_is_told_with_what_is_wrong_beside_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, command: str, name: str
) -> None:
    monkeypatch.chdir(desk.data.parent)
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)
    monkeypatch.setenv(name, "-1")
    said = desk.told(command, code=1 if command == "doctor" else 2)
    assert f"The setting {name} is wrong: " in said and "DISCORD_TOKEN is" in said


@pytest.mark.parametrize("command", ["bot", "worker"])
def test_a_part_of_the_service_reads_every_setting_before_it_begins(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(desk.data.parent)
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)
    monkeypatch.setenv(f"{command}_METRICS_PORT".upper(), "-4")
    said = desk.told(command).splitlines()
    assert said[0].startswith(f"The setting {command.upper()}_METRICS_PORT is wrong: it is “-4”")
    assert [line.split()[0] for line in said[1:]] == (["DISCORD_TOKEN"] if command == "bot" else [])
    assert not desk.data.exists()


def test_a_setting_of_the_worker_alone_does_not_keep_the_bot_from_its_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "x.y.z")
    monkeypatch.setenv("TRAIN_MINUTES", "-1")
    check_settings("bot")
    for command in ("up", "worker"):
        with pytest.raises(DeskError, match=r"^The setting TRAIN_MINUTES is wrong"):
            check_settings(command)


def test_models_that_there_are_none_of_are_told_with_the_others(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"DEVICE": "tpu", "F0": "ear", "MOS": "jury", "VOICE_BASE": "rvc", "PRECISION": "double", "CLIP_DAYS": "0"}
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    said = desk.told("songs", "list")
    assert [name for name in wrong if said.count(f"The setting {name} is wrong: ") != 1] == []
    assert "“ear”, and can be swift or fcpe or rmvpe" in said


def test_the_models_that_settings_take_are_those_that_there_are() -> None:
    taken = {name: get_args(WorkerSettings.model_fields[name].annotation) for name in NAMES}
    assert taken == NAMES


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "postgresql://host/name",
        "postgresql+psycopg://me:secret@host",
        "mysql+pymysql://me:secret@host/name",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite+aiosqlite:///a.db",
        "sqlite:///a.db?timeout=long",
        "sqlite://host/a.db",
    ],
)
def test_a_database_that_cannot_work_is_one_sentence(desk: Desk, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    said = desk.refused("songs", "list")
    assert said.startswith("The setting DATABASE_URL is wrong: only a file of SQLite works") and "secret" not in said
    assert not desk.data.exists()


@pytest.mark.parametrize("token", [None, "", "  ", "two words"])
def test_without_a_token_nothing_is_started(desk: Desk, monkeypatch: pytest.MonkeyPatch, token: str | None) -> None:
    monkeypatch.chdir(desk.data.parent)
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)
    if token is not None:
        monkeypatch.setenv("DISCORD_TOKEN", token)
    for command in ("up", "bot", "invite"):
        assert "DISCORD_TOKEN" in desk.refused(command)
    assert not desk.data.exists()


@pytest.mark.parametrize("minutes", ["nan", "inf", "-1", "0"])
def test_a_training_takes_a_time_that_there_is(tmp_path: Path, minutes: str) -> None:
    said = CliRunner().invoke(app, ["train", "me", str(tmp_path / "n.ogg"), "--yes", "--minutes", minutes])
    assert said.exit_code == 2 and "--minutes" in said.output


def test_the_data_is_in_the_home_folder_where_the_settings_file_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", "~/voices")
    assert StoreSettings().data_dir == Path.home() / "voices"


@pytest.mark.parametrize(
    ("name", "value"), [("DATA_DIR", ""), ("DATA_DIR", "~nobody-of-this-name/x"), ("SEPARATOR", "")]
)
def test_an_empty_name_is_no_choice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, value)
    with pytest.raises(DeskError, match=f"^The setting {name} is wrong: it"):
        check_settings("worker")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_address_is_told_of_the_option_that_was_typed(desk: Desk) -> None:
    for typed in ("x", "", "mysql://me:secret@host/x"):
        said = desk.refused("store", "copy", "--to-database", typed, "--to-media", "new")
        assert said.startswith("--to-database is no address that works. Give one such as sqlite:////srv/voices.db or")
    assert desk.refused("store", "copy", "--to-database", "sqlite:////x/y.db", "--to-media", " ").startswith(
        "--to-media is empty. "
    )
