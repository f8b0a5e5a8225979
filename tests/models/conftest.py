"""Parity: measured in the tests, shown below them."""

import pytest

from tests.models.parity import Parity

SEEN = pytest.StashKey[Parity]()


@pytest.fixture(scope="session")
def parity(pytestconfig: pytest.Config) -> Parity:
    """Compares ours with a reference's, and remembers the error."""
    return pytestconfig.stash.setdefault(SEEN, Parity())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what was measured."""
    lines = config.stash.get(SEEN, Parity()).lines()
    if lines:
        terminalreporter.section("largest error over largest value, against the reference")
        for line in lines:
            terminalreporter.write_line(line)
