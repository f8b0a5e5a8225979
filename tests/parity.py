"""How near our networks are to their references; what was measured is printed at the end of a test run."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from torch import Tensor

KEY = pytest.StashKey["Parity"]()


def error(ours: Tensor, theirs: Tensor) -> float:
    """Largest difference over the largest value of the reference."""
    return float((ours - theirs).abs().max() / theirs.abs().max())


@dataclass
class Parity:
    """The largest error that was seen of each network and part, with its limit."""

    errors: dict[str, tuple[float, float]] = field(default_factory=dict)

    def __call__(self, name: str, ours: Tensor, theirs: Tensor, limit: float) -> None:
        """Assert that ours is within `limit` of theirs, as `error` counts, and remember by how much."""
        assert ours.shape == theirs.shape, f"{name}: {tuple(ours.shape)}, not {tuple(theirs.shape)}"
        measured = error(ours, theirs)
        self.record(name, measured, limit)
        assert measured <= limit, f"{name} is off by {measured:.1e} of the largest value, not {limit:.0e}"

    def record(self, name: str, measured: float, limit: float) -> None:
        """Keep the larger error."""
        self.errors[name] = max(self.errors.get(name, (0.0, limit)), (measured, limit))

    def lines(self) -> list[str]:
        """One line a network."""
        return [f"{name:60}{seen:8.1e}   (at most {limit:.0e})" for name, (seen, limit) in sorted(self.errors.items())]


@pytest.fixture(scope="session")
def parity(pytestconfig: pytest.Config) -> Parity:
    """Compares ours with a reference's, and remembers the error."""
    return pytestconfig.stash.setdefault(KEY, Parity())


class Printing:
    """Prints the errors below the tests; under pytest-xdist each process sends its own to the one that prints."""

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send what this process measured."""
        output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["parity"] = session.config.stash.setdefault(KEY, Parity()).errors

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Collect what another process measured."""
        collected = node.config.stash.setdefault(KEY, Parity())
        for name, (measured, limit) in getattr(node, "workeroutput", {}).get("parity", {}).items():
            collected.record(name, measured, limit)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
        """Print what was measured."""
        if lines := config.stash.setdefault(KEY, Parity()).lines():
            terminalreporter.section("largest error over largest value, against the reference")
            for line in lines:
                terminalreporter.write_line(line)
