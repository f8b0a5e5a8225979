"""A command whose output was closed (`>&-`) writes into no file of its own in its place."""

import shlex
import subprocess
import sys

import pytest

ANSWERED = """
from cli.main import guarded, open_streams
open_streams()
from cli.console import agreed
guarded(lambda: agreed("Remove it?", False))
"""
PRINTED = """
import sys
from cli.main import guarded, open_streams
open_streams()
from cli.console import console
guarded(lambda: (console.print("노래 bad\\udcff"), sys.stdout.flush()))
"""
OPENED = """
import os
from cli.main import open_streams
open_streams()
os._exit(os.open(os.devnull, os.O_RDONLY))
"""
"""Ends with the number of the next file."""


@pytest.mark.parametrize("closed", ["", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_no_file_takes_the_place_of_a_closed_stream(closed: str) -> None:
    words = f"exec {sys.executable} -c {shlex.quote(OPENED)} {closed}"
    assert subprocess.run(words, shell=True, check=False, timeout=60).returncode > 2


@pytest.mark.parametrize("nobody", ["<&-", "</dev/null"])
def test_a_question_that_nobody_can_answer_is_one_sentence(nobody: str) -> None:
    words = f"exec {sys.executable} -c {shlex.quote(ANSWERED)} {nobody}"
    done = subprocess.run(words, shell=True, check=False, timeout=60, capture_output=True, text=True)
    said = "The question was not answered, so nothing was done. Answer it, or say --yes."
    assert (done.returncode, done.stderr.splitlines()) == (2, [said])


@pytest.mark.parametrize(("encoding", "shown"), [("ascii", "\\ub178\\ub798"), ("utf-8", "노래")])
def test_what_a_terminal_cannot_show_is_written_out(encoding: str, shown: str) -> None:
    words = f"PYTHONIOENCODING={encoding} exec {sys.executable} -c {shlex.quote(PRINTED)}"
    done = subprocess.run(words, shell=True, check=True, timeout=60, capture_output=True)
    assert done.stdout.decode() == f"{shown} bad\\udcff\n"


def test_an_output_that_is_full_is_one_sentence() -> None:
    words = f"exec {sys.executable} -c {shlex.quote(PRINTED)} >/dev/full"
    done = subprocess.run(words, shell=True, check=False, timeout=60, capture_output=True, text=True)
    assert done.stderr.splitlines()[0].startswith("No space is left for what this command writes.")
    assert "Traceback" not in done.stderr
