"""How near our networks are to their references; what was measured is printed at the end of a test run."""

from dataclasses import dataclass, field

from torch import Tensor


def error(ours: Tensor, theirs: Tensor) -> float:
    """Largest difference over the largest value of the reference."""
    return float((ours - theirs).abs().max() / theirs.abs().max())


@dataclass
class Parity:
    """The largest error that was seen of each network and part."""

    found: dict[str, tuple[float, float]] = field(default_factory=dict)

    def __call__(self, name: str, ours: Tensor, theirs: Tensor, limit: float) -> None:
        """Assert that ours is within `limit` of theirs, as `error` counts, and remember by how much."""
        assert ours.shape == theirs.shape, f"{name}: {tuple(ours.shape)}, not {tuple(theirs.shape)}"
        measured = error(ours, theirs)
        self.found[name] = max(self.found.get(name, (0.0, limit)), (measured, limit))
        assert measured <= limit, f"{name} is off by {measured:.1e} of the largest value, not {limit:.0e}"

    def lines(self) -> list[str]:
        """One line a network."""
        return [f"{name:60}{seen:8.1e}   (at most {limit:.0e})" for name, (seen, limit) in sorted(self.found.items())]
