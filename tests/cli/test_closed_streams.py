"""A command whose output was closed (`>&-`) writes into no file of its own in its place."""

import shlex
import subprocess
import sys

import pytest

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
