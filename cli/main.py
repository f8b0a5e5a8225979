"""Where `discovervoice` begins; so does its child process, for which no commands are imported."""

import os
import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import Any

from files.private import no_telemetry, private_files


def main() -> None:
    """Run a command; an error that an operator can correct is one sentence on stderr and exit code 2."""
    open_streams()
    private_files()
    no_telemetry()
    try:
        guarded(_begin)
    except KeyboardInterrupt:  # while it still loads
        sys.exit(130)


def open_streams() -> None:
    """Give what was closed of input, output and errors (`>&-`) to nowhere, or other files would have their numbers."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:  # as Python leaves one that was closed
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115
    if isinstance(sys.stdout, TextIOWrapper):  # a name in Korean where the terminal has ASCII alone
        sys.stdout.reconfigure(errors="backslashreplace")


def _begin() -> None:
    """Run the command that was typed, with the log that the settings ask for."""
    from pydantic import ValidationError

    from cli.commands import app
    from cli.log import LogSettings, log_events
    from cli.torchrun import check_shared

    try:
        log_events(LogSettings().log_format)
    except ValidationError:
        from cli.wrong_settings import check_settings

        check_settings("".join(sys.argv[1:2]))
        raise
    check_shared(sys.argv[1:])
    app()


def guarded(command: Callable[[], Any]) -> None:
    """Run `command`; of an error with a sentence for its reader, that sentence is printed, and the exit code is 2."""
    from cli.console import check_environment_file, fail

    try:
        check_environment_file()
        command()
    except Exception as error:
        from cli.refusals import sentence_of

        sentence = sentence_of(error)
        if sentence is None:
            raise
        fail(sentence)


if __name__ == "__main__":
    main()
