"""The log on standard output: one line an event, for people or, with LOG_FORMAT=json, for programs.

Only a terminal gets colours, and lines that are folded at its width.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal

from pydantic_settings import BaseSettings, SettingsConfigDict
from rich.logging import RichHandler

from cli.console import console


class LogSettings(BaseSettings):
    """Read from the environment or `.env`: LOG_FORMAT."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    log_format: Literal["text", "json"] = "text"


class Lines(logging.Formatter):
    """Time, level and message on one line; below it the traceback of a bug, if there is one."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%Y-%m-%d %H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line."""
        return " ".join(super().formatMessage(record).splitlines())


class Json(logging.Formatter):
    """An object on one line: time (UTC, ISO 8601), level, logger, message, and traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        event = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            event["traceback"] = self.formatException(record.exc_info)
        return json.dumps(event, ensure_ascii=False)


def log_events(log_format: str = "text") -> None:
    """From now on events go to standard output: in the `log_format` of LogSettings."""
    handler: logging.Handler
    if log_format == "json":
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(Json())
    elif console.is_terminal:
        handler = RichHandler(console=console, show_path=False)
        handler.setFormatter(logging.Formatter("%(message)s"))
    else:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(Lines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)
