"""Which errors of all rooms an operator can correct, and what they are told."""

import re

from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from bot.errors import BotError
from cli.console import DeskError
from cli.wrong_paths import path_refused
from cli.wrong_settings import every_setting_refused, settings_refused
from files.disk import NO_SPACE, DiskFull
from metrics import CannotListen
from pipeline.errors import SoundError
from store import StoreError, refusal_of
from worker.errors import ChildDied, WorkerError

BOTS_COMMAND = re.compile(r"(?<!\S)/(cover|jobs|match|train|voices)(?=[.,:;]?(\s|$))")
"""What a sentence for members tells them to use, where the desk has the same."""


def sentence_of(error: Exception) -> str | None:
    """What an operator is told of an error; None: it is a bug."""
    match error:
        case ValidationError():
            return "\n".join(dict.fromkeys([*settings_refused(error), *every_setting_refused()]))
        case ChildDied():
            return f"{error} Run the command again; if that ends so too, free some memory."
        case BotError() | SoundError() | StoreError() | WorkerError() | DeskError() | DiskFull() | CannotListen():
            return BOTS_COMMAND.sub(r"discovervoice \1", str(error))
        case IntegrityError() | ProgrammingError():
            return None
        case DBAPIError():
            return str(refusal_of(error))
        case OSError() if error.filename is None and error.errno in NO_SPACE:  # its output, as a rule
            return "No space is left for what this command writes. Free some, and type it again."
        case OSError() if error.filename is not None:
            return path_refused(error)
        case _:
            return None
