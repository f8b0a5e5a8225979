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
