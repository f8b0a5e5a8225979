"""What an operator is told of settings that cannot be: the name, the value, what is allowed, and what to do."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from bot.errors import BotError
from bot.settings import BotSettings, TokenSettings
from cli.console import DeskError
from cli.log import LogSettings
from metrics import MetricsSettings
from store import StoreSettings
from worker.doorbell import QueueSettings
from worker.settings import WorkerSettings

ROOMS: tuple[type[BaseSettings], ...] = (
    BotSettings,
    QueueSettings,
    MetricsSettings,
    WorkerSettings,
    StoreSettings,
    LogSettings,
)
"""What the service reads, each by a room of its own."""
READ: dict[str, tuple[type[BaseSettings], ...]] = {
    "bot": (BotSettings, QueueSettings, MetricsSettings, StoreSettings, LogSettings),
    "worker": (QueueSettings, MetricsSettings, WorkerSettings, StoreSettings, LogSettings),
    "up": ROOMS,
}
"""What each command that runs a part of the service reads, sooner or later."""
LOGGED_IN = ("bot", "up")
"""Commands that need the bot's token."""
SHOWN = 12
"""Signs of a value that are repeated: a secret that came into the wrong line is longer."""
BOUNDS = ("gt", "ge", "le")
KINDS: dict[Any, str] = {int: "a whole number", float: "a number", bool: "true or false"}


def check_settings(command: str) -> None:
    """Before a command of READ does anything, read all that it will read.

    Raises DeskError if something of it cannot be, with a sentence for each setting of the whole service; NoToken or
    WrongToken for the token alone.
    """
    refused = every_setting_refused()
    if command in LOGGED_IN:
        try:
            TokenSettings().token  # noqa: B018  (raises)
        except BotError as error:
            if not refused:
                raise
            raise DeskError("\n".join([*refused, str(error)])) from error
    if every_setting_refused(READ.get(command, ())):
        raise DeskError("\n".join(refused))


def every_setting_refused(rooms: Iterable[type[BaseSettings]] = ROOMS) -> list[str]:
    """A sentence for each setting that cannot be of these rooms: without a choice, of the whole service."""
    sentences: list[str] = []
    for kind in rooms:
        try:
            kind()
        except ValidationError as error:
            sentences += settings_refused(error)
    return list(dict.fromkeys(sentences))


def settings_refused(error: ValidationError) -> list[str]:
    """A sentence for each setting of a class that was refused, and its next step."""
    fields = next((kind.model_fields for kind in _below(BaseSettings) if kind.__name__ == error.title), {})
    return [_sentence(one, fields.get(str(one["loc"][0]))) for one in error.errors()]


def _sentence(one: Mapping[str, Any], field: FieldInfo | None) -> str:
    name, said = "_".join(str(part) for part in one["loc"]).upper(), one["msg"].removeprefix("Value error, ")
    allowed = _allowed(field) if field is not None else ""
    if one["type"] == "value_error" or not allowed:  # it may hold a password, and says itself what is allowed
        return f"The setting {name} is wrong: {said}. Correct it in .env or the environment."
    given = str(one["input"])
    shown = f"“{given[:SHOWN]}{'…' * (len(given) > SHOWN)}”" if given.strip() else "empty"
    default = field.default if field is not None else None
    return (
        f"The setting {name} is wrong: it is {shown}, and can be {allowed}. Correct it in .env or the environment, or "
        f"leave it out: then it is {_written(default)}."
    )


def _allowed(field: FieldInfo) -> str:
    """In words: a kind of number with its bounds, one of a few words; nothing where it can be any text."""
    if get_origin(field.annotation) is Literal:
        return " or ".join(get_args(field.annotation))
    bounds = {
        name: _written(value)
        for held in field.metadata
        for name in BOUNDS
        if (value := getattr(held, name, None)) is not None
    }
    kind = KINDS.get(field.annotation, "")
    match bounds:
        case {"ge": least, "le": most}:
            return f"{kind} from {least} to {most}"
        case {"gt": below, "le": most}:
            return f"{kind} above {below} and at most {most}"
    return kind


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.15g}" if isinstance(value, int | float) else str(value)


def _below(kind: type[BaseSettings]) -> Iterator[type[BaseSettings]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)
