"""A training's settings from a TOML file: a table for the task, a table for the schedule."""

import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from lab.errors import RecipeError

Config = TypeVar("Config")


@dataclass(frozen=True)
class Schedule:
    """Length of a training, and the intervals of its log, validation and state."""

    steps: int
    seconds: float = float("inf")
    """A limit of time, over all attempts together."""
    seed: int = 0
    log_every: int = 20
    validate_every: int = 500
    save_seconds: float = 60.0


def shipped(role: str) -> Path:
    """The settings with which the shipped weights were trained."""
    return Path(__file__).parent / f"{role}.toml"


def read_config(path: Path, kind: type[Config]) -> tuple[Config, Schedule]:
    """Tables `[task]` and `[schedule]`; missing keys keep their default. Raises RecipeError."""
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise RecipeError(f"{path} cannot be read as TOML: {error}.") from error
    if unknown := sorted(tables.keys() - {"task", "schedule"}):
        raise RecipeError(f"{path} holds {', '.join(unknown)}; only [task] and [schedule] are known.")
    return _filled(kind, tables.get("task", {}), path), _filled(Schedule, tables.get("schedule", {}), path)


def with_steps(schedule: Schedule, steps: int) -> Schedule:
    """The same schedule, shorter or longer."""
    return replace(schedule, steps=steps)


def _filled(kind: type[Config], table: dict[str, Any], path: Path) -> Config:
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    if unknown := sorted(table.keys() - set(known)):
        raise RecipeError(f"{path} holds {', '.join(unknown)}; known are {', '.join(known)}.")
    try:
        return TypeAdapter(kind).validate_python(table)
    except ValidationError as error:
        first = error.errors()[0]
        raise RecipeError(f"{path}: {'.'.join(map(str, first['loc']))} is wrong: {first['msg']}.") from error
