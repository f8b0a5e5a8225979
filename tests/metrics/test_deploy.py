"""The dashboard and the alert rules ask for figures that exist, and no figure is forgotten."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from prometheus_client import CollectorRegistry

from metrics import GatewayMetrics, InstallationCollector, WorkMetrics
from store import Store

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
NAME = re.compile(r"discovervoice_\w+")
SUFFIX = re.compile(r"_(bucket|sum|count|total)$")


def expressions(name: str) -> list[str]:
    """Every expression of a file, in PromQL."""
    text = (DEPLOY / name).read_text()
    if name.endswith(".json"):
        return [target["expr"] for panel in json.loads(text)["panels"] for target in panel["targets"]]
    rules: list[dict[str, Any]] = [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
    assert all(rule["annotations"].keys() == {"summary", "action"} for rule in rules)
    return [rule["expr"] for rule in rules]


def asked(name: str) -> set[str]:
    return {SUFFIX.sub("", found) for text in expressions(name) for found in NAME.findall(text)}


@pytest.fixture
def served(store: Store) -> set[str]:
    """The names of all families of bot and worker."""
    registry = CollectorRegistry()
    registry.register(InstallationCollector(store))
    GatewayMetrics(registry, lambda: 0.0)
    WorkMetrics(registry, list)
    return {family.name for family in registry.collect()}


def test_every_figure_that_is_asked_for_is_served(served: set[str]) -> None:
    assert asked("alerts.yml") <= served
    assert asked("grafana-dashboard.json") == served


def test_the_names_in_the_operators_page_are_served(served: set[str]) -> None:
    page = (DEPLOY.parent / "docs" / "operators.md").read_text()
    named = {SUFFIX.sub("", found) for found in NAME.findall(page)}
    assert named == served
